/** Opens and closes the plain dialogs of a page: a button names the dialog by `data-opens`. */
export class Dialogs {
  constructor(root = document) {
    this.root = root;
    this.click = this.click.bind(this);
  }

  start() {
    this.root.addEventListener("click", this.click);
  }

  stop() {
    this.root.removeEventListener("click", this.click);
  }

  click(event) {
    const opener = event.target.closest("[data-opens]");
    if (opener) this.root.getElementById(opener.dataset.opens).showModal();
    const closer = event.target.closest("[data-closes]");
    if (closer || event.target.matches("dialog")) event.target.closest("dialog").close();
  }
}
