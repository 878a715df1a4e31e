// Slack's mrkdwn as DOM nodes. The text comes from people and from the app; every character of it ends in a text node.

import { add, el } from "./dom.js";
import { emojiNode, emojiOf } from "./emoji.js";
import { formatDate } from "./directory.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/** Slack escapes exactly three characters; nothing else is an entity. */
export const decode = (text) => text.replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);

/** The address if a click on it is safe, else null. */
export function safeUrl(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  return ["http:", "https:", "mailto:", "tel:", "slack:"].includes(url.protocol) ? url.href : null;
}

export function link(address, ...label) {
  const href = safeUrl(address);
  const words = label.length ? label : [address.replace(/^(?:mailto|tel):/, "")];
  if (!href) return el("span", {}, words);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, words);
}

/**
 * mrkdwn as a list of nodes. `ctx`: `directory`, `tz`, `viewer` (who looks: a mention of them is marked), and
 * `live`: the mentions that really notify (a Set), or null when that is not known.
 */
export function mrkdwn(text, ctx) {
  const nodes = [];
  String(text ?? "").split(/```([\s\S]+?)```/).forEach((part, at) => {
    if (at % 2) nodes.push(el("pre", {}, decode(part.replace(/^\n|\n$/g, "").replace(/<((?:https?|mailto):[^|>]*)(?:\|([^>]*))?>/g, "$1"))));
    else nodes.push(...lines(at ? part.replace(/^\n/, "") : part, ctx));
  });
  return nodes;
}

const QUOTE = /^(?:&gt;|>) ?/;
const BULLET = /^(\s*)([•◦▪‣-]|\d{1,2}[.)])\s+(.*)$/;

function lines(text, ctx) {
  const nodes = [];
  let quote = null;
  let open = false; // whether the last node ends in running text, so that a further line needs a break
  const all = text.split("\n");
  if (all.at(-1) === "") all.pop();
  all.forEach((line, at) => {
    const rest = line.match(/^(?:&gt;|>){3} ?/);
    if (rest && !quote) {
      nodes.push(el("blockquote", {}, lines([line.slice(rest[0].length), ...all.splice(at + 1)].join("\n"), ctx)));
      return;
    }
    if (QUOTE.test(line)) {
      const words = inline(line.replace(QUOTE, ""), ctx);
      if (quote) add(quote, [el("br"), words]);
      else nodes.push((quote = el("blockquote", {}, words)));
      open = false;
      return;
    }
    quote = null;
    const bullet = line.match(BULLET);
    if (bullet) {
      const indent = Math.min(3, Math.floor(bullet[1].replaceAll("\t", "    ").length / 2));
      const number = /\d/.test(bullet[2]);
      nodes.push(el("div", { class: `line-item indent-${indent}` }, el("span", { class: "line-marker" }, number ? bullet[2] : bullet[2] === "-" ? "•" : bullet[2], " "), el("span", {}, inline(bullet[3], ctx))));
      open = false;
    } else if (!line.trim()) {
      nodes.push(el("span", { class: "line-gap" }));
      open = false;
    } else {
      if (open) nodes.push(el("br"));
      nodes.push(...inline(line, ctx));
      open = true;
    }
  });
  return nodes;
}

const STYLES = { "*": "strong", _: "em", "~": "s" };
const WORD = /[\p{L}\p{N}]/u;

/** One line: styles, code, links, mentions and emoji. */
export function inline(text, ctx) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(decode(plain)));
    plain = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const found = token(text, at, ctx);
    if (!found) {
      plain += text[at];
      continue;
    }
    flush();
    nodes.push(found.node);
    at = found.end;
  }
  flush();
  return nodes;
}

/** What begins at `at`, with the index of its last character; null when it is an ordinary character. */
function token(text, at, ctx) {
  const mark = text[at];
  if (mark === "`") {
    const end = text.indexOf("`", at + 1);
    return end > at + 1 ? { node: el("code", {}, codeText(text.slice(at + 1, end))), end } : null;
  }
  if (mark === "<") {
    const end = text.indexOf(">", at + 1);
    const node = end > at + 1 ? angle(text.slice(at + 1, end), ctx) : null;
    return node && { node, end };
  }
  if (mark === ":") {
    const match = text.slice(at, at + 60).match(/^:([a-z0-9_+'-]+):(?::skin-tone-\d:)?/);
    return match && emojiOf(match[1]) ? { node: emojiNode(match[1]), end: at + match[0].length - 1 } : null;
  }
  if (mark in STYLES) {
    const end = closing(text, at);
    return end ? { node: el(STYLES[mark], {}, inline(text.slice(at + 1, end), ctx)), end } : null;
  }
  return null;
}

const codeText = (text) => decode(text.replace(/<((?:https?|mailto):[^|>]*)(?:\|([^>]*))?>/g, (_, url, label) => label || url));

/** Where the style that opens at `at` closes; 0 when it does not open, or never closes. Slack styles whole words only. */
function closing(text, at) {
  const mark = text[at];
  const before = text[at - 1];
  const after = text[at + 1];
  if ((before && (WORD.test(before) || before === mark)) || !after || /\s/.test(after) || after === mark) return 0;
  for (let end = at + 1; end < text.length; end += 1) {
    if (text[end] === "`" || text[end] === "<") {
      const skip = text.indexOf(text[end] === "<" ? ">" : "`", end + 1);
      if (skip > 0) end = skip;
      continue;
    }
    const next = text[end + 1];
    if (text[end] === mark && !/\s/.test(text[end - 1]) && (!next || (!WORD.test(next) && next !== mark))) return end;
  }
  return 0;
}

/** What stands between < and >: a mention, a date or a link. */
function angle(inner, ctx) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  if (/^@[UW]/.test(target)) return userMention(target.slice(1), ctx, label);
  if (/^#C/.test(target)) return channelMention(target.slice(1), ctx, label);
  if (target.startsWith("!")) return special(target.slice(1), label, ctx);
  const address = decode(target);
  return safeUrl(address) ? link(address, ...(label ? inline(label, ctx) : [])) : document.createTextNode(decode(label || `<${inner}>`));
}

export function userMention(id, ctx, label = "") {
  const me = id === ctx.viewer && (!ctx.live || ctx.live.has(id));
  return el("span", { class: me ? "mention mention-live" : "mention" }, `@${ctx.directory.person(id)?.name || decode(label) || id}`);
}

export function channelMention(id, ctx, label = "") {
  return el("span", { class: "mention" }, `#${ctx.directory.channels.has(id) ? ctx.directory.channelName(id) : decode(label) || id}`);
}

/** @here, @channel, @everyone: marked when it really notifies, plain words when it does not. */
export function broadcast(range, ctx) {
  const live = !ctx.live || ctx.live.has(range);
  return live ? el("span", { class: "mention mention-live" }, `@${range}`) : document.createTextNode(`@${range}`);
}

function special(name, label, ctx) {
  if (["here", "channel", "everyone"].includes(name)) return broadcast(name, ctx);
  const date = name.match(/^date\^(\d+)\^([^^]*)(?:\^(.*))?$/);
  if (date) {
    const words = formatDate(Number(date[1]), decode(date[2]), ctx.tz);
    return date[3] ? link(decode(date[3]), words) : el("time", {}, words);
  }
  return document.createTextNode(decode(label || `<!${name}>`));
}
