import { Socket } from "../shared/socket.js";
import { FrameClock } from "./frame_clock.js";
import { LiveEdge } from "./live_edge.js";
import { MediaBuffer, mediaSourceClass } from "./media_buffer.js";
import { FLAG_SPEAKING, KIND_FRAGMENT, KIND_INIT, readMediaMessage, SAMPLE_RATE_HZ } from "./media_message.js";
import { Sound } from "./sound.js";
import { Timeline } from "./timeline.js";

const SILENT_SOCKET_MS = 10_000;
const SEEK_GRACE_MS = 300;
const FROZEN_MS = 2_000;
const REWIND_SAMPLES = 5 * SAMPLE_RATE_HZ; // more than the group of frames that a new connection repeats
const DEFAULT_ACK_EVERY = 12;

/**
 * Plays one room, close to the live edge, for as long as the page lives.
 *
 * Events: `frame` (detail: {roomPts, seq, wallMs}: its place, number and render time) for each displayed frame; `tick` whenever the clock may have moved;
 * `status` (see `status`); `size` (detail: {width, height}); `interrupt` (detail: {roomPts}); `timeline`;
 * `holding` (detail: {on}); `rebuild` just before the picture is thrown away to begin anew.
 */
export class Player extends EventTarget {
  #video;
  #socket;
  #buffer;
  #frames;
  #edge = new LiveEdge();
  #mime = "";
  #ackEvery = DEFAULT_ACK_EVERY;
  #received = 0;
  #lastSeq = 0;
  #lastPts = null;
  #wasSpeaking = false;
  #lastSpeakingPts = -1;
  #hasShown = false;
  #soughtMs = 0;
  #lastDataMs = 0;
  #lastMoveMs = 0;
  #lastTime = -1;
  #unduckAt = null;
  #watchdog = null;

  constructor(video, socketPath) {
    super();
    this.#video = video;
    this.#socket = new Socket(socketPath);
    this.#buffer = new MediaBuffer(video);
    this.#frames = new FrameClock(video);
    this.sound = new Sound(video);
    this.timeline = new Timeline();
    /** "connecting" | "waiting" (no picture yet) | "playing" | "paused" | "offline" | "gone" | "unsupported" */
    this.status = "connecting";
    video.preservesPitch = true;
    this.#listen();
  }

  static isSupported() {
    return mediaSourceClass() !== null;
  }

  start() {
    if (!Player.isSupported()) {
      this.#setStatus("unsupported");
      return;
    }
    this.#buffer.open();
    this.#frames.start();
    this.#socket.start();
    this.#watchdog = setInterval(() => this.#watch(performance.now()), 1_000);
  }

  stop() {
    clearInterval(this.#watchdog);
    this.#socket.stop();
    this.#frames.stop();
    this.#buffer.close();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  /** Room pts that is being heard, in samples, or null before the first picture. */
  roomPtsNow() {
    if (this.#lastPts === null || this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    return Math.round(this.#video.currentTime * SAMPLE_RATE_HZ);
  }

  /** Call `listener` whenever the place of an epoch on the room's clock becomes known. */
  onTimeline(listener) {
    this.addEventListener("timeline", listener);
  }

  /** Play again after a pause, at the live edge. */
  resume() {
    this.#edge.moved();
    this.#seekToEdge();
    return this.#play();
  }

  /** Figures for measurements: seconds behind the edge, the distance aimed at, stalls so far, fragments received. */
  figures() {
    return {
      behind: this.#edge.behind,
      target: this.#edge.target,
      stalls: this.#edge.stalls,
      received: this.#received,
      rate: this.#video.playbackRate,
    };
  }

  #listen() {
    this.#socket.addEventListener("up", () => this.#connected());
    this.#socket.addEventListener("down", () => this.#setStatus("offline"));
    this.#socket.addEventListener("gone", () => this.#setStatus("gone"));
    this.#socket.addEventListener("text", ({ detail }) => this.#control(detail));
    this.#socket.addEventListener("binary", ({ detail }) => this.#media(readMediaMessage(detail)));
    this.#buffer.addEventListener("appended", () => this.#appended());
    this.#buffer.addEventListener("overflow", () => this.#socket.send({ type: "keyframe" }));
    this.#buffer.addEventListener("failed", () => this.#rebuild());
    this.#frames.addEventListener("frame", ({ detail }) => this.#displayed(detail));
    this.#frames.addEventListener("onset", () => this.#ack());
    this.#video.addEventListener("error", () => this.#rebuild());
    this.#video.addEventListener("waiting", () => this.#stalled());
    this.#video.addEventListener("pause", () => this.status === "playing" && this.#setStatus("paused"));
    this.#video.addEventListener("playing", () => this.#setStatus("playing"));
    document.addEventListener("visibilitychange", () => document.hidden || this.#appended());
  }

  #connected() {
    this.#received = 0;
    this.#wasSpeaking = false;
    if (this.#lastPts === null) this.#setStatus("waiting");
  }

  #control(message) {
    const handlers = {
      hello: () => (this.#ackEvery = message.ack_every ?? DEFAULT_ACK_EVERY),
      init: () => this.#announceInit(message),
      timeline: () => this.#addTimeline(message),
      interrupt: () => this.#interrupt(message),
      holding: () => this.dispatchEvent(new CustomEvent("holding", { detail: { on: message.on } })),
    };
    handlers[message.type]?.();
  }

  #announceInit({ mime, width, height }) {
    this.#mime = mime;
    this.dispatchEvent(new CustomEvent("size", { detail: { width, height } }));
    if (!mediaSourceClass().isTypeSupported(mime)) {
      this.#socket.stop();
      this.#setStatus("unsupported");
    }
  }

  #addTimeline({ epoch, offset }) {
    this.timeline.add(epoch, offset);
    this.dispatchEvent(new Event("timeline"));
  }

  /** Silence at once; the sound returns when the clock has passed the cut. */
  #interrupt({ epoch, pts }) {
    const roomPts = this.timeline.roomPts(epoch, pts);
    if (roomPts === null) return;
    const now = this.roomPtsNow();
    if (now !== null && now < roomPts) {
      this.#unduckAt = roomPts;
      this.sound.duck(true);
    }
    this.dispatchEvent(new CustomEvent("interrupt", { detail: { roomPts } }));
  }

  #media(message) {
    this.#lastDataMs = performance.now();
    if (message.kind === KIND_INIT) this.#buffer.appendInit(this.#mime, message.bytes);
    else if (message.kind === KIND_FRAGMENT) this.#fragment(message);
  }

  #fragment({ flags, seq, roomPts, wallMs, bytes }) {
    if (this.#lastPts !== null && roomPts < this.#lastPts - REWIND_SAMPLES) {
      this.#rebuild(); // the server began a new clock: what is buffered lies in its future
      return;
    }
    const speaking = (flags & FLAG_SPEAKING) !== 0;
    this.#frames.received({ roomPts, seq, wallMs, isOnset: speaking && !this.#wasSpeaking });
    this.#wasSpeaking = speaking;
    if (speaking) this.#lastSpeakingPts = roomPts;
    this.#lastPts = roomPts;
    this.#lastSeq = seq;
    this.#buffer.appendFragment(bytes);
    this.#received += 1;
    if (this.#received === 1 || this.#received % this.#ackEvery === 0) this.#ack();
  }

  #ack() {
    const displayed = document.hidden ? this.roomPtsNow() : (this.#frames.displayedPts ?? this.roomPtsNow());
    this.#socket.send({ type: "ack", seq: this.#lastSeq, displayed: displayed ?? 0 });
  }

  #displayed(detail) {
    if (!this.#hasShown) {
      this.#hasShown = true;
      this.#ack();
    }
    this.dispatchEvent(new CustomEvent("frame", { detail }));
    this.#tick();
  }

  #appended() {
    const ranges = this.#buffer.ranges;
    if (ranges.length === 0) return;
    const nowMs = performance.now();
    const { rate, seekTo } = this.#edge.decide({
      time: this.#video.currentTime,
      ranges,
      nowMs,
      isStarved: this.#isStarved(),
      isQuiet: this.#lastSpeakingPts < this.#video.currentTime * SAMPLE_RATE_HZ,
    });
    if (seekTo !== null) {
      this.#video.currentTime = seekTo;
      this.#soughtMs = nowMs;
    }
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
    if (this.#video.paused && this.status !== "paused") this.#play();
    this.#tick();
  }

  #isStarved() {
    const { paused, seeking, readyState } = this.#video;
    return this.#hasShown && !paused && !seeking && readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
  }

  #seekToEdge() {
    const ranges = this.#buffer.ranges;
    if (ranges.length > 0) this.#video.currentTime = Math.max(ranges.at(-1)[0], ranges.at(-1)[1] - this.#edge.target);
  }

  async #play() {
    try {
      await this.#video.play();
    } catch (error) {
      // Refused with sound on: go on without, the unlock button shows again. An abort only means a newer load.
      if (error.name === "NotAllowedError" && !this.sound.muted) this.sound.setMuted(true);
    }
  }

  /** Ran dry by itself: not after a seek, not in a hidden page, not before the first picture. */
  #stalled() {
    const nowMs = performance.now();
    if (!this.#hasShown || this.#video.seeking || document.hidden || nowMs - this.#soughtMs < SEEK_GRACE_MS) return;
    this.#edge.stalled(nowMs);
  }

  #tick() {
    const now = this.roomPtsNow();
    if (this.#unduckAt !== null && (now === null || now >= this.#unduckAt)) {
      this.#unduckAt = null;
      this.sound.duck(false);
    }
    this.dispatchEvent(new Event("tick"));
  }

  /** Start over with an empty buffer on a new connection: the hub then sends the codec and a whole group of frames. */
  #rebuild() {
    if (this.status === "unsupported") return;
    this.dispatchEvent(new Event("rebuild"));
    this.#lastPts = null;
    this.#lastSpeakingPts = -1;
    this.#hasShown = false;
    this.#frames.reset();
    this.timeline.clear();
    this.#edge.moved();
    this.#setStatus("waiting");
    this.#buffer.open();
    this.#socket.retryNow();
  }

  #watch(nowMs) {
    const moved = this.#video.currentTime !== this.#lastTime;
    this.#lastTime = this.#video.currentTime;
    if (moved || this.#video.paused || document.hidden) this.#lastMoveMs = nowMs;
    if (this.#lastDataMs && nowMs - this.#lastDataMs > SILENT_SOCKET_MS && this.#socket.isUp) {
      this.#lastDataMs = 0; // once: a room that is off air sends nothing
      this.#socket.retryNow();
    }
    const behind = (this.#buffer.ranges.at(-1)?.[1] ?? 0) - this.#video.currentTime;
    if (nowMs - this.#lastMoveMs > FROZEN_MS && behind > this.#edge.target) {
      this.#lastMoveMs = nowMs;
      this.#seekToEdge();
    }
    this.#tick();
  }

  #setStatus(status) {
    if (this.status === status) return;
    this.status = status;
    this.dispatchEvent(new CustomEvent("status", { detail: { status } }));
  }
}
