import { keep, readKept } from "./kept.js";

const KEPT_AS = "theme";
const ORDER = ["auto", "light", "dark"];

/** The theme button: system, light, dark. The choice is kept in this browser. */
export class ThemeButton {
  constructor(button, root = document.documentElement) {
    this.button = button;
    this.root = root;
    this.next = this.next.bind(this);
  }

  start() {
    this.#show(readTheme());
    this.button.addEventListener("click", this.next);
  }

  stop() {
    this.button.removeEventListener("click", this.next);
  }

  next() {
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    const shown = this.root.dataset.theme === "auto" ? (dark ? "dark" : "light") : this.root.dataset.theme;
    const chosen = shown === "dark" ? "light" : "dark";
    keep(KEPT_AS, chosen);
    this.#show(chosen);
  }

  #show(theme) {
    this.root.dataset.theme = theme;
    this.button.dataset.theme = theme;
  }
}

/** The kept theme, "auto" when none was chosen. */
export function readTheme() {
  const kept = readKept(KEPT_AS);
  return ORDER.includes(kept) ? kept : "auto";
}
