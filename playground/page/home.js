// The app's Home tab.

import { renderBlocks } from "./blocks.js";
import { el, replace } from "./dom.js";
import { Form } from "./values.js";

export class HomePane {
  #shown = "";

  constructor(screen) {
    this.screen = screen;
    this.node = el("div", { class: "home", role: "tabpanel", tabindex: "0", "aria-label": "Home", data: { testid: "home" } });
  }

  clear() {
    this.#shown = "";
    replace(this.node);
  }

  show(view) {
    const signature = view ? JSON.stringify([view.id, view.blocks]) : "none";
    this.view = view;
    if (signature === this.#shown) return;
    this.#shown = signature;
    const focus = this.node.contains(document.activeElement) ? document.activeElement.dataset.actionId : null;
    if (!view) {
      replace(this.node, el("p", { class: "home-empty" }, `${this.screen.directory.app.name} has not published a Home for this person yet.`));
      return;
    }
    const form = new Form();
    replace(this.node, renderBlocks(view.blocks, {
      ...this.screen.surface(),
      live: null,
      form,
      stored: (block, action) => this.view?.state?.values?.[block]?.[action] || null,
      dispatch: (block, element, value) =>
        this.screen.act({ view_id: view.id, action_id: element.action_id, block_id: block.block_id, values: form.collect(this.view), ...(value === undefined ? {} : { value }) }),
    }));
    if (focus) [...this.node.querySelectorAll("[data-action-id]")].find((one) => one.dataset.actionId === focus)?.focus({ preventScroll: true });
  }
}
