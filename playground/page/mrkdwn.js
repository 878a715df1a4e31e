// Slack's mrkdwn as DOM nodes. The text comes from people and from the app; every character of it ends in a text node.

import { add, el } from "./dom.js";
import { emojiNode, emojiOf } from "./emoji.js";
import { formatDate } from "./directory.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/** A link as Slack writes it: its address, and its label if it has one. */
export const WRITTEN_LINK = /<((?:https?|mailto):[^|<>]*)(?:\|([^<>]*))?>/g;

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
    if (at % 2) nodes.push(el("pre", {}, decode(part.replace(/^\n|\n$/g, "").replace(WRITTEN_LINK, "$1"))));
    else nodes.push(...lines(at ? part.replace(/^\n/, "") : part, ctx));
  });
  return nodes;
}

const QUOTE = /^(?:&gt;|>) ?/;
const BULLET = /^(\s*)([•◦▪‣-]|\d{1,2}[.)])\s+(.*)$/s;

/** `quoted`: what ">>>" quotes; in there ">" is a character like any other, as quotes do not nest. */
function lines(text, ctx, quoted = false) {
  const nodes = [];
  let quote = null;
  let open = false; // whether the last node ends in running text, so that a further line needs a break
  const all = text.split("\n");
  if (all.at(-1) === "") all.pop();
  all.forEach((line, at) => {
    const rest = quoted ? null : line.match(/^(?:&gt;|>){3} ?/);
    if (rest && !quote) {
      nodes.push(el("blockquote", {}, lines([line.slice(rest[0].length), ...all.splice(at + 1)].join("\n"), ctx, true)));
      return;
    }
    if (!quoted && QUOTE.test(line)) {
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
const MOST_STYLES = 8; // styles within styles; what is nested deeper keeps its marks

/** One line: styles, code, links, mentions and emoji. `depth`: how many styles it stands in. */
export function inline(text, ctx, depth = 0) {
  const nodes = [];
  const found = survey(text);
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(document.createTextNode(decode(plain)));
    plain = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const here = token(text, at, ctx, found, depth);
    if (!here) {
      plain += text[at];
      continue;
    }
    flush();
    nodes.push(here.node);
    at = here.end;
  }
  flush();
  return nodes;
}

/**
 * Where things end, found in one walk, so that a line costs its length however many marks in it are never closed:
 * `ends` (index of "`" or "<" -> index of what closes it) and `closers` (style mark -> where it may close, ascending).
 */
function survey(text) {
  const ends = new Map();
  const closers = { "*": [], _: [], "~": [] };
  const unclosed = new Set(); // of "`" and "<": those that nothing closes from here on
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at];
    if (mark === "`" || mark === "<") {
      const end = unclosed.has(mark) ? -1 : text.indexOf(mark === "<" ? ">" : "`", at + 1);
      if (end < 0) unclosed.add(mark);
      else if (end > at + 1) {
        ends.set(at, end);
        at = end;
      }
    } else if (mark in closers && at > 0 && !/\s/.test(text[at - 1])) {
      const next = text[at + 1];
      if (!next || (!WORD.test(next) && next !== mark)) closers[mark].push(at);
    }
  }
  return { ends, closers, passed: { "*": 0, _: 0, "~": 0 } };
}

/** What begins at `at`, with the index of its last character; null when it is an ordinary character. */
function token(text, at, ctx, found, depth) {
  const mark = text[at];
  if (found.ends.has(at)) {
    const end = found.ends.get(at);
    const inside = text.slice(at + 1, end);
    return { node: mark === "<" ? angle(inside, ctx, depth) : el("code", {}, codeText(inside)), end };
  }
  if (mark === ":") {
    const match = text.slice(at, at + 60).match(/^:([a-z0-9_+'-]+):(?::skin-tone-\d:)?/);
    return match && emojiOf(match[1]) ? { node: emojiNode(match[1]), end: at + match[0].length - 1 } : null;
  }
  if (mark in STYLES && depth < MOST_STYLES && opens(text, at)) {
    const end = closing(at, found.closers[mark], found.passed, mark);
    return end ? { node: el(STYLES[mark], {}, inline(text.slice(at + 1, end), ctx, depth + 1)), end } : null;
  }
  return null;
}

const codeText = (text) => decode(text.replace(WRITTEN_LINK, (_, url, label) => label || url));

/** Whether a style begins at `at`: Slack styles whole words only. */
function opens(text, at) {
  const before = text[at - 1];
  const after = text[at + 1];
  return !(before && (WORD.test(before) || before === text[at])) && Boolean(after) && !/\s/.test(after) && after !== text[at];
}

/** The first of `closers` after `at`, 0 when there is none. `passed` counts those that lie behind, as `at` only grows. */
function closing(at, closers, passed, mark) {
  while (closers[passed[mark]] <= at) passed[mark] += 1;
  return closers[passed[mark]] || 0;
}

/** What stands between < and >: a mention, a date or a link. */
function angle(inner, ctx, depth) {
  const bar = inner.indexOf("|");
  const target = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  if (/^@[UW]/.test(target)) return userMention(target.slice(1), ctx, label);
  if (/^#C/.test(target)) return channelMention(target.slice(1), ctx, label);
  if (target.startsWith("!")) return special(target.slice(1), label, ctx);
  const address = decode(target);
  return safeUrl(address) ? link(address, ...(label ? inline(label, ctx, depth + 1) : [])) : document.createTextNode(decode(label || `<${inner}>`));
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
