/** Reconnect delays: a doubling ceiling, and a random half of it so that viewers do not return all at once. */
export class Backoff {
  #attempt = 0;

  constructor({ firstMs = 400, maxMs = 10_000, random = Math.random } = {}) {
    this.firstMs = firstMs;
    this.maxMs = maxMs;
    this.random = random;
  }

  /** Milliseconds to wait before the next try. */
  next() {
    const ceiling = Math.min(this.maxMs, this.firstMs * 2 ** this.#attempt);
    this.#attempt += 1;
    return ceiling * (0.5 + this.random() / 2);
  }

  reset() {
    this.#attempt = 0;
  }
}
