import { Page } from "../shared/page.js";

/** Fills in the address from the title until the operator has written one. */
class SlugFollower {
  #own = false;

  constructor(title, slug) {
    this.title = title;
    this.slug = slug;
    this.follow = this.follow.bind(this);
    this.leave = () => (this.#own = this.slug.value !== "");
  }

  start() {
    this.#own = this.slug.value !== "";
    this.title.addEventListener("input", this.follow);
    this.slug.addEventListener("input", this.leave);
  }

  stop() {
    this.title.removeEventListener("input", this.follow);
    this.slug.removeEventListener("input", this.leave);
  }

  follow() {
    if (!this.#own) this.slug.value = slugOf(this.title.value);
  }
}

function slugOf(title) {
  const plain = title.normalize("NFKD").replace(/[\u0300-\u036f]/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/gu, "-").replace(/^-+|-+$/gu, "").slice(0, 64);
}

const form = document.querySelector('[data-role="room-form"]');
new SlugFollower(form.elements.title, form.elements.slug).start();
await new Page().start();
