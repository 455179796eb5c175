const EPOCHS_KEPT = 8;

/** Places the time of any run of the render process on the room's one clock: room pts = epoch pts + offset. */
export class Timeline {
  #offsets = new Map();

  add(epoch, offset) {
    this.#offsets.delete(epoch);
    this.#offsets.set(epoch, offset);
    if (this.#offsets.size > EPOCHS_KEPT) this.#offsets.delete(this.#offsets.keys().next().value);
  }

  /** Room pts in samples, or null while the epoch is unknown. */
  roomPts(epoch, pts) {
    const offset = this.#offsets.get(epoch);
    return offset === undefined ? null : pts + offset;
  }

  /** True when a newer epoch is known, so that this one will not be announced any more. */
  isPast(epoch) {
    return [...this.#offsets.keys()].some((known) => known > epoch);
  }

  clear() {
    this.#offsets.clear();
  }
}
