import { keep, readKept } from "../shared/kept.js";

const KEPT_AS = "volume";

/**
 * What the viewer wants to hear, and what an interrupt silences for a moment.
 *
 * Only `muted` is used to silence: iPhones ignore `volume`. Event: `change`.
 */
export class Sound extends EventTarget {
  #video;
  #ducked = false;
  #muted = true; // browsers let a page start by itself only without sound

  constructor(video) {
    super();
    this.#video = video;
    this.#video.muted = true;
    this.#video.volume = readVolume();
  }

  get muted() {
    return this.#muted;
  }

  get volume() {
    return this.#video.volume;
  }

  get ducked() {
    return this.#ducked;
  }

  setMuted(muted) {
    this.#muted = muted;
    this.#apply();
  }

  setVolume(volume) {
    this.#video.volume = Math.min(1, Math.max(0, volume));
    keep(KEPT_AS, String(this.#video.volume));
    this.#muted = this.#video.volume === 0;
    this.#apply();
  }

  duck(ducked) {
    this.#ducked = ducked;
    this.#apply();
  }

  #apply() {
    this.#video.muted = this.#muted || this.#ducked;
    this.dispatchEvent(new Event("change"));
  }
}

function readVolume() {
  const kept = Number.parseFloat(readKept(KEPT_AS) ?? "1");
  return kept > 0 && kept <= 1 ? kept : 1;
}
