import { Page } from "../shared/page.js";
import { setText } from "../shared/strings.js";
import { Actions } from "./actions.js";
import { LineChart } from "./line_chart.js";

const REFRESH_MS = 2_000;
const HOUR_S = 3_600;
// What is drawn, by network: a key of the title, the numbers of the log, and whether the axis is logarithmic.
const CHARTS = {
  syncnet: [
    { key: "training.chart_sync_loss", names: ["loss", "true", "false"], isLog: true },
    { key: "training.chart_told_apart", names: ["told_apart"], isLog: false },
  ],
  unet: [
    { key: "training.chart_loss", names: ["loss", "difference", "perceptual", "sync"], isLog: true },
    { key: "training.chart_likeness", names: ["psnr_db", "mouth_psnr_db"], isLog: false },
  ],
};

/** The training of one avatar: state, curves, sheets of pictures, and buttons to begin and to stop. */
class TrainingPage {
  #now = null;
  #charts = new Map();
  #isChosen = false;

  constructor(root) {
    this.root = root;
    this.page = new Page();
    this.actions = new Actions(root);
    this.step = this.#find("sample-step");
  }

  async start() {
    await this.page.start();
    this.actions.start();
    this.actions.addEventListener("done", ({ detail }) => this.#done(detail.now));
    this.actions.addEventListener("failed", ({ detail }) => this.#complain(detail.reason));
    this.page.strings.addEventListener("change", () => this.#now && this.#show(this.#now));
    this.step.addEventListener("change", () => this.#choose());
    await this.#refresh();
  }

  async #refresh() {
    try {
      if (!document.hidden) await this.#ask();
    } catch {
      // The server is away: the next round asks again.
    }
    setTimeout(() => this.#refresh(), REFRESH_MS);
  }

  async #ask() {
    const response = await fetch(this.root.dataset.nowUrl, { headers: { Accept: "application/json" } });
    if (response.redirected) window.location.assign(response.url);
    else if (response.ok) this.#show(await response.json());
  }

  #done(now) {
    this.#find("note").hidden = true;
    this.#show(now);
    this.#find("status").focus(); // the button that had it may be gone
  }

  #show(now) {
    this.#now = now;
    this.#showState(now);
    this.#showCurves(now.curves);
    this.#showSamples(now.samples);
    this.#find("start").hidden = !now.may_start;
    this.#find("stop").hidden = !now.may_stop;
  }

  #showState({ state, step, steps, seconds_left: left, seconds_per_step: pace, is_running: isRunning, ...now }) {
    const panel = this.#find("status");
    if (panel.dataset.state !== state) setText(this.#find("state"), this.page.strings, `training_state.${state}`);
    panel.dataset.state = state;
    panel.dataset.running = isRunning;
    const progress = this.#find("progress");
    progress.hidden = !isRunning;
    progress.max = Math.max(steps, 1);
    progress.value = step;
    this.#find("step").textContent = `${step} / ${steps}`;
    this.#find("pace").textContent = `${pace.toFixed(2)} s`;
    this.#find("batch").textContent = now.batch || "–";
    this.#find("best").textContent = now.best ? `${now.best.toFixed(2)} (${now.best_step})` : "–";
    this.#find("left").textContent = this.#sayLeft(left);
    this.#find("error").textContent = now.error;
    this.#find("error").hidden = !now.error;
  }

  #sayLeft(seconds) {
    if (seconds === null) return "–";
    if (seconds < HOUR_S) return this.page.strings.text("training.minutes", { n: Math.ceil(seconds / 60) });
    return this.page.strings.text("training.hours", { n: (seconds / HOUR_S).toFixed(1) });
  }

  #showCurves(curves) {
    let isAny = false;
    for (const [network, charts] of Object.entries(CHARTS)) {
      for (const chart of charts) {
        const lines = chart.names.map((name) => ({
          name: this.page.strings.text(`training_curve.${name}`),
          points: curves[network]?.[name] ?? [],
        }));
        if (lines.every(({ points }) => !points.length)) continue;
        isAny = true;
        this.#place(chart.key).show(lines, chart.isLog);
      }
    }
    this.#find("charts").hidden = !isAny;
  }

  #place(key) {
    if (!this.#charts.has(key)) {
      const chart = new LineChart("");
      this.#charts.set(key, chart);
      this.#find("chart-places").append(chart.figure);
    }
    const chart = this.#charts.get(key);
    chart.title = this.page.strings.text(key);
    return chart;
  }

  #showSamples(samples) {
    this.#find("samples").hidden = !samples.length;
    const shown = [...this.step.options].map((option) => Number(option.value));
    const newestFirst = samples.toReversed();
    if (String(shown) === String(newestFirst)) return;
    const chosen = Number(this.step.value);
    this.step.replaceChildren(...newestFirst.map((step) => new Option(step, step)));
    if (this.#isChosen && samples.includes(chosen)) this.step.value = chosen;
    else this.#showSheet();
  }

  #choose() {
    this.#isChosen = this.step.selectedIndex > 0;
    this.#showSheet();
  }

  #showSheet() {
    this.#find("sheet").src = this.root.dataset.sampleUrl.replace(/0\/$/, `${this.step.value}/`);
  }

  #find(role) {
    return this.root.querySelector(`[data-role="${role}"]`);
  }

  #complain(reason) {
    const key = `reason.${reason}`;
    const note = this.#find("note");
    note.hidden = false;
    setText(note, this.page.strings, this.page.strings.has(key) ? key : "reason.unknown");
  }
}

await new TrainingPage(document.querySelector("[data-training]")).start();
