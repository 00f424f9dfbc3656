// The owner's phone: what the acquirer has sent to the contact on file, and the owner's answer. Text is never markup.

import { element, when, word, wordOr } from "./words.js";

const KEPT = 3; // messages; those before are in the books

/** Messages, newest first; `answer(application, confirms)` is what the owner presses. */
export class Inbox {
  constructor(list, answer) {
    this.list = list;
    this.answer = answer;
  }

  /** `books`: what this terminal has in the acquirer's snapshot, numbers masked. */
  show({ messages = [], applications }) {
    const of = new Map(applications.map((one) => [one.application, one]));
    const newest = new Map(messages.map((message) => [message.application, message]));
    this.list.replaceChildren(...messages.slice(-KEPT).toReversed().map((message) =>
      this.message(message, of.get(message.application), newest.get(message.application) === message)));
  }

  message({ event, contact, at, due }, one, isNewest) {
    const node = element("li", { class: "sheet message", "data-application": one.application },
      element("p", { class: "more" }, word("message.from", { contact, time: when(at) })),
      element("p", { class: "said" }, `${wordOr(`action.${one.action}`, one.action)} · ${word(`message.${event}`, { time: due && when(due) })}`),
      element("dl", {}, ...[
        ["before", one.before?.number || word("message.none")],
        ["after", one.number || word("message.none")],
        ["holder", one.holder || one.before?.holder],
        ["bank", [one.bank, one.cnaps].filter(Boolean).join(" ")],
      ].filter(([, value]) => value).flatMap(([key, value]) => [
        element("dt", {}, word(`message.${key}`)), element("dd", { class: `is-${key}` }, value)])));
    const waits = isNewest && one.status === "review";
    if (waits) node.append(this.answers(one, event));
    return node;
  }

  answers({ application }, event) {
    const refuse = element("button", { type: "button", class: "reject" }, word("message.refuse"));
    refuse.addEventListener("click", () => this.answer(application, false));
    if (event !== "owner") return element("div", { class: "decide" }, refuse);
    const confirm = element("button", { type: "button", class: "accept" }, word("message.confirm"));
    confirm.addEventListener("click", () => this.answer(application, true));
    return element("div", { class: "decide" }, confirm, refuse);
  }
}
