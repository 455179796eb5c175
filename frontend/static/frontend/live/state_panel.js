import { setText } from "../shared/strings.js";

/** What the room is doing: the state pill, the question that is being answered, and the curtain over the picture. */
export class StatePanel {
  constructor({ stage, state, question, questionName, questionText, curtain, curtainText }, strings) {
    Object.assign(this, { stage, state, question, questionName, questionText, curtain, curtainText, strings });
  }

  start() {
    this.show({ state: this.state.dataset.state, question: null });
  }

  stop() {}

  show({ state, question }) {
    this.state.dataset.state = state;
    this.stage.dataset.state = state;
    setText(this.state.querySelector("[data-role=text]"), this.strings, `state.${state}`);
    this.question.hidden = !question;
    if (question) {
      this.questionName.textContent = question.name || this.strings.text("name.anonymous");
      this.questionText.textContent = question.text;
    }
    this.#drawCurtain(state);
  }

  /** Say over the picture why there is none: a key of the strings, or "" when there is nothing to say. */
  setPlayerNote(key, { hasPicture }) {
    this.playerNote = key;
    this.hasPicture = hasPicture;
    this.#drawCurtain(this.state.dataset.state);
  }

  #drawCurtain(state) {
    const key = this.#curtainKey(state);
    this.curtain.hidden = !key;
    this.curtain.dataset.busy = String(key === "curtain.starting" || key === "curtain.connecting");
    if (key) setText(this.curtainText, this.strings, key);
  }

  #curtainKey(state) {
    if (state === "off_air") return "curtain.off_air";
    if (state === "starting" && !this.hasPicture) return "curtain.starting";
    return this.playerNote ?? "";
  }
}
