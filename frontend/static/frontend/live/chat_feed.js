import { Socket } from "../shared/socket.js";

const PING_EVERY_MS = 25_000;
const OUTBOX_LIMIT = 20;

/**
 * The chat socket of one room (docs/wire-protocol.md, section 4).
 *
 * Every message of the server becomes an event of its type with the message as `detail`, those of a batch one by one;
 * besides them `up`, `down` (detail: {code, retryMs}) and `gone`. What was sent and not yet accepted or rejected is sent
 * again after a reconnect; the server knows a repeat by its client_id.
 */
export class ChatFeed extends EventTarget {
  #socket;
  #outbox = new Map();
  #hello;
  #timer = null;

  /** `hello` returns {name?, language}, asked for at every connection. */
  constructor(socketPath, hello) {
    super();
    this.#hello = hello;
    this.#socket = new Socket(socketPath);
    this.#socket.addEventListener("up", () => this.#up());
    this.#socket.addEventListener("down", ({ detail }) => this.dispatchEvent(new CustomEvent("down", { detail })));
    this.#socket.addEventListener("gone", ({ detail }) => this.dispatchEvent(new CustomEvent("gone", { detail })));
    this.#socket.addEventListener("text", ({ detail }) => this.#receive(detail));
  }

  start() {
    this.#socket.start();
    this.#timer = setInterval(() => this.#socket.send({ type: "ping" }), PING_EVERY_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#socket.stop();
  }

  /** True while the room knows us; messages are taken only then. */
  get isWelcome() {
    return this.#socket.isUp && this.welcomed;
  }

  /** Queue a message and send it; returns its client_id, or null where too many wait for an answer already. */
  say(text, clientId = createId()) {
    if (this.#outbox.size >= OUTBOX_LIMIT) return null;
    this.#outbox.set(clientId, text);
    if (this.isWelcome) this.#socket.send({ type: "message", client_id: clientId, text });
    return clientId;
  }

  rename(name) {
    this.#socket.send({ type: "rename", name });
  }

  #up() {
    this.welcomed = false;
    this.dispatchEvent(new Event("up"));
    this.#socket.send({ type: "hello", ...this.#hello() });
  }

  #receive(message) {
    if (message.type === "batch") {
      for (const item of message.items) this.#receive(item);
      return;
    }
    if (message.type === "accepted" || message.type === "rejected") this.#outbox.delete(message.client_id);
    if (message.type === "welcome") this.welcomed = true;
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
    if (message.type !== "welcome") return;
    for (const [clientId, text] of this.#outbox) this.#socket.send({ type: "message", client_id: clientId, text });
  }
}

/** A random id. `crypto.randomUUID` is missing on plain http of other hosts than this one. */
export function createId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
