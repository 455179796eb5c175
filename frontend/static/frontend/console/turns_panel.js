import { setText } from "../shared/strings.js";

const SVG = "http://www.w3.org/2000/svg";

/** The list of recent turns, each with its latency line. */
export class TurnsPanel {
  #shown = "";

  constructor({ list, empty }, strings) {
    Object.assign(this, { list, empty, strings });
  }

  start() {}

  stop() {}

  show(turns) {
    const key = JSON.stringify(turns);
    if (key === this.#shown) return; // leave focus and selection alone while nothing changes
    this.#shown = key;
    this.empty.hidden = turns.length > 0;
    this.list.replaceChildren(...turns.map((turn) => this.#build(turn)));
  }

  #build(turn) {
    const item = element("li", "turn");
    const head = element("div", "turn-head");
    const link = element("a", "");
    link.href = turn.url;
    setText(link, this.strings, "console.turn", { id: turn.id });
    head.append(link, this.#tag(`kind.${turn.kind}`), this.#tag(`turn.${turn.state}`, turn.state));
    head.append(timeOf(turn.at, this.strings));
    item.append(head);
    const name = turn.asked_by || this.strings.text("name.anonymous");
    if (turn.question) item.append(element("p", "turn-question", `${name}: ${turn.question}`));
    if (turn.text) item.append(element("p", "turn-text", turn.text));
    if (turn.total_ms !== null) item.append(this.#line(turn));
    return item;
  }

  #tag(key, state = "") {
    const tag = element("span", "tag");
    tag.dataset.turnState = state;
    setText(tag, this.strings, key);
    return tag;
  }

  #line({ spans, total_ms: totalMs }) {
    const line = element("div", "turn-line");
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", "0 0 100 8");
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("role", "img");
    const words = spans.map((span) => `${this.strings.text(`stamp.${span.step}`)} ${span.took_ms} ms`);
    drawing.setAttribute("aria-label", words.join(", "));
    for (const [at, span] of spans.entries()) {
      const bar = document.createElementNS(SVG, "rect");
      for (const [name, value] of Object.entries({ x: span.start, y: 0, width: span.width, height: 8 })) {
        bar.setAttribute(name, value);
      }
      bar.setAttribute("class", `span-${span.step}`);
      const title = document.createElementNS(SVG, "title");
      title.textContent = words[at];
      bar.append(title);
      drawing.append(bar);
    }
    line.append(drawing, element("span", "", `${totalMs} ms`));
    return line;
  }
}

function element(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function timeOf(at, strings) {
  const node = element("time", "", new Date(at).toLocaleTimeString(strings.language));
  node.dateTime = at;
  return node;
}
