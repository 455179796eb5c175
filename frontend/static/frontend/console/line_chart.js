const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 480;
const HEIGHT = 220;
const EDGE = { left: 52, right: 8, top: 8, bottom: 22 };
const TICKS = 4;
const LINE_KINDS = 4;

/**
 * Lines over steps, as a figure with a legend.
 *
 * `show(lines, isLog)`: lines is a list of {name, points: [[step, value], ...]}; isLog puts values on a logarithmic axis.
 */
export class LineChart {
  constructor(title) {
    this.figure = document.createElement("figure");
    this.figure.className = "chart";
    this.caption = document.createElement("figcaption");
    this.svg = create("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    this.figure.append(this.caption, this.svg);
    this.title = title;
  }

  show(lines, isLog) {
    const drawn = lines.filter(({ points }) => points.length > 0);
    this.#label(drawn);
    this.svg.replaceChildren();
    if (!drawn.length) return;
    const scale = new Scale(drawn, isLog);
    for (const value of scale.valueTicks()) this.#markValue(scale, value);
    for (const step of scale.stepTicks()) this.#markStep(scale, step);
    drawn.forEach(({ points }, place) => {
      const path = points.map(([step, value]) => `${scale.x(step).toFixed(1)},${scale.y(value).toFixed(1)}`).join(" ");
      this.svg.append(create("polyline", { points: path, class: `chart-line chart-${place % LINE_KINDS}` }));
    });
  }

  #label(lines) {
    const title = document.createElement("span");
    title.className = "chart-title";
    title.textContent = this.title;
    const keys = lines.map(({ name, points }, place) => {
      const key = document.createElement("span");
      key.className = `chart-key chart-${place % LINE_KINDS}`;
      key.textContent = `${name} ${round(points.at(-1)[1])}`;
      return key;
    });
    this.caption.replaceChildren(title, ...keys);
    this.svg.setAttribute("aria-label", [this.title, ...keys.map((key) => key.textContent)].join(", "));
  }

  #markValue(scale, value) {
    const y = scale.y(value);
    this.svg.append(create("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y, y2: y, class: "chart-grid" }));
    this.svg.append(write(round(value), { x: EDGE.left - 6, y: y + 4, "text-anchor": "end", class: "chart-tick" }));
  }

  #markStep(scale, step) {
    const text = { x: scale.x(step), y: HEIGHT - 6, "text-anchor": "middle", class: "chart-tick" };
    this.svg.append(write(String(Math.round(step)), text));
  }
}

/** Steps and values to places in the picture. */
class Scale {
  constructor(lines, isLog) {
    const points = lines.flatMap((line) => line.points);
    const steps = points.map(([step]) => step);
    const values = points.map(([, value]) => value).filter((value) => !isLog || value > 0);
    this.bend = isLog ? Math.log10 : (value) => value;
    this.unbend = isLog ? (value) => 10 ** value : (value) => value;
    [this.firstStep, this.lastStep] = widen(Math.min(...steps), Math.max(...steps));
    [this.low, this.high] = widen(this.bend(Math.min(...values)), this.bend(Math.max(...values)));
  }

  x(step) {
    const share = (step - this.firstStep) / (this.lastStep - this.firstStep);
    return EDGE.left + share * (WIDTH - EDGE.left - EDGE.right);
  }

  y(value) {
    const share = (this.bend(Math.max(value, 1e-9)) - this.low) / (this.high - this.low);
    return HEIGHT - EDGE.bottom - Math.min(1, Math.max(0, share)) * (HEIGHT - EDGE.top - EDGE.bottom);
  }

  valueTicks() {
    return spread(this.low, this.high).map(this.unbend);
  }

  stepTicks() {
    return spread(this.firstStep, this.lastStep).slice(1, -1);
  }
}

function widen(low, high) {
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

function spread(low, high) {
  return Array.from({ length: TICKS + 1 }, (_, place) => low + ((high - low) * place) / TICKS);
}

function round(value) {
  return String(Number(value.toPrecision(3)));
}

function create(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function write(text, attributes) {
  const element = create("text", attributes);
  element.textContent = text;
  return element;
}
