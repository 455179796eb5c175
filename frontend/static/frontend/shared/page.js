import { LanguageSwitch } from "./language.js";
import { Strings } from "./strings.js";
import { ThemeButton } from "./theme.js";

/** What every page has: the theme button, the language switch and the texts. */
export class Page {
  constructor(root = document) {
    this.strings = new Strings();
    this.theme = new ThemeButton(root.querySelector("[data-theme-button]"));
    this.language = new LanguageSwitch(root.querySelector("[data-language-form]"), this.strings);
  }

  /** Resolves when the texts of the page's language are there. */
  async start() {
    this.theme.start();
    this.language.start();
    const { language, stringsUrl } = document.documentElement.dataset;
    await this.strings.load(language, stringsUrl);
    this.strings.apply(document); // what was set by key before the texts were there
  }
}
