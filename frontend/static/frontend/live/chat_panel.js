/** Joins the chat socket, the log and the composer. */
export class ChatPanel {
  #viewer = null;
  #lastText = new Map();
  #trouble = "composer.connecting";
  #isOffAir = false;

  constructor({ feed, list, composer, queue, name }) {
    Object.assign(this, { feed, list, composer, queue, name });
  }

  start() {
    this.list.start();
    this.composer.start();
    this.#judge();
    this.composer.addEventListener("say", ({ detail }) => this.say(detail.text));
    const handlers = {
      welcome: (message) => this.#welcome(message),
      accepted: (message) => this.#accepted(message),
      rejected: (message) => this.#rejected(message),
      message: (message) => this.#message(message),
      "message.state": ({ id, state, reason, detail }) => this.list.setState(id, state, reason, detail),
      more: ({ count }) => this.list.addLeftOut(count),
      reply: (message) => this.queue.add({ ...message, kind: "speech" }, () => this.#reply(message)),
      interrupted: (message) => this.#interrupted(message),
      down: () => this.#judge("composer.reconnecting"),
      gone: () => this.#judge("composer.gone"),
    };
    for (const [type, handle] of Object.entries(handlers)) {
      this.feed.addEventListener(type, ({ detail }) => handle(detail));
    }
    this.feed.start();
  }

  stop() {
    this.feed.stop();
    this.composer.stop();
    this.list.stop();
  }

  /** The composer is open while the show runs. */
  setOffAir(isOffAir) {
    this.#isOffAir = isOffAir;
    this.#judge();
  }

  say(text) {
    const clientId = this.feed.say(text);
    if (clientId === null) return;
    this.#lastText.set(clientId, text);
    this.list.addMessage({ key: clientId, name: this.name(), text, isOwn: true, state: "sending" });
  }

  #welcome({ viewer, history }) {
    this.#viewer = viewer;
    this.#judge("");
    for (const item of history) {
      if (item.type === "reply") this.#reply(item);
      else this.#message(item);
    }
  }

  /** Why the viewer cannot send now: the connection first, then the show. */
  #judge(trouble = this.#trouble) {
    this.#trouble = trouble;
    const reason = trouble || (this.#isOffAir ? "composer.off_air" : "");
    this.composer.setReason(reason, { isClosed: reason === "composer.off_air" || reason === "composer.gone" });
  }

  #accepted({ client_id: clientId, id }) {
    this.#lastText.delete(clientId);
    this.list.accept(clientId, id);
  }

  #rejected({ client_id: clientId, reason, detail }) {
    this.list.setState(clientId, "rejected", reason, detail ?? {});
    // The words go back into the box, so that the viewer need not write them again.
    if (this.composer.input.value === "") {
      this.composer.input.value = this.#lastText.get(clientId) ?? "";
      this.composer.changed();
    }
    this.#lastText.delete(clientId);
  }

  #message(message) {
    this.list.addMessage({ ...message, key: message.id, isOwn: message.viewer === this.#viewer.id });
  }

  #reply(message) {
    this.list.addReply({ ...message, question: this.list.nameOf(message.message) });
  }

  #interrupted(message) {
    this.queue.interrupt(message);
    this.list.cut(message.sentence, message.heard);
  }
}
