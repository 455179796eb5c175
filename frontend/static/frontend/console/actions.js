/**
 * Sends the forms of the control room without leaving the page, so that the picture goes on.
 *
 * Events: `done` (detail: {form, now}) with the room as it is after; `failed` (detail: {form, status, reason}).
 */
export class Actions extends EventTarget {
  constructor(root) {
    super();
    this.forms = [...root.querySelectorAll("form[data-action]")];
    this.submit = this.submit.bind(this);
  }

  start() {
    for (const form of this.forms) form.addEventListener("submit", this.submit);
  }

  stop() {
    for (const form of this.forms) form.removeEventListener("submit", this.submit);
  }

  async submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    try {
      const response = await fetch(form.action, {
        method: "POST",
        body: new FormData(form),
        headers: { Accept: "application/json" },
      });
      await this.#answer(form, response);
    } catch {
      this.#emit("failed", { form, status: "", reason: "unknown" }); // no network; the form can be sent again
    } finally {
      button.disabled = false;
    }
  }

  async #answer(form, response) {
    if (response.redirected) window.location.assign(response.url); // logged out meanwhile
    else if (response.ok) this.#emit("done", { form, now: await response.json() });
    else if (response.status === 422) this.#emit("failed", { form, ...(await response.json()) });
    else this.#emit("failed", { form, reason: "unknown" });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
