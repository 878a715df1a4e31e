// One message as its reader sees it.

import { picture, renderBlocks } from "./blocks.js";
import { clock, fullTime } from "./directory.js";
import { avatar, el, icon } from "./dom.js";
import { emojiNode, emojiOf, REACTIONS } from "./emoji.js";
import { ask, openMenu } from "./menus.js";
import { decode, mrkdwn, WRITTEN_LINK } from "./mrkdwn.js";

/** `screen` is what a message needs of the column it stands in: see Column.screen(). `compact`: by the author of the one above. */
export function messageNode(message, { compact, reply }, screen) {
  const author = screen.directory.person(message.author);
  const name = author?.name || message.author_name;
  const time = el("time", { class: "message-time", datetime: message.at, title: fullTime(message.ts, screen.tz) }, clock(message.ts, screen.tz));
  const classes = ["message", compact && "compact", reply && "reply", message.ephemeral && "ephemeral", message.deleted && "gone"];
  const body = el("div", { class: "message-body" },
    message.ephemeral ? el("p", { class: "only-you" }, icon("eye"), "Only visible to you", dismissButton(message, screen)) : null,
    compact ? null : el("div", { class: "message-head" }, el("span", { class: "message-name" }, name), message.is_app ? el("span", { class: "app-badge" }, "APP") : null, time),
    content(message, screen),
    files(message),
    reactions(message, screen));
  return el("article", {
    class: classes.filter(Boolean).join(" "), tabindex: "-1", "aria-label": `${name}, ${clock(message.ts, screen.tz)}`,
    data: { testid: "message", ts: message.ts, author: message.author, thread: message.thread_ts || "" },
  }, el("div", { class: "message-gutter" }, compact ? time : avatar(author || { is_app: message.is_app, initials: name.slice(0, 1) }, reply ? "small" : "medium")), body, toolbar(message, screen));
}

function content(message, screen) {
  if (message.deleted) return el("p", { class: "message-text" }, "This message was deleted.");
  const ctx = contextOf(message, screen);
  const edited = message.edited ? el("span", { class: "edited" }, " (edited)") : null;
  if (message.blocks?.length) return el("div", { class: "message-blocks" }, renderBlocks(message.blocks, ctx), edited);
  if (!message.text && !edited) return null;
  return el("div", { class: "message-text", dir: "auto" }, mrkdwn(message.text, ctx), edited);
}

function contextOf(message, screen) {
  return {
    ...screen.surface(),
    live: new Set(message.live_mentions || []),
    stored: (block, action) => message.state?.[block]?.[action] || null,
    dispatch: (block, element, value) =>
      screen.act({ channel: message.channel, message_ts: message.ts, action_id: element.action_id, block_id: block.block_id, ...(value === undefined ? {} : { value }) }),
  };
}

function files(message) {
  if (!message.files?.length) return null;
  const one = (file) =>
    file.mimetype.startsWith("image/")
      ? el("figure", { class: "file" }, el("figcaption", {}, file.title || file.name), picture(file.url, file.title || file.name, { class: "block-image" }))
      : el("a", { class: "file file-card", href: file.url, target: "_blank", rel: "noopener noreferrer" }, icon("clip"), el("span", {}, file.title || file.name), el("span", { class: "file-size" }, size(file.size_bytes)));
  return el("div", { class: "files" }, message.files.map(one));
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1048576).toFixed(1)} MB`);

function reactions(message, screen) {
  if (!message.reactions?.length) return null;
  return el("div", { class: "reactions" }, message.reactions.map(({ name, users }) => {
    const mine = users.includes(screen.viewer);
    const who = users.map((user) => screen.directory.name(user)).join(", ");
    return el("button", { type: "button", class: `reaction${mine ? " mine" : ""}`, "aria-pressed": String(mine), title: `${who} :${name}:`, on: { click: () => screen.react(message, name, mine) } },
      emojiOf(name) ? emojiNode(name) : `:${name}:`, el("span", {}, String(users.length)));
  }));
}

const dismissButton = (message, screen) =>
  el("button", { type: "button", class: "link-button", on: { click: () => screen.dismiss(message) } }, "Dismiss");

function toolbar(message, screen) {
  if (message.ephemeral || message.deleted) return null;
  const tool = (label, name, listener) => el("button", { type: "button", class: "tool", "aria-label": label, title: label, on: { click: listener } }, icon(name));
  const react = tool("Add a reaction", "smile", (event) =>
    openMenu({
      anchor: event.currentTarget, label: "Reactions",
      items: REACTIONS.map((name) => ({ value: name, label: name.replaceAll("_", " "), node: emojiNode(name) })),
      onPick: (name) => screen.react(message, name, false),
    }));
  const thread = tool("Reply in thread", "reply", () => screen.openReply(message.thread_ts || message.ts));
  const more = message.own ? tool("More", "more", (event) => ownMenu(event.currentTarget, message, screen)) : null;
  return el("div", { class: "toolbar" }, react, thread, more);
}

function ownMenu(anchor, message, screen) {
  openMenu({
    anchor, label: "Message",
    items: [{ value: "edit", label: "Edit message" }, { value: "delete", label: "Delete message…", danger: true }],
    onPick: async (choice) => {
      if (choice === "edit") editInPlace(anchor.closest(".message"), message, screen);
      else if (await ask({ layer: screen.layer, title: "Delete message", text: "Are you sure you want to delete this message? This cannot be undone.", yes: "Delete", no: "Cancel", danger: true })) screen.remove(message);
    },
  });
}

function editInPlace(node, message, screen) {
  const area = el("textarea", { class: "text-input", rows: 2, "aria-label": "Edit message" });
  area.value = decode(message.text.replace(WRITTEN_LINK, (_, url, label) => label || url)).replace(/<@([UW]\w+)>/g, (_, id) => `@${screen.directory.name(id)}`);
  const shown = node.querySelector(".message-text, .message-blocks");
  const stop = () => {
    box.replaceWith(shown);
    node.focus();
  };
  const save = () => {
    if (area.value.trim()) screen.edit(message, area.value).then(stop, stop);
  };
  const box = el("div", { class: "edit-box" }, area, el("div", { class: "dialog-buttons" },
    el("button", { type: "button", class: "button", on: { click: stop } }, "Cancel"), el("button", { type: "button", class: "button primary", on: { click: save } }, "Save")));
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stop();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      save();
    }
  });
  shown.replaceWith(box);
  area.focus();
}
