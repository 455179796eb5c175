const EVERY_MS = 2_000;

/** Throws a tiny copy of the picture on the canvas behind it now and then; the style sheet blurs it. */
export class Ambient {
  #timer = null;

  constructor(video, canvas) {
    this.video = video;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.draw = this.draw.bind(this);
  }

  start() {
    this.video.addEventListener("playing", this.draw);
    this.#timer = setInterval(this.draw, EVERY_MS);
  }

  stop() {
    this.video.removeEventListener("playing", this.draw);
    clearInterval(this.#timer);
  }

  draw() {
    if (document.hidden || this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.context.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
  }
}
