import { setText } from "../shared/strings.js";

/** How many are watching, and whether we are connected. */
export class PresencePanel {
  constructor({ viewers, banner, bannerText }, strings) {
    Object.assign(this, { viewers, banner, bannerText, strings });
  }

  start() {}

  stop() {}

  setViewers(count) {
    setText(this.viewers, this.strings, "viewers.count", { n: count });
    this.viewers.dataset.count = String(count);
  }

  /** A quiet line above the chat; "" takes it away. */
  setBanner(key) {
    this.banner.hidden = !key;
    if (key) setText(this.bannerText, this.strings, key);
  }
}
