const LIMIT = 300; // items waiting; beyond it the oldest is shown at once
const LONGEST_WAIT_MS = 12_000;

/**
 * Holds what belongs to a moment of the stream until the player gets there.
 *
 * An item is shown at once where no player runs, where its epoch is over, and after twelve seconds in any case: words
 * must not be lost because a clock stood still.
 */
export class TimedQueue {
  #player;
  #items = [];
  #timer = null;

  /** `player` may be null: then nothing waits. */
  constructor(player) {
    this.#player = player;
    this.flush = this.flush.bind(this);
  }

  start() {
    this.#player?.addEventListener("tick", this.flush);
    this.#player?.addEventListener("timeline", this.flush);
    this.#timer = setInterval(this.flush, 500);
  }

  stop() {
    this.#player?.removeEventListener("tick", this.flush);
    this.#player?.removeEventListener("timeline", this.flush);
    clearInterval(this.#timer);
    this.#items = [];
  }

  /** Call `show` when the player reaches `pts` of `epoch`. Items without a time are shown at once. */
  add({ epoch, pts, kind, turn }, show) {
    // What the room does from now on also ends what earlier states would have said later.
    if (kind === "state" && pts == null) this.#items = this.#items.filter((item) => item.kind !== "state");
    this.#items.push({ epoch, pts, kind, turn, show, sinceMs: performance.now() });
    if (this.#items.length > LIMIT) this.#items.shift().show();
    this.flush();
  }

  /** Forget what a turn would have said after its cut: it will never be heard. States stay. */
  interrupt({ turn, pts }) {
    this.#items = this.#items.filter((item) => item.kind === "state" || item.turn !== turn || item.pts < pts);
  }

  /** Show what is due, in the order in which it is due. */
  flush() {
    const nowMs = performance.now();
    const due = this.#items.filter((item) => this.#isDue(item, nowMs));
    if (due.length === 0) return;
    this.#items = this.#items.filter((item) => !due.includes(item));
    for (const item of due.sort((a, b) => (a.pts ?? 0) - (b.pts ?? 0))) item.show();
  }

  #isDue({ epoch, pts, sinceMs }, nowMs) {
    if (epoch == null || pts == null || !this.#isClockRunning() || nowMs - sinceMs > LONGEST_WAIT_MS) return true;
    const roomPts = this.#player.timeline.roomPts(epoch, pts);
    if (roomPts === null) return this.#player.timeline.isPast(epoch);
    const now = this.#player.roomPtsNow();
    return now !== null && now >= roomPts;
  }

  #isClockRunning() {
    return this.#player !== null && ["playing", "waiting", "connecting"].includes(this.#player.status);
  }
}
