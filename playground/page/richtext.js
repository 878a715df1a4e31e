// rich_text blocks, and `markdown` and `table` blocks, which are made of the same stuff.

import { el } from "./dom.js";
import { emojiNode, emojiOf } from "./emoji.js";
import { formatDate } from "./directory.js";
import { broadcast, channelMention, link, userMention } from "./mrkdwn.js";

export function richText(block, ctx) {
  return (block.elements || []).map((element) => part(element, ctx));
}

function part(element, ctx) {
  switch (element.type) {
    case "rich_text_section":
      return el("div", { class: "rich-section" }, pieces(element, ctx));
    case "rich_text_quote":
      return el("blockquote", {}, pieces(element, ctx));
    case "rich_text_preformatted":
      return el("pre", {}, pieces(element, ctx));
    case "rich_text_list": {
      const list = el(element.style === "ordered" ? "ol" : "ul", { class: `rich-list indent-${Math.min(3, element.indent || 0)}`, start: element.offset ? element.offset + 1 : null });
      list.append(...(element.elements || []).map((item) => el("li", {}, pieces(item, ctx))));
      return list;
    }
    default:
      return el("div", { class: "unsupported" }, `(${element.type} is not shown here)`);
  }
}

const pieces = (element, ctx) => (element.elements || []).map((piece) => styled(piece.style, leaf(piece, ctx)));

function leaf(piece, ctx) {
  switch (piece.type) {
    case "text":
      return broken(piece.text || "");
    case "link":
      return link(piece.url || "", ...(piece.text ? [piece.text] : []));
    case "emoji":
      return emojiOf(piece.name) ? emojiNode(piece.name) : piece.unicode ? emojiNode(piece.name, fromCodes(piece.unicode)) : `:${piece.name}:`;
    case "user":
      return userMention(piece.user_id, ctx);
    case "channel":
      return channelMention(piece.channel_id, ctx);
    case "broadcast":
      return broadcast(piece.range, ctx);
    case "usergroup":
      return el("span", { class: "mention" }, `@${piece.usergroup_id}`);
    case "date":
      return el("time", {}, formatDate(Number(piece.timestamp), piece.format || "{date}", ctx.tz));
    case "color": {
      const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.background = piece.value;
      return [el("code", {}, piece.value), swatch];
    }
    default:
      return piece.fallback || "";
  }
}

const broken = (text) => text.split("\n").flatMap((line, at) => (at ? [el("br"), line] : [line]));

function fromCodes(codes) {
  try {
    return String.fromCodePoint(...codes.split("-").map((code) => parseInt(code, 16)));
  } catch {
    return "";
  }
}

function styled(style, nodes) {
  let node = nodes;
  if (style?.code) node = el("code", {}, node);
  if (style?.bold) node = el("strong", {}, node);
  if (style?.italic) node = el("em", {}, node);
  if (style?.strike) node = el("s", {}, node);
  return node;
}

/** A `table` block: the first row is its header. */
export function table(block, ctx) {
  const settings = block.column_settings || [];
  const row = (cells, tag) =>
    el("tr", {}, cells.map((cell, at) => el(tag, { class: `align-${settings[at]?.align || "left"}`, scope: tag === "th" ? "col" : null }, cell.type === "rich_text" ? richText(cell, ctx) : cell.text || "")));
  const [head = [], ...body] = block.rows || [];
  return el("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "Table" }, el("table", {}, el("thead", {}, row(head, "th")), el("tbody", {}, body.map((cells) => row(cells, "td")))));
}
