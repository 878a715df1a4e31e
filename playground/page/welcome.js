// What stands in a conversation before anything was said: what it is, and something to begin with.

import { avatar, el } from "./dom.js";

export const nothingYet = () => el("div", { class: "empty" }, el("p", {}, "No messages here yet."));

/** "/app a [b] | c" as "/app a" and "/app c"; a command whose hint is no list of words as it is. */
function usages({ command, usage_hint }) {
  const words = (usage_hint || "").split(/\s\|\s/).map((way) => way.match(/^[a-z]+/)?.[0]);
  return words.length > 1 && words.every(Boolean) ? words.map((word) => `${command} ${word}`) : [command];
}

/** The DM with the app: a requester can send one of `examples` with a click, others begin a command. */
export function welcome({ app, person, examples, onSend, onPrepare }) {
  const asks = person.role === "requester";
  const suggestions = asks ? examples : app.commands.flatMap(usages);
  const use = (text) => (asks ? onSend(text) : onPrepare(`${text} `));
  return el("div", { class: "empty" }, avatar(null, "large"), el("h3", {}, app.name),
    el("p", {}, `This is the beginning of ${person.name.split(" ")[0]}’s messages with ${app.name}.`),
    suggestions.length ? el("p", { class: "empty-hint" }, asks ? "Send one of these, or write your own:" : "Try a command:") : null,
    el("div", { class: "examples" }, suggestions.map((text) => el("button", { type: "button", class: "example", data: { testid: "example" }, on: { click: () => use(text) } }, text))));
}
