// `markdown` blocks: the part of standard Markdown that Slack shows there.

import { el } from "./dom.js";
import { emojiNode, emojiOf } from "./emoji.js";
import { link } from "./mrkdwn.js";
import { table } from "./richtext.js";

const ITEM = /^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const BEGINS = /^(?:#{1,6}\s|>|```)/;

const MOST_QUOTES = 8; // quotes within quotes; a ">" deeper than that is a character like any other

export function markdown(text, ctx, depth = 0) {
  const nodes = [];
  const rows = String(text ?? "").split("\n");
  const takeWhile = (test) => {
    const taken = [];
    while (rows.length && test(rows[0])) taken.push(rows.shift());
    return taken;
  };
  while (rows.length) {
    const row = rows[0];
    const heading = row.match(/^(#{1,6})\s+(.*?)\s*#*$/);
    if (row.startsWith("```")) {
      rows.shift();
      nodes.push(el("pre", {}, takeWhile((line) => !line.startsWith("```")).join("\n")));
      rows.shift();
    } else if (heading) {
      rows.shift();
      nodes.push(el("div", { class: `markdown-heading level-${heading[1].length}`, role: "heading", "aria-level": heading[1].length }, spans(heading[2])));
    } else if (RULE.test(row)) {
      rows.shift();
      nodes.push(el("hr"));
    } else if (row.startsWith(">") && depth < MOST_QUOTES) {
      nodes.push(el("blockquote", {}, markdown(takeWhile((line) => line.startsWith(">")).map((line) => line.replace(/^> ?/, "")).join("\n"), ctx, depth + 1)));
    } else if (ITEM.test(row)) {
      nodes.push(...items(takeWhile((line) => ITEM.test(line))));
    } else if (row.includes("|") && /^\s*\|?\s*:?-+/.test(rows[1] || "")) {
      nodes.push(pipes(takeWhile((line) => line.includes("|")), ctx));
    } else if (!row.trim()) {
      rows.shift();
    } else {
      const words = takeWhile((line) => line.trim() && !BEGINS.test(line) && !ITEM.test(line) && !RULE.test(line));
      if (!words.length) words.push(rows.shift()); // a row that looks like a block but is none
      nodes.push(el("p", {}, words.flatMap((line, at) => (at ? [el("br"), ...spans(line)] : spans(line)))));
    }
  }
  return nodes;
}

function items(rows) {
  const ordered = /\d/.test(rows[0].match(ITEM)[2]);
  const list = el(ordered ? "ol" : "ul", { class: "rich-list", start: ordered ? parseInt(rows[0].match(ITEM)[2], 10) : null });
  for (const row of rows) {
    const [, indent, , words] = row.match(ITEM);
    const task = words.match(/^\[([ xX])\]\s+(.*)$/);
    list.append(el("li", { class: `indent-${Math.min(3, Math.floor(indent.length / 2))}${task ? " task" : ""}` }, task ? (task[1] === " " ? "☐ " : "☑ ") : null, spans(task ? task[2] : words)));
  }
  return [list];
}

function pipes(rows, ctx) {
  const cells = (row) => row.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const column_settings = cells(rows[1]).map((rule) => ({ align: /^:-+:$/.test(rule) ? "center" : rule.endsWith(":") ? "right" : "left" }));
  const [head, , ...body] = rows;
  return table({ column_settings, rows: [head, ...body].map((row) => cells(row).map((text) => ({ type: "raw_text", text }))) }, ctx);
}

const SPANS = [
  [/^`([^`]+)`/, (found) => el("code", {}, found[1])],
  [/^\*\*(?=\S)(.+?)(?<=\S)\*\*/, (found) => el("strong", {}, spans(found[1]))],
  [/^__(?=\S)(.+?)(?<=\S)__/, (found) => el("strong", {}, spans(found[1]))],
  [/^~~(.+?)~~/, (found) => el("s", {}, spans(found[1]))],
  [/^\*(?=\S)(.+?)(?<=\S)\*/, (found) => el("em", {}, spans(found[1]))],
  [/^_(?=\S)(.+?)(?<=\S)_(?![\p{L}\p{N}])/u, (found) => el("em", {}, spans(found[1]))],
  [/^!?\[([^\]]*)\]\(([^)\s]+)(?:\s[^)]*)?\)/, (found) => link(found[2], ...spans(found[1] || found[2]))],
  [/^<?(https?:\/\/[^\s<>)]+)>?/, (found) => link(found[1])],
  [/^:([a-z0-9_+'-]+):/, (found) => (emojiOf(found[1]) ? emojiNode(found[1]) : found[0])],
];

/** One row's styles, links and emoji. A backslash keeps the next character as it is. */
export function spans(text) {
  const nodes = [];
  let plain = "";
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const middle = at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1]);
    const hit = rest[0] === "\\" ? null : SPANS.find(([pattern]) => pattern.test(rest) && !(middle && "_h:".includes(rest[0])));
    if (hit) {
      const found = rest.match(hit[0]);
      nodes.push(plain, hit[1](found));
      plain = "";
      at += found[0].length;
    } else {
      const skip = rest[0] === "\\" && rest.length > 1 ? 1 : 0;
      plain += rest[skip];
      at += 1 + skip;
    }
  }
  return [...nodes, plain].filter((node) => node !== "");
}
