import { StagePanel } from "../live/stage_panel.js";
import { Page } from "../shared/page.js";
import { setText } from "../shared/strings.js";
import { Actions } from "./actions.js";
import { TurnsPanel } from "./turns_panel.js";

const REFRESH_MS = 1_500;
const NOTE_MS = 6_000;

/** The control room: the live picture, the operator's line, the stop button, and what was said. */
class ControlRoom {
  #noteTimer = null;

  constructor(root) {
    this.root = root;
    this.find = (name) => root.querySelector(`[data-role="${name}"]`);
    this.page = new Page();
    this.stage = new StagePanel(root, this.page.strings);
    this.actions = new Actions(root);
    this.turns = new TurnsPanel({ list: this.find("turns"), empty: this.find("turns-empty") }, this.page.strings);
    this.key = this.key.bind(this);
  }

  async start() {
    this.stage.start();
    await this.page.start();
    this.turns.start();
    this.actions.start();
    this.actions.addEventListener("done", ({ detail }) => this.#done(detail));
    this.actions.addEventListener("failed", ({ detail }) => this.#note(`reason.${detail.reason}`, true));
    document.addEventListener("keydown", this.key);
    this.#show(JSON.parse(this.root.dataset.now));
    this.#refreshSoon();
  }

  /** Ctrl+Enter says the line, Alt+I interrupts, from anywhere on the page. */
  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.find("say-form").requestSubmit();
    // `code`, because Option+I types a circumflex on a Mac
    else if (event.altKey && event.code === "KeyI") this.find("interrupt-form").requestSubmit();
    else return;
    event.preventDefault();
  }

  #refreshSoon() {
    setTimeout(() => this.#refresh(), REFRESH_MS);
  }

  async #refresh() {
    try {
      const response = await fetch(this.root.dataset.nowUrl, { headers: { Accept: "application/json" } });
      if (response.redirected) window.location.assign(response.url);
      else if (response.ok) this.#show(await response.json());
    } catch {
      // The server is away: the next round asks again, and the player shows that there is no connection.
    }
    this.#refreshSoon();
  }

  #show(now) {
    this.stage.showState(now);
    this.turns.show(now.turns);
    this.find("start-form").hidden = now.on_air;
    this.find("stop-form").hidden = !now.on_air;
  }

  #done({ form, now }) {
    this.#show(now);
    if (form === this.find("say-form")) {
      this.find("say-input").value = "";
      this.#note("console.said");
    } else if (form === this.find("interrupt-form")) {
      this.#note("console.interrupted");
    }
  }

  #note(key, isBad = false) {
    const note = this.find("note");
    note.dataset.bad = String(isBad);
    setText(note, this.page.strings, this.page.strings.has(key) ? key : "reason.unknown");
    clearTimeout(this.#noteTimer);
    this.#noteTimer = setTimeout(() => note.replaceChildren(), NOTE_MS);
  }
}

await new ControlRoom(document.querySelector("[data-control-room]")).start();
