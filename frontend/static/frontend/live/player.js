import { FrameClock } from "./frame_clock.js";
import { LiveEdge } from "./live_edge.js";
import { MediaBuffer, mediaSourceClass } from "./media_buffer.js";
import { MediaFeed } from "./media_feed.js";
import { SAMPLE_RATE_HZ } from "./media_message.js";
import { Sound } from "./sound.js";
import { Timeline } from "./timeline.js";

const WATCH_EVERY_MS = 1_000;
const SEEK_GRACE_MS = 300;
const FROZEN_MS = 2_000;
const REWIND_SAMPLES = 5 * SAMPLE_RATE_HZ; // more than the group of frames that a new connection repeats

/**
 * Plays one room, close to the live edge, for as long as the page lives.
 *
 * Events: `frame` (detail: {roomPts, seq, wallMs}: its place, number and render time) for each displayed frame; `tick`
 * whenever the clock may have moved; `status` (detail: {status}); `size` (detail: {width, height}); `interrupt` (detail:
 * {roomPts}); `timeline`; `holding` (detail: {on}); `rebuild` just before the picture is thrown away to begin anew.
 */
export class Player extends EventTarget {
  #video;
  #feed;
  #buffer;
  #frames;
  #edge = new LiveEdge();
  #lastPts = null;
  #lastSpeakingPts = -1;
  #hasShown = false;
  #pausedWhileHidden = false;
  #soughtMs = 0;
  #lastMoveMs = 0;
  #lastTime = -1;
  #unduckAt = null;
  #watchdog = null;
  #stopping = null;

  constructor(video, socketPath) {
    super();
    this.#video = video;
    this.#feed = new MediaFeed(socketPath);
    this.#buffer = new MediaBuffer(video);
    this.#frames = new FrameClock(video);
    this.sound = new Sound(video);
    this.timeline = new Timeline();
    /** "connecting" | "waiting" (no picture yet) | "playing" | "paused" | "offline" | "gone" | "unsupported" */
    this.status = "connecting";
    video.preservesPitch = true;
    this.#hear();
  }

  static isSupported() {
    return mediaSourceClass() !== null;
  }

  start() {
    this.#stopping = new AbortController();
    this.#watchElement({ signal: this.#stopping.signal });
    this.#buffer.open();
    this.#frames.start();
    this.#feed.start();
    this.#watchdog = setInterval(() => this.#watch(performance.now()), WATCH_EVERY_MS);
  }

  stop() {
    this.#stopping?.abort();
    clearInterval(this.#watchdog);
    this.#feed.stop();
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
    if (this.#video.paused) this.#seekToEdge();
    return this.#play();
  }

  /** Figures for measurements: seconds behind the edge, the distance aimed at, stalls so far, fragments received. */
  figures() {
    const { behind, target, stalls } = this.#edge;
    return { behind, target, stalls, received: this.#feed.received, rate: this.#video.playbackRate };
  }

  #hear() {
    const hear = (source, type, handle) => source.addEventListener(type, ({ detail }) => handle(detail));
    hear(this.#feed, "up", () => this.#lastPts === null && this.#setStatus("waiting"));
    hear(this.#feed, "down", () => this.#setStatus("offline"));
    hear(this.#feed, "gone", () => this.#setStatus("gone"));
    hear(this.#feed, "announced", (announced) => this.#announced(announced));
    hear(this.#feed, "init", ({ mime, bytes }) => this.#buffer.appendInit(mime, bytes));
    hear(this.#feed, "fragment", (fragment) => this.#fragment(fragment));
    hear(this.#feed, "ackdue", () => this.#acknowledge());
    hear(this.#feed, "timeline", (message) => this.#addTimeline(message));
    hear(this.#feed, "interrupt", (message) => this.#interrupt(message));
    hear(this.#feed, "holding", ({ on }) => this.#emit("holding", { on }));
    hear(this.#buffer, "appended", () => this.#appended());
    hear(this.#buffer, "overflow", () => this.#feed.askKeyframe());
    hear(this.#buffer, "failed", () => this.#rebuild());
    hear(this.#frames, "frame", (frame) => this.#displayed(frame));
    hear(this.#frames, "onset", () => this.#acknowledge());
  }

  #watchElement(options) {
    this.#video.addEventListener("error", () => this.#rebuild(), options);
    this.#video.addEventListener("waiting", () => this.#stalled(), options);
    this.#video.addEventListener("pause", () => this.#paused(), options);
    this.#video.addEventListener("playing", () => this.#setStatus("playing"), options);
    document.addEventListener("visibilitychange", () => document.hidden || this.#cameBack(), options);
  }

  #paused() {
    if (this.status !== "playing") return;
    this.#pausedWhileHidden = document.hidden;
    this.#setStatus("paused");
  }

  /** Phones pause what nobody sees; the viewer did not ask for that. */
  #cameBack() {
    if (this.status === "paused" && this.#pausedWhileHidden) this.resume();
    this.#appended();
  }

  #announced({ mime, width, height }) {
    this.#emit("size", { width, height });
    if (mediaSourceClass().isTypeSupported(mime)) return;
    this.#feed.stop();
    this.#setStatus("unsupported");
  }

  #addTimeline({ epoch, offset }) {
    this.timeline.add(epoch, offset);
    this.#emit("timeline");
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
    this.#emit("interrupt", { roomPts });
  }

  #fragment(fragment) {
    const { roomPts, isSpeaking, bytes } = fragment;
    if (this.#lastPts !== null && roomPts < this.#lastPts - REWIND_SAMPLES) {
      this.#rebuild(); // the server began a new clock: what is buffered lies in its future
      return;
    }
    if (this.status === "offline") this.#setStatus(this.#hasShown ? "playing" : "waiting");
    this.#frames.received(fragment);
    if (isSpeaking) this.#lastSpeakingPts = roomPts;
    this.#lastPts = roomPts;
    this.#buffer.appendFragment(bytes);
  }

  /** In a hidden page nothing is displayed, but it is heard. */
  #acknowledge() {
    const displayed = document.hidden ? null : this.#frames.displayedPts;
    this.#feed.acknowledge(displayed ?? this.roomPtsNow() ?? 0);
  }

  #displayed(frame) {
    if (!this.#hasShown) {
      this.#hasShown = true;
      this.#acknowledge();
    }
    this.#emit("frame", frame);
    this.#tick();
  }

  #appended() {
    const { ranges } = this.#buffer;
    if (ranges.length === 0) return;
    const { rate, seekTo } = this.#edge.decide({
      time: this.#video.currentTime,
      ranges,
      nowMs: performance.now(),
      isStarved: this.#isStarved(),
      isQuiet: this.#lastSpeakingPts < this.#video.currentTime * SAMPLE_RATE_HZ,
    });
    if (seekTo !== null) this.#seek(seekTo);
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
    if (this.#video.paused && this.status !== "paused") this.#play();
    this.#tick();
  }

  #isStarved() {
    const { paused, seeking, readyState } = this.#video;
    return this.#hasShown && !paused && !seeking && readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
  }

  #seek(time) {
    this.#soughtMs = performance.now();
    this.#video.currentTime = time;
  }

  #seekToEdge() {
    const { ranges } = this.#buffer;
    if (ranges.length > 0) this.#seek(this.#edge.land(ranges));
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
    this.#emit("tick");
  }

  /** Start over with an empty buffer on a new connection. */
  #rebuild() {
    if (this.status === "unsupported") return;
    this.#emit("rebuild");
    this.#lastPts = null;
    this.#lastSpeakingPts = -1;
    this.#hasShown = false;
    this.#frames.reset();
    this.timeline.clear();
    this.#edge.moved();
    this.#setStatus("waiting");
    this.#buffer.open();
    this.#feed.restart();
  }

  #watch(nowMs) {
    const moved = this.#video.currentTime !== this.#lastTime;
    this.#lastTime = this.#video.currentTime;
    if (moved || this.#video.paused || document.hidden) this.#lastMoveMs = nowMs;
    this.#feed.checkSilence(nowMs);
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
    this.#emit("status", { status });
  }

  #emit(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
