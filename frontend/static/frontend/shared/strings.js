const ATTRIBUTES = { i18nGroup: "label", i18nLabel: "aria-label", i18nPlaceholder: "placeholder", i18nTitle: "title" };

/** The texts of one language, by key; the same JSON file that the server renders from. */
export class Strings extends EventTarget {
  #table = {};
  #language = "en";

  get language() {
    return this.#language;
  }

  /** Fetch a language. Rejects when the file cannot be had; the texts already there stay. */
  async load(language, url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`strings ${language}: HTTP ${response.status}`);
    this.#table = await response.json();
    this.#language = language;
    this.dispatchEvent(new Event("change"));
  }

  get isLoaded() {
    return Object.keys(this.#table).length > 0;
  }

  has(key) {
    return Object.hasOwn(this.#table, key);
  }

  /** Text of `key` with {placeholders} filled; the key itself when it is unknown. */
  text(key, values = {}) {
    const template = this.#table[key] ?? key;
    return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
  }

  /** Text of a reason code from the server. */
  reason(code, values = {}) {
    const key = `reason.${code}`;
    return this.text(this.has(key) ? key : "reason.unknown", values);
  }

  /** Set the text of every element under `root` that names a key. */
  apply(root) {
    for (const element of root.querySelectorAll("[data-i18n]")) {
      element.textContent = this.text(element.dataset.i18n, valuesOf(element));
    }
    for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
      const selector = `[data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
      for (const element of root.querySelectorAll(selector)) {
        element.setAttribute(attribute, this.text(element.dataset[name], valuesOf(element)));
      }
    }
  }
}

/** Put the text of `key` into `element` and remember the key, so that a language switch can set it again. */
export function setText(element, strings, key, values = {}) {
  element.dataset.i18n = key;
  element.dataset.i18nValues = JSON.stringify(values);
  if (strings.isLoaded) element.textContent = strings.text(key, values); // before that the server's text stays
}

function valuesOf(element) {
  return element.dataset.i18nValues ? JSON.parse(element.dataset.i18nValues) : {};
}
