import { Backoff } from "./backoff.js";

const GONE_CODES = new Set([4404]);
const OVERLOAD_CODE = 4429;
const OVERLOAD_WAIT_MS = 5_000;
const STEADY_MS = 5_000;

/** Absolute ws: or wss: address of a path on this site. */
export function socketUrl(path) {
  const url = new URL(path, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/**
 * A WebSocket that comes back by itself.
 *
 * Events: `up`; `text` (detail: parsed JSON); `binary` (detail: ArrayBuffer); `down` (detail: {code, retryMs});
 * `gone` (detail: {code}), after which it does not try again.
 */
export class Socket extends EventTarget {
  #socket = null;
  #timer = null;
  #running = false;
  #openedAt = 0;

  constructor(path, { backoff = new Backoff() } = {}) {
    super();
    this.path = path;
    this.backoff = backoff;
    this.retryNow = this.retryNow.bind(this);
  }

  get isUp() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    window.addEventListener("online", this.retryNow);
    this.#connect();
  }

  stop() {
    this.#running = false;
    window.removeEventListener("online", this.retryNow);
    clearTimeout(this.#timer);
    this.#drop();
  }

  /** Send a JSON object; false when there is no connection to send it on. */
  send(message) {
    if (!this.isUp) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Leave the present connection, if any, and dial at once. */
  retryNow() {
    if (!this.#running) return;
    clearTimeout(this.#timer);
    this.#drop();
    this.#connect();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #connect() {
    const socket = new WebSocket(socketUrl(this.path));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#openedAt = performance.now();
      this.dispatchEvent(new Event("up"));
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event.code);
    this.#socket = socket;
  }

  #receive(data) {
    if (data instanceof ArrayBuffer) {
      this.dispatchEvent(new CustomEvent("binary", { detail: data }));
    } else {
      this.dispatchEvent(new CustomEvent("text", { detail: JSON.parse(data) }));
    }
  }

  #closed(code) {
    this.#socket = null;
    if (!this.#running) return;
    if (GONE_CODES.has(code)) {
      this.#running = false;
      this.dispatchEvent(new CustomEvent("gone", { detail: { code } }));
      return;
    }
    if (this.#openedAt && performance.now() - this.#openedAt > STEADY_MS) this.backoff.reset();
    this.#openedAt = 0;
    const retryMs = this.backoff.next() + (code === OVERLOAD_CODE ? OVERLOAD_WAIT_MS : 0);
    this.#timer = setTimeout(() => this.#connect(), retryMs);
    this.dispatchEvent(new CustomEvent("down", { detail: { code, retryMs } }));
  }
}
