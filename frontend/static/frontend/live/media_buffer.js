const KEEP_S = 10;
const TRIM_SLACK_S = 2;
const KEEP_WHEN_FULL_S = 3;
const QUEUE_LIMIT = 250; // ten seconds of fragments; beyond it the queue is emptied and `overflow` is sent

/** The MediaSource class of this browser: the managed one only where there is no other (iPhone). */
export function mediaSourceClass() {
  return globalThis.MediaSource ?? globalThis.ManagedMediaSource ?? null;
}

/**
 * One MediaSource with one SourceBuffer, fed in order.
 *
 * Events: `appended` (the buffered ranges grew), `overflow` (fragments were dropped), `failed` (must be opened anew).
 */
export class MediaBuffer extends EventTarget {
  #video;
  #source = null;
  #buffer = null;
  #mime = "";
  #url = "";
  #queue = [];

  constructor(video) {
    super();
    this.#video = video;
  }

  /** Attach a fresh MediaSource to the video, leaving the old one behind. */
  open() {
    this.close();
    const source = new (mediaSourceClass())();
    this.#source = source;
    this.#video.disableRemotePlayback = true; // a managed source does not open without it
    source.addEventListener("sourceopen", () => source === this.#source && this.#run(), { once: true });
    this.#url = URL.createObjectURL(source);
    this.#video.src = this.#url;
  }

  close() {
    this.#queue = [];
    this.#buffer = null;
    this.#mime = "";
    this.#source = null;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }

  /** Buffered ranges in seconds, oldest first. */
  get ranges() {
    const ranges = [];
    // The buffer of a source that the browser has closed throws on access.
    if (this.#source?.readyState !== "open" || !this.#buffer) return ranges;
    const { buffered } = this.#buffer;
    for (let i = 0; i < buffered.length; i += 1) ranges.push([buffered.start(i), buffered.end(i)]);
    return ranges;
  }

  appendInit(mime, bytes) {
    this.#queue.push({ kind: "init", mime, bytes });
    this.#run();
  }

  appendFragment(bytes) {
    if (this.#queue.length >= QUEUE_LIMIT) {
      this.#queue = this.#queue.filter((job) => job.kind === "init").slice(-1);
      this.dispatchEvent(new Event("overflow"));
      return;
    }
    this.#queue.push({ kind: "fragment", bytes });
    this.#run();
  }

  #run() {
    if (this.#source?.readyState !== "open" || this.#buffer?.updating || this.#queue.length === 0) return;
    const job = this.#takeJob();
    try {
      this.#perform(job);
    } catch (error) {
      this.#refused(job, error);
    }
  }

  /** Neighbouring fragments go in as one: a late joiner gets fifty at once. */
  #takeJob() {
    const first = this.#queue.shift();
    if (first.kind !== "fragment") return first;
    const parts = [first.bytes];
    while (this.#queue[0]?.kind === "fragment") parts.push(this.#queue.shift().bytes);
    return { kind: "fragment", bytes: parts.length === 1 ? first.bytes : joinBytes(parts) };
  }

  #perform(job) {
    if (job.kind === "remove") {
      this.#buffer.remove(job.from, job.to);
      return;
    }
    if (job.kind === "init") this.#useMime(job.mime);
    if (this.#buffer) this.#buffer.appendBuffer(job.bytes);
  }

  #useMime(mime) {
    if (!this.#buffer) {
      this.#buffer = this.#source.addSourceBuffer(mime);
      this.#buffer.mode = "segments";
      this.#buffer.addEventListener("updateend", () => this.#updated());
      this.#buffer.addEventListener("error", () => this.#fail());
    } else if (mime !== this.#mime) {
      this.#buffer.changeType(mime);
    }
    this.#mime = mime;
  }

  #refused(job, error) {
    const ranges = this.ranges;
    if (error.name !== "QuotaExceededError" || ranges.length === 0) {
      this.#fail();
      return;
    }
    const end = ranges[ranges.length - 1][1];
    const to = end - KEEP_WHEN_FULL_S;
    if (to <= ranges[0][0]) {
      this.#fail();
      return;
    }
    this.#queue.unshift({ kind: "remove", from: 0, to }, job);
    this.#run();
  }

  #updated() {
    const ranges = this.ranges;
    if (ranges.length > 0) {
      const end = ranges[ranges.length - 1][1];
      if (end - ranges[0][0] > KEEP_S + TRIM_SLACK_S) this.#queue.unshift({ kind: "remove", from: 0, to: end - KEEP_S });
      this.dispatchEvent(new Event("appended"));
    }
    this.#run();
  }

  #fail() {
    if (!this.#source) return;
    this.close();
    this.dispatchEvent(new Event("failed"));
  }
}

function joinBytes(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
