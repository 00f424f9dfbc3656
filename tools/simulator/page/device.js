// The terminal as a thing to look at and press: its glass, its keys, its card slot.

import { element, word } from "./words.js";

const WIDTH = 128;
const HEIGHT = 64;
const POWERED = 1;
const SHOWING = 2;
const DARK = [4, 5, 6];
const BRIGHT = [214, 238, 255];
const DIMMEST = 0.55; // contrast 0 is dim on the real part, not invisible

const KEYS = "123A456B789C*0#D";
const TYPED = {
  Enter: "D", Escape: "C", Backspace: "*", Delete: "*", ArrowUp: "A", ArrowDown: "B",
  ...Object.fromEntries([..."0123456789ABCD*#"].map((key) => [key, key])),
  ...Object.fromEntries([..."abcd"].map((key) => [key, key.toUpperCase()])),
};

/** The OLED: paints panel bytes (pages of eight rows, low bit on top) at a whole number of screen dots. */
export class Glass {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.image = this.context.createImageData(WIDTH, HEIGHT);
    this.fit();
    addEventListener("resize", () => this.fit());
  }

  fit() {
    const room = Math.min(3 * WIDTH, document.documentElement.clientWidth - 84);
    const dots = Math.max(1, Math.floor((room * devicePixelRatio) / WIDTH));
    document.documentElement.style.setProperty("--scale", dots / devicePixelRatio);
  }

  /** `frame`: flags, contrast, 1024 panel bytes. */
  paint(frame) {
    const shown = (frame[0] & POWERED) && (frame[0] & SHOWING);
    const level = DIMMEST + (1 - DIMMEST) * (frame[1] / 255);
    const data = this.image.data;
    for (let y = 0, at = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++, at += 4) {
        const lit = shown && (frame[2 + (y >> 3) * WIDTH + x] >> (y & 7)) & 1;
        for (let c = 0; c < 3; c++) data[at + c] = lit ? BRIGHT[c] * level : DARK[c];
        data[at + 3] = 255;
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }
}

/** Sixteen rubber keys. `send(key, down)` hears each change once, from mouse, finger or computer keyboard. */
export class Keypad {
  constructor(pad, send) {
    this.send = send;
    this.held = new Map(); // what holds it (pointer id, keyboard code) -> key
    this.buttons = new Map();
    for (const key of KEYS) pad.append(this.make(key));
    addEventListener("pointerup", (event) => this.release(event.pointerId));
    addEventListener("pointercancel", (event) => this.release(event.pointerId));
    addEventListener("lostpointercapture", (event) => this.release(event.pointerId));
    addEventListener("blur", () => this.releaseAll());
    addEventListener("pagehide", () => this.releaseAll());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.releaseAll();
    });
    document.addEventListener("keydown", (event) => this.typed(event));
    document.addEventListener("keyup", (event) => {
      if (event.key === " " && event.target.closest?.(".keypad button")) event.preventDefault();
      if (event.key === "Meta") this.releaseAll(); // macOS tells of no key that comes up while it is down
      this.release(event.code);
    });
  }

  make(key) {
    const doing = key in { A: 1, B: 1, C: 1, D: 1, "*": 1, "#": 1 };
    const arrow = { A: " ▲", B: " ▼" }[key] ?? "";
    const button = element("button", { type: "button", "data-key": key, class: doing ? "doing" : "" },
      element("b", {}, key + arrow), doing ? element("small", { "data-word": `key.${key}` }) : null);
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault(); // the focus stays where it was, so that Enter goes on meaning OK
      button.setPointerCapture(event.pointerId); // its end is heard wherever the finger goes
      this.press(event.pointerId, key);
    });
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    // A screen reader or a switch clicks without a pointer.
    button.addEventListener("click", (event) => {
      if (event.detail === 0) this.tap(key);
    });
    this.buttons.set(key, button);
    return button;
  }

  /** Put the spoken names of the keys in the page's language. */
  name() {
    for (const [key, button] of this.buttons) {
      const small = button.querySelector("small");
      if (small) {
        small.textContent = word(`key.${key}`);
        button.setAttribute("aria-label", `${key} ${small.textContent}`);
      }
    }
  }

  typed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const own = event.target.closest?.(".keypad button");
    // Elsewhere Enter, the arrows and letters belong to what has the focus.
    if (!own && event.target.closest?.("input, select, textarea, button, a, [tabindex='0']")) {
      const widget = event.target.closest("input, select, textarea");
      if (widget || ["Enter", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    }
    const activates = own && (event.key === "Enter" || event.key === " ");
    const key = activates ? own.dataset.key : TYPED[event.key];
    if (key === undefined) return;
    event.preventDefault();
    if (!event.repeat) this.press(event.code, key);
  }

  tap(key) {
    this.press("tap", key);
    this.release("tap");
  }

  press(holder, key) {
    if (this.held.has(holder) || [...this.held.values()].includes(key)) return;
    this.held.set(holder, key);
    this.buttons.get(key).classList.add("down");
    this.send(key, true);
  }

  release(holder) {
    const key = this.held.get(holder);
    if (key === undefined) return;
    this.held.delete(holder);
    this.buttons.get(key).classList.remove("down");
    this.send(key, false);
  }

  releaseAll() {
    for (const holder of [...this.held.keys()]) this.release(holder);
  }
}

/** The tray: a card is clicked, or dragged to the slot; `swipe(id)` once it has gone through. */
export class Tray {
  constructor(list, slot, swipe) {
    this.list = list;
    this.slot = slot;
    this.swipe = swipe;
  }

  /** `cards`: [{id, number, expiry}], what is printed on their faces. */
  lay(cards) {
    this.list.replaceChildren(...cards.map((card) => element("li", {}, this.make(card))));
  }

  make({ id, number, expiry }) {
    const name = word(`card.${id}`);
    const button = element("button", { type: "button", class: "card", "data-card": id, "aria-label": word("card.swipe", { name }) },
      element("b", {}, name), element("span", {}, number),
      element("small", {}, `${word("card.valid_thru")} ${expiry}`));
    let grip = null;
    let dragged = false;
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      grip = { x: event.clientX, y: event.clientY };
      dragged = false;
    });
    button.addEventListener("pointermove", (event) => {
      if (!grip) return;
      const x = event.clientX - grip.x;
      const y = event.clientY - grip.y;
      if (!dragged && Math.hypot(x, y) < 6) return;
      dragged = true;
      button.classList.add("held");
      button.style.transform = `translate(${x}px, ${y}px)`;
      this.slot.classList.toggle("near", this.near(event));
    });
    const drop = (event) => {
      if (!grip) return;
      grip = null;
      const home = button.getBoundingClientRect();
      button.classList.remove("held");
      button.style.transform = "";
      this.slot.classList.remove("near");
      if (dragged && event.type === "pointerup" && this.near(event)) this.fly(button, id, home);
    };
    button.addEventListener("pointerup", drop);
    button.addEventListener("pointercancel", drop);
    button.addEventListener("click", () => {
      if (!dragged) this.fly(button, id, button.getBoundingClientRect());
      dragged = false;
    });
    return button;
  }

  near(event) {
    const box = this.slot.getBoundingClientRect();
    const reach = 90;
    return event.clientX > box.left - reach && event.clientX < box.right + reach
      && event.clientY > box.top - reach && event.clientY < box.bottom + reach;
  }

  /** Carry a copy of the card from where it is to the slot, draw it through, then tell the reader. */
  async fly(button, id, from) {
    if (button.classList.contains("away")) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!still) {
      const copy = button.cloneNode(true);
      copy.className = "card flying";
      copy.inert = true;
      Object.assign(copy.style, { left: `${from.left}px`, top: `${from.top}px`, width: `${from.width}px` });
      document.body.append(copy);
      button.classList.add("away");
      const slot = this.slot.getBoundingClientRect();
      const x = slot.right - from.width * 0.34 - from.left - from.width / 2;
      const above = slot.top - from.top - from.height / 2;
      const below = slot.bottom - from.top - from.height / 2;
      await copy.animate([
        { transform: "none", easing: "cubic-bezier(.3,0,.2,1)" },
        { transform: `translate(${x}px, ${above}px) rotate(90deg)`, offset: 0.45, easing: "ease-in" },
        { transform: `translate(${x}px, ${below}px) rotate(90deg)`, offset: 0.85 },
        { transform: `translate(${x}px, ${below}px) rotate(90deg)`, opacity: 0 },
      ], { duration: 620 }).finished;
      copy.remove();
      button.classList.remove("away");
    }
    this.swipe(id);
  }
}
