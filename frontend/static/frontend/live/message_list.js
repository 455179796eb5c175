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
  #unread = 0;

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
  }

  stop() {
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
    const item = element("li", "message");
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
  }

  /** Show a sentence of the presenter; sentences of one turn share a bubble. */
  addReply({ turn, sentence, text, name, question }) {
    if (this.#sentences.has(sentence)) return;
    const piece = element("span", "reply-sentence", text);
    this.#sentences.set(sentence, piece);
    let item = this.#turns.get(turn);
    if (!item?.isConnected || item !== this.log.lastElementChild) {
      item = element("li", "message reply");
      item.dataset.testid = "chat-reply";
      const head = element("p", "message-head");
      const badge = element("span", "ai-badge");
      setText(badge, this.strings, "ai.short");
      head.append(element("span", "message-name", name), badge);
      if (question) head.append(element("span", "reply-to", `@${question}`));
      item.append(head, element("p", "message-text"));
      this.#turns.set(turn, item);
      this.#append(item);
    } else {
      this.#noticeNew();
    }
    const paragraph = item.querySelector(".message-text");
    if (paragraph.childNodes.length > 0 && needsSpace(paragraph.textContent, text)) paragraph.append(" ");
    paragraph.append(piece);
    if (this.isFollowing) this.#toBottom();
  }

  /** A sentence was cut: leave only what was heard. */
  cut(sentence, heard) {
    const piece = this.#sentences.get(sentence);
    if (!piece) return;
    if (!heard) piece.remove();
    else piece.textContent = `${heard.replace(/[\s,，、;；:：.。]+$/u, "")}…`;
  }

  /** The text that a message was sent with, for quoting it. */
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

  get isFollowing() {
    return this.#unread === 0;
  }

  follow() {
    this.#unread = 0;
    this.more.hidden = true;
    this.#toBottom();
  }

  scrolled() {
    const fromBottom = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight;
    if (fromBottom < AT_BOTTOM_PX) this.follow();
  }

  #isAtBottom() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < AT_BOTTOM_PX;
  }

  #append(item) {
    const follow = this.isFollowing && this.#isAtBottom();
    this.empty.hidden = true;
    this.log.append(item);
    while (this.log.childElementCount > ITEMS_KEPT) this.#dropOldest();
    if (follow || item.dataset.own) this.follow();
    else this.#noticeNew();
  }

  #noticeNew() {
    if (this.isFollowing && this.#isAtBottom()) return;
    this.#unread += 1;
    this.more.hidden = false;
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

  #toBottom() {
    this.log.scrollTop = this.log.scrollHeight;
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
  node.textContent = date.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  return node;
}

/** Chinese and Japanese sentences follow each other without a space. */
function needsSpace(before, after) {
  return !/[\u3000-\u9fff\uff00-\uffef]$/u.test(before) && !/^[\u3000-\u9fff\uff00-\uffef]/u.test(after);
}
