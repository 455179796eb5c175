import { Ambient } from "./ambient.js";
import { FreezeFrame } from "./freeze_frame.js";
import { Player } from "./player.js";
import { PlayerControls } from "./player_controls.js";
import { StatePanel } from "./state_panel.js";

const NOTES = {
  connecting: "curtain.connecting",
  waiting: "curtain.connecting",
  playing: "",
  paused: "",
  offline: "",
  gone: "curtain.gone",
  unsupported: "curtain.unsupported",
};

/** The picture with everything that lies on it. Used by the live page and the console. */
export class StagePanel {
  #shown = false;

  constructor(root, strings) {
    const find = (name) => root.querySelector(`[data-role="${name}"]`);
    this.stage = find("stage");
    this.video = find("video");
    this.state = new StatePanel(
      {
        stage: this.stage,
        state: find("state"),
        question: find("question"),
        questionName: find("question-name"),
        questionText: find("question-text"),
        curtain: find("curtain"),
        curtainText: find("curtain-text"),
      },
      strings,
    );
    /** Null where this browser cannot play the stream. */
    this.player = Player.isSupported() ? new Player(this.video, root.dataset.mediaSocket) : null;
    this.ambient = new Ambient(this.video, find("ambient"));
    this.freeze = this.player && new FreezeFrame(this.video, find("freeze"), this.player);
    this.controls =
      this.player &&
      new PlayerControls(
        {
          stage: this.stage,
          video: this.video,
          unlock: find("unlock"),
          mute: find("mute"),
          volume: find("volume"),
          pip: find("pip"),
          fullscreen: find("fullscreen"),
          resume: find("resume"),
        },
        this.player,
      );
  }

  start() {
    this.state.start();
    if (!this.player) {
      this.state.setPlayerNote("curtain.unsupported", { hasPicture: false });
      return;
    }
    this.player.addEventListener("status", ({ detail }) => this.#note(detail.status));
    this.player.addEventListener("frame", () => this.#firstFrame(), { once: true });
    this.player.addEventListener("size", ({ detail }) => {
      this.stage.style.setProperty("--picture-ratio", `${detail.width} / ${detail.height}`);
    });
    this.freeze.start();
    this.ambient.start();
    this.controls.start();
    this.player.start();
    this.#note(this.player.status);
  }

  stop() {
    this.controls?.stop();
    this.ambient.stop();
    this.freeze?.stop();
    this.player?.stop();
  }

  get isOnAir() {
    return !["off_air", "starting"].includes(this.stage.dataset.state);
  }

  showState(state) {
    this.state.show(state);
  }

  #firstFrame() {
    this.#shown = true;
    this.#note(this.player.status);
  }

  /** A picture that was there stays on the screen while the connection is mended. */
  #note(status) {
    const isPassing = status === "connecting" || status === "waiting";
    this.state.setPlayerNote(isPassing && this.#shown ? "" : NOTES[status], { hasPicture: this.#shown });
  }
}
