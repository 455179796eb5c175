import { Page } from "../shared/page.js";
import { setText } from "../shared/strings.js";
import { Actions } from "./actions.js";

const REFRESH_MS = 2_000;

/** The avatars: how far each is; when one changes its state, its row is fetched anew with what was found. */
class AvatarsPage {
  constructor(root) {
    this.root = root;
    this.note = root.querySelector("[data-role=note]");
    this.page = new Page();
  }

  async start() {
    await this.page.start();
    this.#listen();
    this.#refreshSoon();
  }

  #listen() {
    this.actions?.stop();
    this.actions = new Actions(this.root);
    this.actions.start();
    this.actions.addEventListener("done", ({ detail }) => this.#show(detail.now));
    this.actions.addEventListener("failed", ({ detail }) => this.#complain(detail.reason));
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
    else if (response.ok) await this.#show(await response.json());
  }

  async #show({ avatars }) {
    const changed = avatars.filter(({ name, state }) => this.#find(name)?.dataset.state !== state);
    if (changed.length) await this.#fetchRows(changed.map(({ name }) => name));
    for (const avatar of avatars) this.#showProgress(this.#find(avatar.name), avatar);
  }

  #find(name, root = this.root) {
    return root.querySelector(`[data-avatar="${CSS.escape(name)}"]`);
  }

  /** Put the server's rows in the place of ours; a row that had the focus has it afterwards. */
  async #fetchRows(names) {
    const response = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    if (!response.ok) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const list = this.root.querySelector("[data-role=rows]");
    if (!list) return window.location.reload(); // the first avatar of all
    for (const name of names) {
      const row = document.adoptNode(this.#find(name, fresh));
      const old = this.#find(name);
      const hadFocus = old?.contains(document.activeElement);
      if (old) old.replaceWith(row);
      else list.append(row);
      this.page.strings.apply(row);
      if (hadFocus) row.focus();
    }
    this.#listen();
  }

  #showProgress(row, { step, percent, is_moving: isMoving }) {
    const find = (name) => row.querySelector(`[data-role=${name}]`);
    setText(find("step_text"), this.page.strings, `prepare.${step}`);
    find("percent").textContent = `${percent} %`;
    find("progress").value = percent;
    find("step").hidden = !isMoving;
    find("progress").hidden = !isMoving;
    if (isMoving) this.note.hidden = true;
  }

  #complain(reason) {
    const key = `reason.${reason}`;
    this.note.hidden = false;
    setText(this.note, this.page.strings, this.page.strings.has(key) ? key : "reason.unknown");
  }
}

await new AvatarsPage(document.querySelector("[data-avatars]")).start();
