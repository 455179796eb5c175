/** Buttons of the picture: sound, volume, captions are elsewhere; full screen, picture in picture, the big unlock. */
export class PlayerControls {
  #handlers;

  constructor({ stage, video, unlock, mute, volume, pip, fullscreen, resume }, player) {
    Object.assign(this, { stage, video, unlock, mute, volume, pip, fullscreen, resume, player });
    this.#handlers = [
      [unlock, "click", () => this.#setMuted(false)],
      [mute, "click", () => this.#setMuted(!player.sound.muted)],
      [volume, "input", () => player.sound.setVolume(Number(volume.value))],
      [pip, "click", () => this.#togglePip()],
      [fullscreen, "click", () => this.#toggleFullscreen()],
      [resume, "click", () => player.resume()],
      [document, "keydown", (event) => this.#key(event)],
      [document, "fullscreenchange", () => this.#show()],
      [video, "enterpictureinpicture", () => this.#show()],
      [video, "leavepictureinpicture", () => this.#show()],
      [player.sound, "change", () => this.#show()],
      [player, "status", () => this.#show()],
    ];
  }

  start() {
    for (const [target, type, handle] of this.#handlers) target.addEventListener(type, handle);
    this.pip.hidden = !document.pictureInPictureEnabled;
    this.fullscreen.hidden = !this.stage.requestFullscreen && !this.video.webkitEnterFullscreen;
    this.#show();
  }

  stop() {
    for (const [target, type, handle] of this.#handlers) target.removeEventListener(type, handle);
  }

  #setMuted(muted) {
    this.player.sound.setMuted(muted);
    if (!muted) this.player.resume();
  }

  /** m: sound, f: full screen; not while something is being written. */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, dialog")) return;
    if (event.key === "m") this.#setMuted(!this.player.sound.muted);
    else if (event.key === "f") this.#toggleFullscreen();
  }

  #togglePip() {
    const { video } = this;
    this.#settle(document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture());
  }

  #toggleFullscreen() {
    if (document.fullscreenElement) this.#settle(document.exitFullscreen());
    else if (this.stage.requestFullscreen) this.#settle(this.stage.requestFullscreen());
    else this.video.webkitEnterFullscreen();
  }

  /** A browser may refuse (no picture yet, not allowed here, gone meanwhile): then the button shows what is. */
  async #settle(change) {
    try {
      await change;
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
    this.#show();
  }

  #show() {
    const { muted, volume } = this.player.sound;
    const { status } = this.player;
    this.mute.setAttribute("aria-pressed", String(muted));
    this.volume.value = muted ? 0 : volume;
    this.unlock.hidden = !muted || status !== "playing";
    this.resume.hidden = status !== "paused";
    this.fullscreen.setAttribute("aria-pressed", String(document.fullscreenElement !== null));
    this.pip.setAttribute("aria-pressed", String(document.pictureInPictureElement === this.video));
    this.stage.dataset.status = status;
  }
}
