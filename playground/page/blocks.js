// Block Kit layouts: messages, modals and the App Home are all lists of these.

import { el, freshId } from "./dom.js";
import { element } from "./elements.js";
import { markdown } from "./markdown.js";
import { richText, table } from "./richtext.js";
import { plain, words } from "./words.js";

/**
 * Blocks as a list of nodes. `ctx`:
 * `directory`, `tz`, `viewer`, `live` as for mrkdwn; `layer`: the node that confirmations cover;
 * `stored(block_id, action_id)`: Slack's state of an element, or null; `form`: a Form in modals;
 * `dispatch(block, element, value)`: sends an action, resolving to {ok, shown?}; `conversations()`: what the viewer can choose.
 */
export function renderBlocks(blocks, ctx) {
  return (blocks || []).map((block) => {
    const build = LAYOUTS[block.type];
    const inside = build ? build(block, ctx) : el("span", { class: "unsupported" }, `(${block.type} blocks are not shown here)`);
    return el("div", { class: `block block-${block.type}`, data: { blockId: block.block_id || "" } }, inside);
  });
}

/** An image from an address: of the playground itself, or of the web. Anything else shows its words only. */
export function picture(address, alt, attrs = {}) {
  let url = null;
  try {
    url = new URL(address, location.href);
  } catch {
    // not an address: the words below say what was meant
  }
  if (!url || !["http:", "https:"].includes(url.protocol)) return el("span", { class: "unsupported" }, alt || "(an image)");
  return el("img", { src: url.href, alt: alt || "", referrerpolicy: "no-referrer", ...attrs });
}

function section(block, ctx) {
  const side = block.accessory;
  const body = el("div", { class: "section-body" },
    block.text ? el("div", { class: "section-text" }, words(block.text, ctx)) : null,
    block.fields ? el("div", { class: "fields" }, block.fields.map((field) => el("div", { class: "field" }, words(field, ctx)))) : null);
  if (!side) return body;
  const node = side.type === "image" ? picture(side.image_url, side.alt_text, { class: "accessory-image" }) : element(side, block, ctx);
  return [body, el("div", { class: "accessory" }, node)];
}

function image(block, ctx) {
  const title = block.title ? el("figcaption", {}, words(block.title, ctx)) : null;
  return el("figure", {}, title, picture(block.image_url || block.slack_file?.image_url, block.alt_text, { class: "block-image" }));
}

const context = (block, ctx) =>
  (block.elements || []).map((part) => (part.type === "image" ? picture(part.image_url, part.alt_text, { class: "context-image" }) : el("span", { class: "context-text" }, words(part, ctx))));

const GROUPS = new Set(["radio_buttons", "checkboxes"]);

function input(block, ctx) {
  const name = freshId("input");
  const label = freshId("label");
  const hint = block.hint ? freshId("hint") : null;
  const problem = freshId("problem");
  const grouped = GROUPS.has(block.element.type);
  const attrs = { id: name, "aria-labelledby": label, "aria-describedby": [hint, problem].filter(Boolean).join(" "), "aria-required": block.optional || grouped ? null : "true" };
  return [
    el(grouped ? "span" : "label", { id: label, for: grouped ? null : name, class: "input-label" }, plain(block.label), block.optional ? el("span", { class: "optional" }, " (optional)") : null),
    element(block.element, block, ctx, attrs),
    el("p", { id: problem, class: "input-error", role: "alert", data: { testid: "input-error" } }),
    block.hint ? el("p", { id: hint, class: "input-hint" }, plain(block.hint)) : null,
  ];
}

/** Shows what is wrong under the inputs of `root`, by block id, and puts the focus there. An error of no input is returned. */
export function showErrors(root, errors) {
  const elsewhere = [];
  for (const box of root.querySelectorAll(".block-input")) {
    const sentence = errors[box.dataset.blockId] || "";
    box.classList.toggle("invalid", Boolean(sentence));
    box.querySelector(".input-error").textContent = sentence;
    const control = box.querySelector("[data-action-id]");
    if (sentence) control?.setAttribute("aria-invalid", "true");
    else control?.removeAttribute("aria-invalid");
  }
  for (const [id, sentence] of Object.entries(errors)) {
    if (![...root.querySelectorAll(".block-input")].some((box) => box.dataset.blockId === id)) elsewhere.push(sentence);
  }
  const first = root.querySelector(".block-input.invalid [data-action-id]");
  (first?.matches(".ticks") ? first.querySelector("input") : first)?.focus();
  return elsewhere.join(" ");
}

const LAYOUTS = {
  section,
  image,
  context,
  input,
  table,
  header: (block, ctx) => el("div", { class: "block-heading", role: "heading", "aria-level": "3" }, words(block.text, ctx)),
  divider: () => el("hr"),
  actions: (block, ctx) => (block.elements || []).map((spec) => element(spec, block, ctx)),
  rich_text: richText,
  markdown: (block, ctx) => el("div", { class: "markdown" }, markdown(block.text, ctx)),
};
