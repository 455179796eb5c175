import { Page } from "../shared/page.js";
import { setText } from "../shared/strings.js";
import { Actions } from "./actions.js";
import { TrialPanel } from "./trial_panel.js";

const REFRESH_MS = 500;

/** Trying voices: a form with one or two of them, and a panel for what each of them made of the text. */
class VoicesPage {
  #trials = [];

  constructor(root) {
    this.root = root;
    this.note = root.querySelector("[data-role=note]");
    this.sample = root.querySelector("[data-role=sample]");
    this.page = new Page();
    this.actions = new Actions(root);
    this.panels = [...root.querySelectorAll("[data-trial]")].map((panel) => new TrialPanel(panel, this.page.strings));
  }

  async start() {
    await this.page.start();
    this.root.querySelector("[data-role=sample-field]").hidden = false;
    this.sample.addEventListener("change", () => this.#take(this.sample.selectedOptions[0]));
    this.actions.start();
    this.actions.addEventListener("done", ({ detail }) => this.#begin(detail.now));
    this.actions.addEventListener("failed", ({ detail }) => this.#complain(detail.reason));
    for (const panel of this.panels) panel.addEventListener("playing", () => this.#hush(panel));
    this.#resume();
  }

  #take(sample) {
    this.root.querySelector("[data-role=text]").value = sample.textContent;
    this.root.querySelector("[data-role=language]").value = sample.value;
  }

  /** A page that was loaded with tries in its address, as it is after a form without this script. */
  #resume() {
    this.#trials = new URLSearchParams(window.location.search).getAll("trial");
    if (this.#trials.length) this.#refresh();
  }

  #begin({ trials }) {
    this.note.hidden = true;
    this.#trials = trials.map(({ id }) => id);
    const query = new URLSearchParams(this.#trials.map((id) => ["trial", id]));
    window.history.replaceState(null, "", `?${query}`);
    this.#show(trials);
    this.#refreshSoon();
  }

  #refreshSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#refresh(), REFRESH_MS);
  }

  async #refresh() {
    let isOver = false;
    try {
      isOver = await this.#ask();
    } catch {
      // The server is away: the next round asks again.
    }
    if (!isOver) this.#refreshSoon();
  }

  async #ask() {
    const query = new URLSearchParams(this.#trials.map((id) => ["trial", id]));
    const response = await fetch(`${this.root.dataset.nowUrl}?${query}`, { headers: { Accept: "application/json" } });
    if (response.redirected) window.location.assign(response.url);
    if (!response.ok) return false;
    const { trials } = await response.json();
    this.#show(trials);
    return trials.every((trial) => trial.is_over);
  }

  #show(trials) {
    this.panels.forEach((panel, place) => panel.show(trials[place] ?? null));
  }

  #hush(speaker) {
    for (const panel of this.panels) if (panel !== speaker) panel.pause();
  }

  #complain(reason) {
    const key = `reason.${reason}`;
    this.note.hidden = false;
    setText(this.note, this.page.strings, this.page.strings.has(key) ? key : "reason.unknown");
  }
}

await new VoicesPage(document.querySelector("[data-voices]")).start();
