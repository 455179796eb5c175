import { SAMPLE_RATE_HZ } from "./media_message.js";

const LINE_CHARACTERS = 78;
const LINE_CHARACTERS_WIDE = 34; // Chinese characters are twice as wide
const LINGER_MS = 900;
const STORAGE_KEY = "footlight.captions";

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
    this.#setOn(localStorage.getItem(STORAGE_KEY) !== "off");
  }

  stop() {
    this.button.removeEventListener("click", this.toggle);
    this.#player?.removeEventListener("tick", this.#tick);
  }

  toggle() {
    const on = this.button.getAttribute("aria-pressed") !== "true";
    localStorage.setItem(STORAGE_KEY, on ? "on" : "off");
    this.#setOn(on);
  }

  /** Begin a sentence. Called when its first sample is heard. */
  begin(caption) {
    const pieces = slicePieces(caption.text, caption.words, caption.duration_ms);
    this.#current = { ...caption, lines: breakLines(pieces), line: -1, startedMs: performance.now() };
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
    if (elapsedMs > this.#current.duration_ms + LINGER_MS) {
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

/** Group pieces into captions of at most two short lines. */
export function breakLines(pieces) {
  const wide = pieces.some((piece) => /[\u3400-\u9fff]/u.test(piece.text));
  const limit = wide ? LINE_CHARACTERS_WIDE : LINE_CHARACTERS;
  const lines = [[]];
  let length = 0;
  for (const piece of pieces) {
    if (length > 0 && length + piece.text.trimEnd().length > limit) {
      lines.push([]);
      length = 0;
    }
    lines.at(-1).push(piece);
    length += piece.text.length;
  }
  return lines;
}
