const START_S = 0.11;
const FLOOR_S = 0.09;
const CEILING_S = 0.6;
const STALL_STEP_S = 0.03;
const EASE_STEP_S = 0.005;
const EASE_EVERY_MS = 5_000;
const SEEK_BEHIND_S = 1.0;
const CATCH_UP_FROM_S = 0.025;
const FALL_BACK_FROM_S = -0.03;
const SLOWEST_CATCH_UP = 1.03;
const FASTEST_CATCH_UP = 1.25;
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

  /**
   * @param {{time: number, ranges: Array<[number, number]>, nowMs: number}} state ranges as buffered, oldest first
   * @returns {{rate: number, seekTo: number | null}}
   */
  decide({ time, ranges, nowMs }) {
    const [start, end] = ranges[ranges.length - 1];
    const goal = Math.max(start, end - this.target);
    const behind = end - time;
    if (time < start - 0.001 || behind > SEEK_BEHIND_S || behind < -this.target) {
      this.moved();
      return { rate: 1, seekTo: goal };
    }
    this.#behind = this.#behind === null ? behind : this.#behind + SMOOTHING * (behind - this.#behind);
    this.#ease(nowMs);
    return { rate: this.#rate(this.#behind - this.target), seekTo: null };
  }

  #rate(excess) {
    if (excess > CATCH_UP_FROM_S) this.#mode = "catch-up";
    else if (excess < FALL_BACK_FROM_S) this.#mode = "fall-back";
    else if (this.#mode === "catch-up" && excess <= 0) this.#mode = "steady";
    else if (this.#mode === "fall-back" && excess >= 0) this.#mode = "steady";
    if (this.#mode === "fall-back") return FALL_BACK_RATE;
    if (this.#mode === "steady") return 1;
    const wished = 1 + Math.round(excess / RATE_STEP) * RATE_STEP;
    return Math.min(FASTEST_CATCH_UP, Math.max(SLOWEST_CATCH_UP, wished));
  }

  #ease(nowMs) {
    if (this.#lastChangeMs === 0) this.#lastChangeMs = nowMs;
    if (nowMs - this.#lastChangeMs < EASE_EVERY_MS) return;
    this.#lastChangeMs = nowMs;
    this.target = Math.max(FLOOR_S, this.target - EASE_STEP_S);
  }
}
