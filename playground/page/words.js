// Block Kit's text objects.

import { el } from "./dom.js";
import { emojiNode, emojiOf } from "./emoji.js";
import { decode, mrkdwn } from "./mrkdwn.js";

/** A text object's words without any markup: for labels, titles and options. Emoji names become characters. */
export function plain(object) {
  const text = decode(typeof object === "string" ? object : object?.text || "");
  return text.replace(/:([a-z0-9_+'-]+):/g, (whole, name) => emojiOf(name) || whole);
}

/** A text object as nodes. */
export function words(object, ctx) {
  if (!object) return [];
  if (object.type === "mrkdwn") return mrkdwn(object.text, ctx);
  const text = decode(object.text || "");
  if (object.emoji === false) return lines(text);
  const nodes = [];
  text.split(/(:[a-z0-9_+'-]+:)/).forEach((part, at) => {
    const name = part.slice(1, -1);
    if (at % 2 && emojiOf(name)) nodes.push(emojiNode(name));
    else nodes.push(...lines(part));
  });
  return nodes;
}

const lines = (text) => text.split("\n").flatMap((line, at) => (at ? [el("br"), line] : line ? [line] : []));
