import { Socket } from "../shared/socket.js";
import { FLAG_SPEAKING, KIND_FRAGMENT, KIND_INIT, readMediaMessage } from "./media_message.js";

const DEFAULT_ACK_EVERY = 12;
const SILENCE_MS = 10_000;

/**
 * The media socket of one room (docs/wire-protocol.md, section 3).
 *
 * Events: `up`, `down`, `gone`; `announced` (detail: {mime, width, height}); `init` (detail: {mime, bytes}); `fragment`
 * (detail: {seq, roomPts, wallMs, bytes, isSpeaking, isOnset}); `timeline`, `interrupt` and `holding` with the message
 * as detail; `ackdue` when the server waits for an acknowledgement.
 */
export class MediaFeed extends EventTarget {
  #socket;
  #mime = "";
  #ackEvery = DEFAULT_ACK_EVERY;
  #lastSeq = 0;
  #wasSpeaking = false;
  #lastDataMs = null;

  constructor(socketPath) {
    super();
    /** Fragments of this connection so far. */
    this.received = 0;
    this.#socket = new Socket(socketPath);
    this.#socket.addEventListener("up", () => this.#begin());
    for (const type of ["down", "gone"]) this.#socket.addEventListener(type, ({ detail }) => this.#emit(type, detail));
    this.#socket.addEventListener("text", ({ detail }) => this.#control(detail));
    this.#socket.addEventListener("binary", ({ detail }) => this.#media(readMediaMessage(detail)));
  }

  start() {
    this.#socket.start();
  }

  stop() {
    this.#socket.stop();
  }

  /** Connect anew: the hub then sends the codec and the whole group of frames. */
  restart() {
    this.#socket.retryNow();
  }

  /** Say which fragment came last and which pts is on the screen. */
  acknowledge(displayed) {
    this.#socket.send({ type: "ack", seq: this.#lastSeq, displayed });
  }

  askKeyframe() {
    this.#socket.send({ type: "keyframe" });
  }

  /** A connection that went silent is made anew, once: a room that is off air sends nothing for hours. */
  checkSilence(nowMs) {
    if (this.#lastDataMs === null || nowMs - this.#lastDataMs < SILENCE_MS || !this.#socket.isUp) return;
    this.#lastDataMs = null;
    this.restart();
  }

  #begin() {
    this.received = 0;
    this.#wasSpeaking = false;
    this.#emit("up");
  }

  #control(message) {
    if (message.type === "hello") this.#ackEvery = message.ack_every ?? DEFAULT_ACK_EVERY;
    else if (message.type === "init") this.#announce(message);
    else if (["timeline", "interrupt", "holding"].includes(message.type)) this.#emit(message.type, message);
  }

  #announce({ mime, width, height }) {
    this.#mime = mime;
    this.#emit("announced", { mime, width, height });
  }

  #media({ kind, flags, seq, roomPts, wallMs, bytes }) {
    this.#lastDataMs = performance.now();
    if (kind === KIND_INIT) this.#emit("init", { mime: this.#mime, bytes });
    if (kind !== KIND_FRAGMENT) return;
    const isSpeaking = (flags & FLAG_SPEAKING) !== 0;
    const isOnset = isSpeaking && !this.#wasSpeaking;
    this.#wasSpeaking = isSpeaking;
    this.#lastSeq = seq;
    this.received += 1;
    this.#emit("fragment", { seq, roomPts, wallMs, bytes, isSpeaking, isOnset });
    if (this.received === 1 || this.received % this.#ackEvery === 0) this.#emit("ackdue");
  }

  #emit(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
