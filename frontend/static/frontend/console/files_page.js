import { Page } from "../shared/page.js";
import { setText } from "../shared/strings.js";
import { Actions } from "./actions.js";

const REFRESH_MS = 2_000;

/** The weight files: what is here, how far the others have come, and a button for each that is missing. */
class FilesPage {
  constructor(root) {
    this.root = root;
    this.note = root.querySelector("[data-role=note]");
    this.page = new Page();
    this.actions = new Actions(root);
  }

  async start() {
    await this.page.start();
    this.actions.start();
    this.actions.addEventListener("done", ({ detail }) => this.#done(detail));
    this.actions.addEventListener("failed", ({ detail }) => this.#complain(detail.reason));
    this.#refreshSoon();
  }

  #refreshSoon() {
    setTimeout(() => this.#refresh(), REFRESH_MS);
  }

  async #refresh() {
    try {
      if (!document.hidden) await this.#ask();
    } catch {
      // The server is away: the next round asks again.
    }
    this.#refreshSoon();
  }

  async #ask() {
    const response = await fetch(this.root.dataset.nowUrl, { headers: { Accept: "application/json" } });
    if (response.redirected) window.location.assign(response.url);
    else if (response.ok) this.#show(await response.json());
  }

  #done({ form, now }) {
    this.#show(now);
    form.closest("[data-file]").focus(); // the button that had it may be gone
  }

  #show({ files }) {
    for (const file of files) {
      const row = this.root.querySelector(`[data-file="${CSS.escape(file.name)}"]`);
      if (row) this.#showRow(row, file);
    }
  }

  #showRow(row, { state, percent, error, may_ask: mayAsk, is_coming: isComing }) {
    const find = (name) => row.querySelector(`[data-role=${name}]`);
    if (row.dataset.state !== state) setText(find("text"), this.page.strings, `file.${state}`);
    row.dataset.state = state;
    find("percent").textContent = `${percent} %`;
    find("progress").value = percent;
    find("error").textContent = error;
    find("percent").hidden = !isComing;
    find("progress").hidden = !isComing;
    find("error").hidden = !error;
    row.querySelector("form").hidden = !mayAsk;
    if (isComing) this.note.hidden = true;
  }

  #complain(reason) {
    const key = `reason.${reason}`;
    this.note.hidden = false;
    setText(this.note, this.page.strings, this.page.strings.has(key) ? key : "reason.unknown");
  }
}

await new FilesPage(document.querySelector("[data-files]")).start();
