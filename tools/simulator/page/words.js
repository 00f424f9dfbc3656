// The page's own words, in two languages. The terminal's words are the firmware's business.

const LANGUAGES = { zh: "zh-CN", en: "en" };
let words = {};

export let language = choose();

function choose() {
  const asked = new URLSearchParams(location.search).get("lang") ?? localStorage.getItem("language");
  if (asked in LANGUAGES) return asked;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Load `next` and put it into every element of the page that names a word. */
export async function speak(next = language) {
  const answer = await fetch(`words/${next}.json`);
  words = await answer.json();
  language = next;
  localStorage.setItem("language", next);
  document.documentElement.lang = LANGUAGES[next];
  for (const node of document.querySelectorAll("[data-word]")) {
    node.textContent = word(node.dataset.word);
  }
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", word(node.dataset.label));
    node.title = word(node.dataset.label);
  }
}

/** The text of `key` with {names} filled in; the key itself where there is no such text. */
export function word(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The text of `key`, or `otherwise` where there is no such text. */
export function wordOr(key, otherwise) {
  return words[key] ?? otherwise;
}

/** An element with a class, attributes and children; strings become text, never markup. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}

/** Date and time of a Unix epoch in seconds, as short as it can be. */
export function when(epoch) {
  const date = new Date(epoch * 1000);
  const today = date.toDateString() === new Date().toDateString();
  const format = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(LANGUAGES[language], format).format(date);
}
