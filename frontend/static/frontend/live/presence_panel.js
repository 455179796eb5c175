import { setText } from "../shared/strings.js";

/** How many are watching, and one quiet line about what is not as it should be. */
export class PresencePanel {
  #troubles = new Set();

  constructor({ viewers, banner, bannerText }, strings) {
    Object.assign(this, { viewers, banner, bannerText, strings });
  }

  start() {}

  stop() {}

  setViewers(count) {
    setText(this.viewers, this.strings, "viewers.count", { n: count });
    this.viewers.dataset.count = String(count);
  }

  /** Say or take back a trouble: `gone`, `reconnecting`, `holding`. The one said last is shown. */
  setTrouble(name, on) {
    this.#troubles.delete(name);
    if (on) this.#troubles.add(name);
    const shown = [...this.#troubles].at(-1);
    this.banner.hidden = !shown;
    if (shown) setText(this.bannerText, this.strings, `banner.${shown}`);
  }
}
