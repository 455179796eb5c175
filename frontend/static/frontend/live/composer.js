import { setText } from "../shared/strings.js";

const COUNT_FROM = 0.8; // the counter appears when this share of the limit is used

/** The box a viewer writes in. Event: `say` (detail: {text}). */
export class Composer extends EventTarget {
  constructor({ form, input, send, counter, hint }, strings) {
    super();
    Object.assign(this, { form, input, send, counter, hint, strings });
    this.limit = input.maxLength;
    this.key = this.key.bind(this);
    this.submit = this.submit.bind(this);
    this.changed = this.changed.bind(this);
  }

  start() {
    this.input.addEventListener("keydown", this.key);
    this.input.addEventListener("input", this.changed);
    this.form.addEventListener("submit", this.submit);
    this.changed();
  }

  stop() {
    this.input.removeEventListener("keydown", this.key);
    this.input.removeEventListener("input", this.changed);
    this.form.removeEventListener("submit", this.submit);
  }

  /** Let the viewer write (no reason), or say why sending is not possible; closed: nor is writing. */
  setReason(key, { isClosed = false } = {}) {
    this.blocked = Boolean(key);
    this.input.disabled = isClosed;
    this.hint.hidden = !key;
    if (key) setText(this.hint, this.strings, key);
    this.changed();
  }

  key(event) {
    // An input method uses Enter to choose a word: that one is not ours.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || this.blocked) return;
    this.input.value = "";
    this.changed();
    this.dispatchEvent(new CustomEvent("say", { detail: { text } }));
  }

  changed() {
    const used = this.input.value.length;
    this.counter.hidden = used < this.limit * COUNT_FROM;
    this.counter.textContent = `${used}/${this.limit}`;
    this.counter.dataset.full = String(used >= this.limit);
    this.send.disabled = this.blocked || this.input.value.trim() === "";
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }
}
