// From a person's click to the app and back: confirm, wait visibly, and say so when the app did not answer.

import { el, icon } from "./dom.js";
import { ask } from "./menus.js";
import { mrkdwn } from "./mrkdwn.js";
import { plain } from "./words.js";

/**
 * Sends an action. `ctx.dispatch(block, element, value)` does it. Resolves to false when the person thought better of it.
 * While it runs `control` is busy, and further clicks are ignored.
 */
export async function send({ control, block, element, value, confirm = element.confirm, ctx }) {
  if (control.getAttribute("aria-busy") === "true") return true;
  if (confirm && !(await sure(confirm, ctx))) return false;
  control.setAttribute("aria-busy", "true");
  unwarn(control);
  let answer;
  try {
    answer = await ctx.dispatch(block, element, value);
  } catch (error) {
    answer = { ok: false, shown: error.message };
  } finally {
    control.removeAttribute("aria-busy");
  }
  if (!answer.ok) warn(control, answer.shown || "Something went wrong. Try again?", answer.error);
  return true;
}

function sure(confirm, ctx) {
  return ask({
    layer: ctx.layer,
    title: plain(confirm.title),
    text: confirm.text?.type === "mrkdwn" ? mrkdwn(confirm.text.text, ctx) : plain(confirm.text),
    yes: plain(confirm.confirm) || "Yes",
    no: plain(confirm.deny) || "Cancel",
    danger: confirm.style === "danger",
  });
}

const home = (control) => control.closest(".block") || control.parentElement;

/** Slack's small warning beside what was pressed; `code` says in the tooltip what happened. */
export function warn(control, sentence, code = "") {
  unwarn(control);
  home(control)?.append(el("p", { class: "control-warning", role: "alert", title: code, data: { testid: "warning" } }, icon("warning"), sentence));
}

function unwarn(control) {
  home(control)?.querySelector(":scope > .control-warning")?.remove();
}
