// The acquirer's books and its messages, as a person reads them. Everything arrives masked; text is never markup.

import { element, when, word, wordOr } from "./words.js";

const REVIEW = "review";
const STATUS = { 1: "active", 2: "review", 3: "rejected", 4: "unknown" }; // DF40
const EXCHANGES_KEPT = 60;

/** What the acquirer holds: bindings, those before them, applications; `decide(application, accept, reason)`. */
export class Books {
  constructor(places, decide) {
    this.places = places;
    this.decide = decide;
    this.seen = new Set();
    this.typed = new Map(); // reasons being typed survive a new snapshot
  }

  /** `books`: what this terminal has in the acquirer's snapshot, numbers masked. */
  show(books) {
    const { bindings, history } = books;
    const { places } = this;
    places.bindings.replaceChildren(
      element("h3", {}, word("binding.title")),
      ...(bindings.length ? bindings.map((one) => this.binding(one)) : [empty("binding.none")]),
      ...(history.length ? [element("h3", {}, word("history.title"))] : []),
      ...history.toReversed().map((one) => this.binding(one)),
    );
    this.seen = new Set(bindings.map(identity));
    this.first = false;
    this.showApplications(books.applications.toReversed());
    places.ledger.replaceChildren(...this.ledger(books));
  }

  binding(one) {
    const current = one.until === null;
    const fresh = current && this.first === false && !this.seen.has(identity(one));
    const type = wordOr(`type.${one.type}`, "");
    const more = [one.bank, one.cnaps && `CNAPS ${one.cnaps}`, type].filter(Boolean).join(" · ");
    return element("article", { class: `sheet binding${current ? "" : " past"}${fresh ? " fresh" : ""}`, "data-slot": one.slot },
      element("p", { class: "holder" }, one.holder),
      element("p", { class: "number" }, one.number),
      element("p", { class: "more" }, more),
      element("p", { class: "since" }, current
        ? [word("binding.slot", { slot: one.slot }), one.since && word("binding.since", { time: when(one.since) })].filter(Boolean).join(" · ")
        : word("history.until", { time: when(one.until) })));
  }

  showApplications(applications) {
    const focused = document.activeElement?.closest?.(".application")?.dataset.application;
    const nodes = applications.map((one) => this.application(one));
    this.places.applications.replaceChildren(
      element("h3", {}, word("applications.title")), ...(nodes.length ? nodes : [empty("applications.none")]));
    if (focused) nodes.find((node) => node.dataset.application === focused)?.querySelector("input")?.focus();
  }

  application(one) {
    const node = element("article", { class: "sheet application", "data-status": one.status, "data-application": one.application },
      element("span", { class: "what" }, wordOr(`action.${one.action}`, one.action)),
      element("span", { class: "number" }, one.number),
      element("span", { class: "badge" }, wordOr(`status.${one.status}`, one.status)));
    const why = one.status === "rejected" && [one.response_code, one.message || wordOr(`39.${one.response_code}`, "")];
    if (why) node.append(element("p", { class: "why" }, why.filter(Boolean).join(" ")));
    node.append(element("p", { class: "more" }, [
      when(one.created_at), one.application, people(one)].filter(Boolean).join(" · ")));
    if (one.status === REVIEW && one.stage) {
      node.append(element("p", { class: "why waits" }, word(`stage.${one.stage}`, { time: one.due && when(one.due) })));
    }
    if (one.status === REVIEW) node.append(this.desk(one));
    return node;
  }

  desk({ application, stage }) {
    const reason = element("input", { "aria-label": word("decide.reason"), placeholder: word("decide.reason"), maxlength: 40 });
    reason.value = this.typed.get(application) ?? "";
    reason.addEventListener("input", () => this.typed.set(application, reason.value));
    const accept = element("button", { type: "button", class: "accept" }, word("decide.accept"));
    const reject = element("button", { type: "button", class: "reject" }, word("decide.reject"));
    accept.addEventListener("click", () => this.decide(application, true, ""));
    reject.addEventListener("click", () => this.decide(application, false, reason.value.trim() || word("decide.reason.default")));
    // What waits for its owner, or is held, nobody here can accept.
    return element("div", { class: "decide" }, stage === "owner" || stage === "held" ? undefined : accept, reason, reject);
  }

  ledger({ records, terminals }) {
    const nodes = [];
    if (records.length) {
      nodes.push(element("h3", {}, word("records.title")), element("ol", { class: "records" },
        ...records.toReversed().map(({ at, operator, outcome, detail }) => element("li", {},
          element("time", {}, when(at)), element("span", {}, operator), element("span", {}, outcome), element("span", {}, detail)))));
    }
    for (const { counter } of terminals) {
      nodes.push(element("p", { class: "hint" }, word("terminal.counter", { counter })));
    }
    return nodes;
  }
}

function identity(binding) {
  return `${binding.slot}/${binding.number}/${binding.cnaps}/${binding.since}`;
}

function people({ operator, supervisor }) {
  return supervisor ? word("operators", { operator, supervisor }) : word("operator", { operator });
}

function empty(key) {
  return element("p", { class: "empty" }, word(key));
}

/** The strip of messages: one sheet for a request and what came back for it, marks for the line itself. */
export class Wire {
  constructor(list) {
    this.list = list;
    this.clear();
  }

  clear() {
    this.events = [];
    this.redraw();
  }

  /** Draw everything again, for instance in another language. */
  redraw() {
    this.list.replaceChildren(element("li", { class: "mark none" }, word("wire.none")));
    this.open = new Map(); // connection -> its sheet that has no answer yet
    for (const event of this.events) this.draw(event);
  }

  add(event) {
    this.events.push(event);
    if (this.events.length > 4 * EXCHANGES_KEPT) this.events.shift();
    this.draw(event);
    while (this.list.children.length > EXCHANGES_KEPT) this.list.firstChild.remove();
    this.list.scrollTo({ left: this.list.scrollWidth });
  }

  draw({ name, at, info }) {
    if (name === "received") this.request(at, info);
    else if (name === "processed") this.processed(info);
    else if (name === "replied") this.answer(info);
    else this.line(name, info);
  }

  request(at, { connection, mti }) {
    const sheet = element("li", { class: "exchange" },
      element("time", {}, clock(at)),
      element("p", { class: "sent" }, `${mti} ${wordOr(`mti.${mti}`, "")}`),
      element("p", { class: "back wait" }, word("wire.waiting")));
    this.open.set(connection, sheet);
    this.list.append(sheet);
  }

  processed({ connection, stan }) {
    const sheet = this.open.get(connection);
    if (!sheet) return;
    sheet.querySelector(".sent").append(element("code", {}, `#${stan}`));
    sheet.querySelector(".back").textContent = word("wire.processed");
  }

  answer({ connection, code, status }) {
    const sheet = this.open.get(connection);
    if (!sheet) return;
    this.open.delete(connection);
    const meaning = wordOr(`status.${STATUS[status]}`, wordOr(`39.${code}`, ""));
    const back = sheet.querySelector(".back");
    back.className = code === "00" ? "back" : code === "09" ? "back wait" : "back bad";
    back.textContent = `${code} ${meaning}`;
  }

  /** Something happened to the line; what was under way on it stays without an answer. */
  line(name, { connection }) {
    for (const [number, sheet] of this.open) {
      if (connection !== undefined && connection !== number) continue;
      const back = sheet.querySelector(".back");
      back.className = "back bad";
      back.textContent = word("wire.unanswered");
      this.open.delete(number);
    }
    const bad = name === "cut" || name === "refused";
    this.list.append(element("li", { class: `mark${bad ? " bad" : ""}` }, wordOr(`wire.${name}`, name)));
  }
}

function clock(at) {
  return new Date(at * 1000).toLocaleTimeString("zh-CN", { hour12: false });
}
