import { Page } from "../shared/page.js";
import { setText } from "../shared/strings.js";

/** Tries the SyncTalk_2D service: a text or a recording goes in, sound and a talking picture come out together. */
class SyncTalkPage {
  constructor(root) {
    this.root = root;
    this.base = root.dataset.base;
    this.picture = this.#find("picture");
    this.sound = this.#find("sound");
    this.page = new Page();
    this.shown = "";
    this.heard = "";
  }

  async start() {
    await this.page.start();
    this.#find("say").addEventListener("submit", (event) => this.#submit(event, (form) => this.#say(form)));
    this.#find("upload").addEventListener("submit", (event) => this.#submit(event, (form) => this.#upload(form)));
    this.#find("debug").addEventListener("change", () => this.#choose());
    this.sound.addEventListener("ended", () => this.#tell("resting"));
    await Promise.allSettled([this.#rest(), this.#readDebug()]);
  }

  #find(role) {
    return this.root.querySelector(`[data-role=${role}]`);
  }

  async #submit(event, work) {
    event.preventDefault();
    const form = event.currentTarget;
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    this.#find("note").hidden = true;
    this.#tell("making");
    try {
      await work(form);
    } catch (error) {
      this.#complain(error.code ?? "failed");
      this.#tell("resting");
    } finally {
      button.disabled = false;
    }
  }

  /** The sound is fetched first; the pictures of the same text are made from it, and the first one starts it. */
  async #say(form) {
    const query = new URLSearchParams({ text: form.elements.text.value, avatar: form.elements.avatar.value });
    const sound = await this.#ask(`get-tts-audio?${query}`);
    this.#play(await sound.blob());
    this.#show(`${this.base}generate?${query}`);
  }

  async #upload(form) {
    const body = new FormData(form);
    const query = new URLSearchParams({ avatar: this.#find("say").elements.avatar.value });
    const response = await this.#ask(`generate-from-audio?${query}`, { method: "POST", body });
    const file = form.elements.audio_file.files[0];
    await this.#showParts(response, () => this.#play(file));
  }

  async #ask(path, options = {}) {
    const headers = { ...options.headers, "X-CSRFToken": this.root.dataset.csrf };
    const response = await fetch(this.base + path, { ...options, headers });
    if (response.ok) return response;
    const body = await response.json().catch(() => ({}));
    throw Object.assign(new Error(body.message), { code: body.error });
  }

  #play(blob) {
    URL.revokeObjectURL(this.heard);
    this.heard = URL.createObjectURL(blob);
    this.sound.src = this.heard;
    const begin = () => this.sound.play().then(() => this.#tell("playing"));
    if (this.begins) this.picture.removeEventListener("load", this.begins);
    this.begins = () => begin().catch(() => this.#tell("resting"));
    this.picture.addEventListener("load", this.begins, { once: true });
  }

  #show(url) {
    this.picture.src = url;
  }

  /** Shows a multipart answer to a POST, which an image element cannot ask for; `onFirst` before its second picture. */
  async #showParts(response, onFirst) {
    const reader = response.body.getReader();
    let held = new Uint8Array();
    let count = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      held = join(held, value);
      for (let part = takePart(held); part; part = takePart(held)) {
        held = part.rest;
        count += 1;
        if (count === 2) onFirst();
        this.#showJpeg(part.jpeg);
      }
    }
  }

  #showJpeg(bytes) {
    URL.revokeObjectURL(this.shown);
    this.shown = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    this.picture.src = this.shown;
  }

  async #rest() {
    try {
      await this.#showParts(await this.#ask("avatar"), () => {});
    } catch (error) {
      this.#complain(error.code ?? "failed");
    }
  }

  async #readDebug() {
    this.#showDebug(await (await this.#ask("debug/status")).json());
  }

  async #choose() {
    const { enabled, save_frames: frames, save_audio: audio } = this.#find("debug").elements;
    const body = JSON.stringify({ enabled: enabled.checked, save_frames: frames.checked, save_audio: audio.checked });
    const headers = { "Content-Type": "application/json" };
    try {
      this.#showDebug(await (await this.#ask("debug/config", { method: "POST", body, headers })).json());
    } catch (error) {
      this.#complain(error.code ?? "failed");
    }
  }

  #showDebug(status) {
    const { enabled, save_frames: frames, save_audio: audio } = this.#find("debug").elements;
    enabled.checked = status.enabled;
    frames.checked = status.save_frames;
    audio.checked = status.save_audio;
    this.#find("frames_dir").textContent = status.frames_dir;
    this.#find("audio_dir").textContent = status.audio_dir;
  }

  #tell(state) {
    setText(this.#find("state"), this.page.strings, `clip_state.${state}`);
  }

  #complain(code) {
    const note = this.#find("note");
    const key = `clip_error.${code}`;
    note.hidden = false;
    setText(note, this.page.strings, this.page.strings.has(key) ? key : "reason.unknown");
  }
}

function join(first, second) {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** The first whole part of a multipart answer: its JPEG and what follows it; null while it is not whole. */
function takePart(bytes) {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 300));
  const found = /^(?:\r\n)?--frame\r\nContent-Type: image\/jpeg\r\nContent-Length: (\d+)\r\n\r\n/.exec(head);
  if (!found) return null;
  const start = found[0].length;
  const end = start + Number(found[1]);
  return bytes.length < end ? null : { jpeg: bytes.slice(start, end), rest: bytes.slice(end) };
}

await new SyncTalkPage(document.querySelector("[data-synctalk]")).start();
