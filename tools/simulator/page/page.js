// The page of the simulator: joins the socket to the glass, the keys, the tray, the phone and the books.
// The server holds every truth; this file only shows it and passes on what a hand does.

import { Books, Wire } from "./books.js";
import { Glass, Keypad, Tray } from "./device.js";
import { Inbox } from "./phone.js";
import { element, language, speak, word } from "./words.js";

const at = (id) => document.getElementById(id);
const RETRY_MS = 1000;
const SPOKEN_AFTER_MS = 250; // a screen that is still being drawn is not read out
const CONSOLE_LINES = 400;

let socket = null;
let hello = null;
let state = { on: false };
let books = null;
let code = null;
let lines = [];
let spoken = 0;

const send = (type, values = {}) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type, ...values }));
};

const glass = new Glass(at("oled"));
const keypad = new Keypad(at("keypad"), (key, down) => send("key", { key, down }));
const tray = new Tray(at("cards"), at("slot"), (card) => send("swipe", { card }));
const ledger = new Books(
  { bindings: at("bindings"), applications: at("applications"), ledger: at("ledger") },
  (application, accept, reason) => send("decide", { application, accept, reason }),
);
const inbox = new Inbox(at("inbox"), (application, confirms) => send("owner", { application, confirms }));
const wire = new Wire(at("exchanges"));

const heard = {
  hello(message) {
    hello = message;
    wire.clear();
    at("console").textContent = "";
    showHello();
  },
  state(message) {
    state = message;
    showState();
  },
  screen(message) {
    lines = message.lines;
    showScreen();
  },
  console(message) {
    const text = (at("console").textContent + message.lines.join("\n") + "\n").split("\n");
    at("console").textContent = text.slice(-CONSOLE_LINES).join("\n");
    at("console").scrollTop = at("console").scrollHeight;
  },
  code(message) {
    code = { ...message, until: Date.now() + message.left * 1000 };
    showCode();
  },
  books(message) {
    books = message;
    showBooks();
  },
  event(message) {
    wire.add(message);
    blink();
  },
  refused(message) {
    toast(word(`refused.${message.why}`));
  },
};

function connect() {
  tell("connecting");
  socket = new WebSocket(new URL("socket", location.href.replace(/^http/, "ws")));
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => tell("connected"));
  socket.addEventListener("message", ({ data }) => {
    if (data instanceof ArrayBuffer) glass.paint(new Uint8Array(data));
    else {
      const message = JSON.parse(data);
      heard[message.type]?.(message);
    }
  });
  socket.addEventListener("close", () => {
    keypad.releaseAll();
    tell("lost");
    setTimeout(connect, RETRY_MS);
  });
}

function tell(key) {
  at("connection").textContent = word(key);
  document.body.dataset.connection = key;
}

function showHello() {
  if (!hello) return;
  tray.lay(hello.cards);
  at("plate").textContent = word("plate", hello.terminal);
  const rows = hello.slip.map(({ key, value }) => [
    element("dt", {}, word(`slip.${key}`)),
    element("dd", { class: /[^\x20-\x7e]/.test(value) ? "words" : undefined, "data-slip": key }, value)]);
  at("slip").replaceChildren(...rows.flat());
  at("slip").parentElement.hidden = rows.length === 0;
  at("books-note").textContent = word(hello.acquirer.here ? "books.here" : "books.elsewhere", hello.acquirer);
  options(at("wifi"), hello.wifi, "wifi");
  options(at("link"), hello.link, "link");
}

function options(select, values, group) {
  select.replaceChildren(...values.map((value) => element("option", { value }, word(`${group}.${value}`))));
}

function showState() {
  document.body.dataset.on = state.on;
  at("device").dataset.on = state.on;
  at("power").setAttribute("aria-pressed", state.on);
  at("power-word").textContent = word(state.on ? "power.off" : "power.on");
  at("led-power").classList.toggle("lit", state.on);
  at("led-wifi").classList.toggle("lit", state.on && state.connected);
  at("wifi").value = state.wifi;
  at("link").value = state.link;
  showScreen();
}

function showScreen() {
  const text = state.on ? lines.join("\n") || word("screen.dark") : word("screen.off");
  at("oled").setAttribute("aria-label", word("screen.label"));
  at("device").dataset.screen = text;
  clearTimeout(spoken);
  spoken = setTimeout(() => { at("screen-text").textContent = text; }, SPOKEN_AFTER_MS);
}

function showCode() {
  if (!code) return;
  const left = Math.max(0, (code.until - Date.now()) / 1000);
  at("code").textContent = code.code ? `${code.code.slice(0, 3)} ${code.code.slice(3)}` : "––– –––";
  at("code-left").textContent = code.code ? word("phone.left", { seconds: Math.ceil(left) }) : word("phone.none");
  at("phone-ring").style.strokeDashoffset = 30 - left;
  at("phone-ring").closest(".phone").classList.toggle("late", left < 6);
}

function showBooks() {
  if (!books) return;
  ledger.show(books);
  inbox.show(books);
}

function blink() {
  const led = at("led-line");
  led.classList.add("lit");
  clearTimeout(blink.timer);
  blink.timer = setTimeout(() => led.classList.remove("lit"), 220);
}

function toast(text) {
  at("toast").textContent = text;
  at("toast").classList.add("shown");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => at("toast").classList.remove("shown"), 3000);
}

async function say(next) {
  await speak(next);
  keypad.name();
  at("language").textContent = word("language");
  at("language").lang = language === "zh" ? "en" : "zh-CN";
  showHello();
  showState();
  showCode();
  showBooks();
  at("console").dataset.empty = word("serial.none");
  wire.redraw();
}

at("language").addEventListener("click", () => say(language === "zh" ? "en" : "zh"));
at("theme").addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).getPropertyValue("color-scheme").trim();
  const isDark = dark === "dark" || (dark !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  theme(isDark ? "light" : "dark");
});
at("power").addEventListener("click", () => send("power", { on: !state.on }));
at("wifi").addEventListener("change", (event) => send("wifi", { mode: event.target.value }));
at("link").addEventListener("change", (event) => send("link", { mode: event.target.value }));

function theme(name) {
  if (name) {
    localStorage.setItem("theme", name);
    document.documentElement.dataset.theme = name;
  }
}

theme(new URLSearchParams(location.search).get("theme") ?? localStorage.getItem("theme"));
await say(language);
setInterval(showCode, 250);
connect();
