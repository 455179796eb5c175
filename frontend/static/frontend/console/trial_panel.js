import { setText } from "../shared/strings.js";

/**
 * One try of a voice: how far it is, its sound, and its figures.
 *
 * Events: `playing` when its sound begins.
 */
export class TrialPanel extends EventTarget {
  #shown = "";
  #url = "";

  constructor(root, strings) {
    super();
    this.root = root;
    this.strings = strings;
    this.sound = this.#find("sound");
    this.sound.addEventListener("play", () => this.dispatchEvent(new Event("playing")));
  }

  /** Show a try as the server tells it, or nothing. */
  show(trial) {
    this.root.hidden = trial === null;
    if (trial === null) {
      this.pause();
      return;
    }
    const told = JSON.stringify(trial);
    if (told === this.#shown) return;
    this.#shown = told;
    this.root.dataset.state = trial.state;
    setText(this.#find("voice"), this.strings, trial.voice_key);
    this.#find("speaker").textContent = trial.speaker;
    setText(this.#find("state"), this.strings, trial.state_key);
    this.#showFailure(trial);
    this.#showSound(trial.sound_url);
    this.#showFigures(trial.figures);
    this.#showCard(trial.card);
  }

  pause() {
    this.sound.pause();
  }

  #find(role) {
    return this.root.querySelector(`[data-role=${role}]`);
  }

  #showFailure({ reason_key: reasonKey, detail }) {
    this.#find("failure").hidden = !reasonKey;
    if (reasonKey) setText(this.#find("reason"), this.strings, reasonKey);
    this.#find("detail").textContent = detail;
  }

  /** The whole file at once: some browsers play nothing from a server that sends no parts. */
  async #showSound(url) {
    this.sound.hidden = !url;
    if (url === this.#url) return;
    this.#url = url;
    this.sound.pause();
    URL.revokeObjectURL(this.sound.src);
    this.sound.removeAttribute("src");
    if (!url) return;
    const response = await fetch(url);
    const sound = await response.blob();
    if (response.ok && url === this.#url) this.sound.src = URL.createObjectURL(sound);
  }

  #showFigures(figures) {
    this.#find("figures").hidden = !figures;
    if (!figures) return;
    this.#find("first_sound").textContent = figures.first_sound;
    this.#find("realtime").textContent = figures.realtime;
    this.#find("length").textContent = figures.sound;
    this.#find("load").textContent = figures.load;
  }

  #showCard(card) {
    this.#find("card").hidden = !card;
    if (!card) return;
    setText(this.#find("where"), this.strings, card.offline ? "trial.offline" : "trial.online");
    this.#find("languages").textContent = card.languages || "–";
    this.#find("licence").textContent = card.licence;
  }
}
