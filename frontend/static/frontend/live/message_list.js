import { setText } from "../shared/strings.js";

const ITEMS_KEPT = 200;
const AT_BOTTOM_PX = 48;

/**
 * The chat log. Keeps the last two hundred items, follows the newest unless the reader has scrolled up.
 */
export class MessageList {
  #messages = new Map();
  #turns = new Map();
  #sentences = new Map();
  #following = true;
  #lastTop = 0;
  #resized = new ResizeObserver(() => this.#settle());

  constructor({ log, more, empty }, strings) {
    this.log = log;
    this.more = more;
    this.empty = empty;
    this.strings = strings;
    this.scrolled = this.scrolled.bind(this);
    this.follow = this.follow.bind(this);
  }

  start() {
    this.log.addEventListener("scroll", this.scrolled, { passive: true });
    this.more.addEventListener("click", this.follow);
    this.#resized.observe(this.log);
  }

  stop() {
    this.#resized.disconnect();
    this.log.removeEventListener("scroll", this.scrolled);
    this.more.removeEventListener("click", this.follow);
  }

  /** Show what a viewer said. `key` is the row's id, or the client_id until the row is known. */
  addMessage({ key, name, text, isOwn, state, reason, at }) {
    const known = this.#messages.get(key);
    if (known) {
      if (isOwn) this.#markOwn(known);
      if (state) this.setState(key, state, reason);
      return;
    }
    const item = element("div", "message");
    item.dataset.testid = "chat-message";
    const head = element("p", "message-head");
    head.append(nameOf(name, this.strings), timeOf(at, this.strings.language));
    item.append(head, element("p", "message-text", text), element("p", "message-state"));
    if (isOwn) this.#markOwn(item);
    this.#messages.set(key, item);
    this.#append(item);
    if (state) this.setState(key, state, reason);
  }

  /** The row of an own message is known: from now on `id` names it. */
  accept(clientId, id) {
    const item = this.#messages.get(clientId);
    this.#messages.delete(clientId);
    const twin = this.#messages.get(id);
    if (twin) {
      item?.remove(); // the room's copy came first
      this.#markOwn(twin);
      return;
    }
    if (!item) return;
    this.#messages.set(id, item);
    this.setState(id, "waiting");
  }

  setState(key, state, reason = "", values = {}) {
    const item = this.#messages.get(key);
    if (!item) return;
    item.dataset.state = state;
    const line = item.querySelector(".message-state");
    if (reason && this.strings.has(`reason.${reason}`)) setText(line, this.strings, `reason.${reason}`, values);
    else setText(line, this.strings, state === "rejected" ? "reason.unknown" : `message.${state}`);
    this.#settle();
  }

  /** Show a sentence of the presenter; sentences of one turn share a bubble. */
  addReply({ turn, sentence, text, name, question }) {
    if (this.#sentences.has(sentence)) return;
    const piece = element("span", "reply-sentence", text);
    this.#sentences.set(sentence, piece);
    let item = this.#turns.get(turn);
    if (!item?.isConnected || item !== this.log.lastElementChild) {
      item = element("div", "message reply");
      item.dataset.testid = "chat-reply";
      const head = element("p", "message-head");
      const badge = element("span", "ai-badge");
      setText(badge, this.strings, "ai.short");
      head.append(element("span", "message-name", name), badge);
      if (question) head.append(element("span", "reply-to", `@${question}`));
      item.append(head, element("p", "message-text"));
      this.#turns.set(turn, item);
      this.#append(item);
    }
    const paragraph = item.querySelector(".message-text");
    if (paragraph.childNodes.length > 0 && needsSpace(paragraph.textContent, text)) paragraph.append(" ");
    paragraph.append(piece);
    this.#settle({ isNews: true });
  }

  /** Say that `count` messages of a crowd are not shown here; neighbours add up. */
  addLeftOut(count) {
    let line = this.log.lastElementChild;
    if (!line?.dataset.leftOut) {
      line = element("p", "message-state");
      line.dataset.testid = "chat-left-out";
      line.dataset.leftOut = "0";
      this.#append(line);
    }
    line.dataset.leftOut = Number(line.dataset.leftOut) + count;
    setText(line, this.strings, "room.left_out", { n: line.dataset.leftOut });
  }

  /** A sentence was cut: leave only what was heard. */
  cut(sentence, heard) {
    const piece = this.#sentences.get(sentence);
    if (!piece) return;
    if (!heard) this.#removeSentence(sentence, piece);
    else piece.textContent = `${heard.replace(/[\s,，、;；:：.。]+$/u, "")}…`;
  }

  #removeSentence(sentence, piece) {
    const item = piece.closest(".reply");
    this.#sentences.delete(sentence);
    piece.remove();
    if (!item.querySelector(".reply-sentence")) item.remove();
  }

  /** Display name of who wrote message `id`, or "" when it is not in the log any more. */
  nameOf(id) {
    return this.#messages.get(id)?.querySelector(".message-name").textContent ?? "";
  }

  clear() {
    this.#messages.clear();
    this.#turns.clear();
    this.#sentences.clear();
    this.log.replaceChildren();
    this.empty.hidden = false;
  }

  /** Go to the newest item and stay there. */
  follow() {
    this.#following = true;
    this.#settle();
  }

  /** The reader stops following by scrolling up, and starts again at the bottom. New items alone change nothing. */
  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.log;
    const isAtBottom = scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PX;
    if (isAtBottom) this.follow();
    else if (scrollTop < this.#lastTop - 2) this.#following = false;
    this.#lastTop = scrollTop;
  }

  #append(item) {
    this.empty.hidden = true;
    this.log.append(item);
    while (this.log.childElementCount > ITEMS_KEPT) this.#dropOldest();
    if (item.dataset.own) this.#following = true;
    this.#settle({ isNews: true });
  }

  /** After any change: keep the newest in sight, or say that there is more below. */
  #settle({ isNews = false } = {}) {
    if (this.#following) {
      this.more.hidden = true;
      this.log.scrollTop = this.log.scrollHeight;
      this.#lastTop = this.log.scrollTop;
    } else if (isNews) {
      this.more.hidden = false;
    }
  }

  #dropOldest() {
    const oldest = this.log.firstElementChild;
    oldest.remove();
    for (const map of [this.#messages, this.#turns, this.#sentences]) {
      for (const [key, node] of map) if (oldest === node || oldest.contains(node)) map.delete(key);
    }
  }

  #markOwn(item) {
    item.dataset.own = "true";
  }
}

function element(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function nameOf(name, strings) {
  const node = element("span", "message-name", name);
  if (!name) setText(node, strings, "name.anonymous");
  return node;
}

function timeOf(at, language) {
  const node = element("time", "message-time");
  const date = at ? new Date(at) : new Date();
  node.dateTime = date.toISOString();
  node.textContent = date.toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" });
  return node;
}

/** Chinese and Japanese sentences follow each other without a space. */
function needsSpace(before, after) {
  return !/[\u3000-\u9fff\uff00-\uffef]$/u.test(before) && !/^[\u3000-\u9fff\uff00-\uffef]/u.test(after);
}
