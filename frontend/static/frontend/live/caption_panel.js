import { keep, readKept } from "../shared/kept.js";
import { SAMPLE_RATE_HZ } from "./media_message.js";

const CHARACTERS = { roomy: 78, narrow: 48 }; // shown at once; a Chinese character counts as two
const NARROW_PX = 480;
const MS_A_CHARACTER = 75;
const LINGER_MS = 900;
const KEPT_AS = "captions";

/** The words over the picture, lit as they are spoken. */
export class CaptionPanel {
  #player;
  #current = null;
  #tick = () => this.#show();

  /** `box` is the overlay, `button` switches it; `player` may be null. */
  constructor({ box, button }, player) {
    this.box = box;
    this.button = button;
    this.#player = player;
    this.toggle = this.toggle.bind(this);
  }

  start() {
    this.button.addEventListener("click", this.toggle);
    this.#player?.addEventListener("tick", this.#tick);
    this.#setOn(readKept(KEPT_AS) !== "off");
  }

  stop() {
    this.button.removeEventListener("click", this.toggle);
    this.#player?.removeEventListener("tick", this.#tick);
  }

  toggle() {
    const on = this.button.getAttribute("aria-pressed") !== "true";
    keep(KEPT_AS, on ? "on" : "off");
    this.#setOn(on);
  }

  /** Begin a sentence. Called when its first sample is heard. */
  begin(caption) {
    const durationMs = Math.max(caption.duration_ms, caption.words.at(-1)?.[2] ?? 0) || guessMs(caption.text);
    const pieces = slicePieces(caption.text, caption.words, durationMs);
    const limit = this.box.parentElement.clientWidth < NARROW_PX ? CHARACTERS.narrow : CHARACTERS.roomy;
    this.#current = { ...caption, durationMs, lines: breakLines(pieces, limit), line: -1, startedMs: performance.now() };
    this.#show();
  }

  clear() {
    this.#current = null;
    this.box.replaceChildren();
  }

  #setOn(on) {
    this.button.setAttribute("aria-pressed", String(on));
    this.box.hidden = !on;
  }

  #elapsedMs() {
    const { epoch, pts, startedMs } = this.#current;
    const roomPts = this.#player?.timeline.roomPts(epoch, pts) ?? null;
    const now = this.#player?.roomPtsNow() ?? null;
    if (roomPts === null || now === null) return performance.now() - startedMs;
    return ((now - roomPts) / SAMPLE_RATE_HZ) * 1000;
  }

  #show() {
    if (!this.#current) return;
    const elapsedMs = this.#elapsedMs();
    if (elapsedMs > this.#current.durationMs + LINGER_MS) {
      this.clear();
      return;
    }
    const { lines } = this.#current;
    let at = lines.findLastIndex((line) => line[0].startMs <= elapsedMs);
    at = Math.max(0, at);
    if (at !== this.#current.line) this.#draw(lines[at], at);
    [...this.box.firstElementChild.children].forEach((word, i) => {
      word.dataset.said = String(lines[at][i].startMs <= elapsedMs);
    });
  }

  #draw(line, at) {
    this.#current.line = at;
    const paragraph = document.createElement("p");
    for (const piece of line) {
      const word = document.createElement("span");
      word.textContent = piece.text;
      paragraph.append(word);
    }
    this.box.replaceChildren(paragraph);
  }
}

/** Cut the text as written at its words, so that punctuation stays with the word before it. */
export function slicePieces(text, words, durationMs) {
  const pieces = [];
  let from = 0;
  for (const [word, startMs] of words) {
    const found = text.indexOf(word, from);
    if (found < 0) continue;
    if (pieces.length > 0) pieces.at(-1).text = text.slice(pieces.at(-1).at, found);
    pieces.push({ at: pieces.length > 0 ? found : 0, text: "", startMs });
    from = found + word.length;
  }
  if (pieces.length === 0) return spreadPieces(text, durationMs);
  pieces.at(-1).text = text.slice(pieces.at(-1).at);
  return pieces;
}

/** Without word times: words spread over the duration by their length. */
function spreadPieces(text, durationMs) {
  const parts = text.match(/[\u3400-\u9fff][^\w\s\u3400-\u9fff]*|\S+\s*/gu) ?? [text];
  const total = text.length || 1;
  let used = 0;
  return parts.map((part) => {
    const startMs = (used / total) * durationMs;
    used += part.length;
    return { at: 0, text: part, startMs };
  });
}

/** Group pieces into captions of at most `limit` characters, but of one piece at least. */
export function breakLines(pieces, limit) {
  const lines = [[]];
  let length = 0;
  for (const piece of pieces) {
    if (length > 0 && length + widthOf(piece.text.trimEnd()) > limit) {
      lines.push([]);
      length = 0;
    }
    lines.at(-1).push(piece);
    length += widthOf(piece.text);
  }
  return lines;
}

/** How long a sentence takes to say, where nobody knows yet. */
function guessMs(text) {
  return widthOf(text) * MS_A_CHARACTER;
}

function widthOf(text) {
  return text.length + (text.match(/[\u3000-\u9fff\uff00-\uffef]/gu)?.length ?? 0);
}
