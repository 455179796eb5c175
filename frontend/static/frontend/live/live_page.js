import { Page } from "../shared/page.js";
import { CaptionPanel } from "./caption_panel.js";
import { ChatFeed } from "./chat_feed.js";
import { ChatPanel } from "./chat_panel.js";
import { Composer } from "./composer.js";
import { Dialogs } from "./dialogs.js";
import { MessageList } from "./message_list.js";
import { NamePanel } from "./name_panel.js";
import { PresencePanel } from "./presence_panel.js";
import { StagePanel } from "./stage_panel.js";
import { TimedQueue } from "./timed_queue.js";

/** The live room: one stage, one chat, one clock between them. */
class LivePage {
  constructor(root) {
    const find = (name) => root.querySelector(`[data-role="${name}"]`);
    const { strings } = (this.page = new Page());
    this.stage = new StagePanel(root, strings);
    this.player = this.stage.player;
    this.queue = new TimedQueue(this.player);
    this.captions = new CaptionPanel({ box: find("captions"), button: find("captions-button") }, this.player);
    this.name = new NamePanel(
      {
        button: find("name-button"),
        label: find("name-label"),
        dialog: find("name-dialog"),
        form: find("name-form"),
        input: find("name-input"),
        cancel: find("name-cancel"),
      },
      strings,
    );
    this.presence = new PresencePanel(
      { viewers: find("viewers"), banner: find("banner"), bannerText: find("banner-text") },
      strings,
    );
    this.feed = new ChatFeed(root.dataset.chatSocket, () => ({
      ...(this.name.name && { name: this.name.name }),
      language: strings.language,
    }));
    this.chat = new ChatPanel({
      feed: this.feed,
      queue: this.queue,
      name: () => this.name.name,
      list: new MessageList({ log: find("log"), more: find("more"), empty: find("log-empty") }, strings),
      composer: new Composer(
        {
          form: find("composer"),
          input: find("input"),
          send: find("send"),
          counter: find("counter"),
          hint: find("composer-hint"),
        },
        strings,
      ),
    });
    this.dialogs = new Dialogs();
  }

  async start() {
    this.stage.start(); // the picture does not wait for the texts
    await this.page.start();
    this.#listen();
    for (const part of [this.queue, this.captions, this.name, this.presence, this.dialogs, this.chat]) part.start();
  }

  #listen() {
    const { feed, queue, captions, presence, name, stage } = this;
    feed.addEventListener("welcome", ({ detail }) => {
      presence.setTrouble("reconnecting", false);
      presence.setViewers(detail.viewers);
      name.set(detail.viewer.name);
      this.#showState(detail.state);
    });
    feed.addEventListener("viewers", ({ detail }) => presence.setViewers(detail.count));
    feed.addEventListener("renamed", ({ detail }) => name.set(detail.name));
    feed.addEventListener("state", ({ detail }) => {
      queue.add({ ...detail, kind: "state" }, () => this.#showState(detail));
    });
    feed.addEventListener("caption", ({ detail }) => {
      queue.add({ ...detail, kind: "speech" }, () => captions.begin(detail));
    });
    feed.addEventListener("interrupted", () => captions.clear());
    feed.addEventListener("down", () => presence.setTrouble("reconnecting", true));
    feed.addEventListener("gone", () => presence.setTrouble("gone", true));
    this.player?.addEventListener("interrupt", () => captions.clear());
    this.player?.addEventListener("holding", ({ detail }) => presence.setTrouble("holding", detail.on && stage.isOnAir));
    name.addEventListener("rename", ({ detail }) => feed.rename(detail.name));
  }

  #showState(state) {
    this.stage.showState(state);
    this.chat.setOffAir(state.state === "off_air");
  }
}

const root = document.querySelector("[data-live-room]");
const live = new LivePage(root);
if (new URLSearchParams(window.location.search).has("probe")) {
  // For measurements and browser tests only: they read the player's clock and figures from outside.
  window.footlight = Object.freeze({ player: live.player, chat: live.feed });
}
await live.start();
