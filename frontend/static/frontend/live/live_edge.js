const START_S = 0.14;
const FLOOR_S = 0.12;
const CEILING_S = 0.6;
const STALL_STEP_S = 0.03;
const EASE_STEP_S = 0.01;
const EASE_EVERY_MS = 5_000;
const SEEK_BEHIND_S = 1.0;
// Chromium begins to play once 200 ms of sound lie ahead, and doubles that at every stall until the next seek. Landing
// just behind it starts at once; a seek during a stall starts sooner than waiting for the doubled amount.
const LANDING_S = 0.22;
const CATCH_UP_FROM_S = 0.03;
const CATCH_UP_TO_S = 0.012; // at other rates than 1 the browser needs more sound in hand
const FALL_BACK_FROM_S = -0.03;
const SLOWEST_CATCH_UP = 1.03;
const FASTEST_CATCH_UP = { quiet: 1.5, speaking: 1.25 }; // nobody hears a pause pass faster
const CATCH_UP_GAIN = { quiet: 1.5, speaking: 1 };
const RATE_STEP = 0.05; // every change of rate costs the browser work, so it moves in steps
const FALL_BACK_RATE = 0.96;
const SMOOTHING = 0.2;

/**
 * Decides how to stay close to the live edge. Pure arithmetic on times in seconds: it touches no element and no clock.
 *
 * `target` is how far behind the newest sample the page plays. A stall raises it, smooth play lowers it slowly.
 */
export class LiveEdge {
  #behind = null;
  #mode = "steady";
  #lastChangeMs = 0;

  constructor() {
    this.target = START_S;
    this.stalls = 0;
  }

  /** Smoothed distance to the edge in seconds, or null before the first measurement. */
  get behind() {
    return this.#behind;
  }

  stalled(nowMs) {
    this.stalls += 1;
    this.target = Math.min(CEILING_S, this.target + STALL_STEP_S);
    this.#lastChangeMs = nowMs;
  }

  /** Forget the measured distance: the position has just been moved. */
  moved() {
    this.#behind = null;
    this.#mode = "steady";
  }

  /** Where to jump to, in seconds: close to the edge, and far enough from it to play at once. */
  land(ranges) {
    this.moved();
    const [start, end] = ranges[ranges.length - 1];
    return Math.max(start, end - Math.max(this.target, LANDING_S));
  }

  /**
   * @param {{time: number, ranges: Array<[number, number]>, nowMs: number, isStarved?: boolean, isQuiet?: boolean}} state
   *   ranges as buffered, oldest first; starved: play has stopped for want of data; quiet: no speech from here to the edge
   * @returns {{rate: number, seekTo: number | null}}
   */
  decide({ time, ranges, nowMs, isStarved = false, isQuiet = false }) {
    const [start, end] = ranges[ranges.length - 1];
    const behind = end - time;
    const isLost = time < start - 0.001 || behind > SEEK_BEHIND_S || behind < -this.target;
    if (isLost || (isStarved && behind > LANDING_S)) {
      return { rate: 1, seekTo: this.land(ranges) };
    }
    this.#behind = this.#behind === null ? behind : this.#behind + SMOOTHING * (behind - this.#behind);
    this.#ease(nowMs);
    return { rate: this.#rate(this.#behind - this.target, isQuiet ? "quiet" : "speaking"), seekTo: null };
  }

  #rate(excess, pace) {
    if (excess > CATCH_UP_FROM_S) this.#mode = "catch-up";
    else if (excess < FALL_BACK_FROM_S) this.#mode = "fall-back";
    else if (this.#mode === "catch-up" && excess <= CATCH_UP_TO_S) this.#mode = "steady";
    else if (this.#mode === "fall-back" && excess >= 0) this.#mode = "steady";
    if (this.#mode === "fall-back") return FALL_BACK_RATE;
    if (this.#mode === "steady") return 1;
    const wished = 1 + Math.round((excess * CATCH_UP_GAIN[pace]) / RATE_STEP) * RATE_STEP;
    return Math.min(FASTEST_CATCH_UP[pace], Math.max(SLOWEST_CATCH_UP, wished));
  }

  #ease(nowMs) {
    if (this.#lastChangeMs === 0) this.#lastChangeMs = nowMs;
    if (nowMs - this.#lastChangeMs < EASE_EVERY_MS) return;
    this.#lastChangeMs = nowMs;
    this.target = Math.max(FLOOR_S, this.target - EASE_STEP_S);
  }
}
