/** Keeps the last picture on the screen while the player begins anew, so that nobody looks at black. */
export class FreezeFrame {
  constructor(video, canvas, player) {
    Object.assign(this, { video, canvas, player });
    this.show = this.show.bind(this);
    this.hide = this.hide.bind(this);
  }

  start() {
    this.player.addEventListener("rebuild", this.show);
    this.player.addEventListener("frame", this.hide);
  }

  stop() {
    this.player.removeEventListener("rebuild", this.show);
    this.player.removeEventListener("frame", this.hide);
  }

  show() {
    const { videoWidth, videoHeight } = this.video;
    if (!videoWidth || !this.canvas.hidden) return;
    this.canvas.width = videoWidth;
    this.canvas.height = videoHeight;
    this.canvas.getContext("2d").drawImage(this.video, 0, 0);
    this.canvas.hidden = false;
  }

  hide() {
    this.canvas.hidden = true;
  }
}
