import { SAMPLE_RATE_HZ } from "./media_message.js";

const FRAGMENTS_KEPT = 500; // a little more than the buffer holds

/**
 * Says which frame is on the screen.
 *
 * Events: `frame` (detail: {roomPts, seq, wallMs}), once for each frame displayed, seq and wallMs null where its fragment is
 * not known any more; `onset` (detail: {roomPts}) when the first
 * speaking frame after silence is displayed.
 */
export class FrameClock extends EventTarget {
  #video;
  #handle = null;
  #fragments = new Map();
  #onsets = [];

  constructor(video) {
    super();
    this.#video = video;
    this.displayedPts = null;
  }

  start() {
    if (this.#handle !== null || !this.#video.requestVideoFrameCallback) return;
    const next = (_now, { mediaTime }) => {
      this.#handle = this.#video.requestVideoFrameCallback(next);
      this.show(Math.round(mediaTime * SAMPLE_RATE_HZ));
    };
    this.#handle = this.#video.requestVideoFrameCallback(next);
  }

  stop() {
    if (this.#handle !== null) this.#video.cancelVideoFrameCallback(this.#handle);
    this.#handle = null;
  }

  /** Remember a fragment that came in, so that its frame can be named when it is displayed. */
  received({ roomPts, seq, wallMs, isOnset }) {
    this.#fragments.set(roomPts, { seq, wallMs });
    if (this.#fragments.size > FRAGMENTS_KEPT) this.#fragments.delete(this.#fragments.keys().next().value);
    if (isOnset) this.#onsets.push(roomPts);
  }

  reset() {
    this.#fragments.clear();
    this.#onsets = [];
    this.displayedPts = null;
  }

  show(roomPts) {
    this.displayedPts = roomPts;
    const { seq, wallMs } = this.#fragments.get(roomPts) ?? { seq: null, wallMs: null };
    this.dispatchEvent(new CustomEvent("frame", { detail: { roomPts, seq, wallMs } }));
    if (this.#onsets.length === 0 || this.#onsets[0] > roomPts) return;
    this.#onsets = this.#onsets.filter((onset) => onset > roomPts);
    this.dispatchEvent(new CustomEvent("onset", { detail: { roomPts } }));
  }
}
