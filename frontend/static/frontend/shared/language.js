import { writeCookie } from "./cookies.js";

/** The language buttons. They switch the texts in place, so that a running stream is not cut by a reload. */
export class LanguageSwitch {
  constructor(form, strings, root = document.documentElement) {
    this.form = form;
    this.strings = strings;
    this.root = root;
    this.submit = this.submit.bind(this);
  }

  start() {
    this.form.addEventListener("submit", this.submit);
  }

  stop() {
    this.form.removeEventListener("submit", this.submit);
  }

  async submit(event) {
    const { value, dataset } = event.submitter;
    event.preventDefault();
    writeCookie(this.form.dataset.cookie, value);
    try {
      await this.strings.load(dataset.strings, dataset.stringsUrl);
    } catch {
      window.location.reload(); // the server reads the same cookie
      return;
    }
    this.root.lang = dataset.htmlLang;
    this.strings.apply(document);
    for (const button of this.form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    }
  }
}
