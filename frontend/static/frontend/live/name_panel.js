import { readCookie, writeCookie } from "../shared/cookies.js";
import { setText } from "../shared/strings.js";

const COOKIE = "fl_name";

/** The display name: shown by the composer, edited in a dialog, kept in a cookie. Event: `rename` (detail: {name}). */
export class NamePanel extends EventTarget {
  constructor({ button, label, dialog, form, input, cancel }, strings) {
    super();
    Object.assign(this, { button, label, dialog, form, input, cancel, strings });
    this.name = readCookie(COOKIE);
    this.open = this.open.bind(this);
    this.close = this.close.bind(this);
    this.save = this.save.bind(this);
  }

  start() {
    this.button.addEventListener("click", this.open);
    this.cancel.addEventListener("click", this.close);
    this.form.addEventListener("submit", this.save);
    this.#show();
  }

  stop() {
    this.button.removeEventListener("click", this.open);
    this.cancel.removeEventListener("click", this.close);
    this.form.removeEventListener("submit", this.save);
  }

  /** Take over the name as the server keeps it. */
  set(name) {
    this.name = name ?? "";
    if (this.name) writeCookie(COOKIE, this.name);
    this.#show();
  }

  open() {
    this.input.value = this.name;
    this.dialog.showModal();
    this.input.select();
  }

  close() {
    this.dialog.close();
  }

  save(event) {
    event.preventDefault();
    this.set(this.input.value.trim());
    this.dialog.close();
    this.dispatchEvent(new CustomEvent("rename", { detail: { name: this.name } }));
  }

  #show() {
    if (this.name) {
      delete this.label.dataset.i18n;
      this.label.textContent = this.name;
    } else {
      setText(this.label, this.strings, "name.anonymous");
    }
  }
}
