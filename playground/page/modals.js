// The modals that the app has opened for a person: the last of the stack, over that person's screen only.

import { api } from "./api.js";
import { renderBlocks, showErrors } from "./blocks.js";
import { el, freshId, icon, replace } from "./dom.js";
import { trapFocus } from "./menus.js";
import { Form } from "./values.js";
import { plain } from "./words.js";

export class ModalLayer {
  #forms = new Map(); // view id -> Form
  #shown = ""; // signature of what is drawn
  #before = null; // what had the focus when the first modal came

  /** `screen` as for messages; `cover(covered)` is told whether the rest of the person's screen is out of reach. */
  constructor(screen, cover) {
    this.screen = screen;
    this.cover = cover;
    this.node = el("div", { class: "modal-layer" });
  }

  show(stack) {
    for (const id of [...this.#forms.keys()]) if (!stack.some((view) => view.id === id)) this.#forms.delete(id);
    const view = stack.at(-1);
    this.cover(Boolean(view));
    const signature = view ? JSON.stringify([view.id, view.title, view.submit, view.close, view.blocks]) : "";
    if (signature === this.#shown) {
      this.view = view;
      return;
    }
    const wasOpen = Boolean(this.#shown);
    this.#shown = signature;
    this.view = view;
    if (!view) {
      replace(this.node);
      if (this.#before?.isConnected) this.#before.focus();
      return;
    }
    if (!wasOpen) this.#before = document.activeElement;
    const focus = this.node.contains(document.activeElement) ? document.activeElement.dataset : null;
    this.#draw(view, stack.length > 1);
    const same = focus?.actionId && [...this.node.querySelectorAll("[data-action-id]")].find((one) => one.dataset.actionId === focus.actionId && one.dataset.blockId === focus.blockId);
    const here = same || this.node.querySelector("[autofocus]") || this.node.querySelector(".modal-body .text-input, .modal-body select") || this.node.querySelector(".modal");
    // Whoever is typing on somebody else's screen keeps the focus.
    if (!document.activeElement || document.activeElement === document.body || this.screen.layer.contains(document.activeElement)) here.focus({ preventScroll: true });
  }

  #draw(view, nested) {
    if (!this.#forms.has(view.id)) this.#forms.set(view.id, new Form());
    const form = this.#forms.get(view.id);
    const heading = freshId("modal");
    this.problem = el("p", { class: "modal-problem", role: "alert", data: { testid: "modal-problem" } });
    this.body = el("div", { class: "modal-body" }, this.problem, renderBlocks(view.blocks, this.#context(view, form)));
    this.submitButton = view.submit ? el("button", { type: "submit", class: "button primary", data: { testid: "modal-submit" } }, plain(view.submit)) : null;
    const close = (all) => () => this.#close(view, all);
    const box = el("form", { class: "modal", role: "dialog", "aria-modal": "true", "aria-labelledby": heading, tabindex: "-1", novalidate: true, data: { testid: "modal", callback: view.callback_id || "" } },
      el("div", { class: "modal-head" },
        nested ? el("button", { type: "button", class: "tool", "aria-label": "Back", on: { click: close(false) } }, icon("back")) : el("span", { class: "avatar avatar-small avatar-app" }, el("img", { src: "icon.svg", alt: "" })),
        el("h2", { id: heading }, plain(view.title)),
        el("button", { type: "button", class: "tool", "aria-label": "Close", on: { click: close(true) } }, icon("close"))),
      this.body,
      view.submit || view.close
        ? el("div", { class: "modal-foot" }, el("button", { type: "button", class: "button", data: { testid: "modal-close" }, on: { click: close(false) } }, plain(view.close) || "Cancel"), this.submitButton)
        : null);
    box.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(view, form);
    });
    box.addEventListener("keydown", (event) => {
      trapFocus(box, event);
      if (event.key === "Escape" && !event.defaultPrevented) this.#close(view, false);
    });
    replace(this.node, el("div", { class: "shade" }, box));
  }

  #context(view, form) {
    return {
      ...this.screen.surface(),
      live: null,
      form,
      stored: (block, action) => this.view?.state?.values?.[block]?.[action] || null,
      dispatch: (block, element, value) =>
        this.screen.act({ view_id: view.id, action_id: element.action_id, block_id: block.block_id, values: form.collect(this.view), ...(value === undefined ? {} : { value }) }),
    };
  }

  async #submit(view, form) {
    const button = this.submitButton;
    if (!button || button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    this.problem.textContent = "";
    showErrors(this.body, {});
    try {
      const answer = await api.submit(this.screen.viewer, view.id, form.collect(this.view || view));
      if (answer.ok) this.show(answer.stack || []);
      else if (answer.errors) this.problem.textContent = showErrors(this.body, answer.errors);
      else this.problem.textContent = answer.shown || "We had some trouble connecting. Try again?";
    } catch (error) {
      this.problem.textContent = error.message;
    } finally {
      button.removeAttribute("aria-busy");
      this.screen.refresh("modals");
    }
  }

  async #close(view, all) {
    try {
      await api.close(this.screen.viewer, view.id, all);
    } catch {
      // It is closed already, or the playground is gone: what is true is fetched below.
    }
    this.screen.refresh("modals");
  }
}
