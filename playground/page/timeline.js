// The list of messages of one conversation: days, groups, threads in place, and keeping the reader where they are.

import { dayKey, dayName } from "./directory.js";
import { avatar, el, icon, replace } from "./dom.js";
import { messageNode } from "./message.js";
import { Composer } from "./composer.js";

const GROUP_S = 300; // messages of one author closer together than this stand under one name
const NEAR_END_PX = 48;

export class Timeline {
  #nodes = new Map(); // key -> {node, signature}
  #collapsed = new Set(); // threads that the reader closed
  #replying = new Map(); // thread -> its composer
  #following = true; // whether the newest message is to be kept in sight
  #newest = "";
  #expectedTop = -1; // where we scrolled to ourselves

  constructor(screen) {
    this.screen = screen;
    this.list = el("div", { class: "messages", role: "log", "aria-live": "polite", "aria-relevant": "additions", tabindex: "0", data: { testid: "messages" } });
    this.newer = el("button", { type: "button", class: "newer", hidden: true, on: { click: () => this.toEnd() } }, icon("down"), "New messages");
    this.node = el("div", { class: "timeline" }, this.list, this.newer);
    this.list.addEventListener("scroll", () => this.#scrolled());
    this.list.addEventListener("load", () => this.#following && this.#settle(), true);
    new ResizeObserver(() => this.#following && this.#settle()).observe(this.list);
  }

  /** Another conversation: nothing of the old one is kept. */
  clear(label) {
    this.#nodes.clear();
    this.#replying.clear();
    this.#following = true;
    this.#newest = "";
    this.list.setAttribute("aria-label", label);
    replace(this.list);
  }

  /** Shows `messages` (oldest first); `empty` makes what stands there when there are none. */
  show(messages, empty) {
    this.messages = messages;
    this.empty = empty;
    this.draw();
  }

  draw() {
    if (!this.messages) return;
    const newest = this.messages.reduce((latest, message) => (message.ts > latest ? message.ts : latest), "");
    const arrived = newest > this.#newest;
    const message = this.messages.find((one) => one.ts === newest);
    if (arrived && message?.thread_ts && this.#newest) this.#collapsed.delete(message.thread_ts);
    const first = !this.#newest;
    this.#newest = newest;
    this.#reconcile(this.messages.length ? this.#items(this.messages) : [{ key: "empty", signature: "", make: this.empty }]);
    if (arrived && (message?.own || first)) this.#following = true;
    if (this.#following) this.#settle(arrived ? newest : null);
    else if (arrived) this.newer.hidden = false;
  }

  toEnd() {
    this.#following = true;
    this.newer.hidden = true;
    this.#settle();
  }

  openReply(thread) {
    this.#collapsed.delete(thread);
    if (!this.#replying.has(thread)) {
      this.#replying.set(thread, new Composer({
        placeholder: "Reply…", testid: "thread-composer", commands: () => [],
        send: (text, files) => this.screen.say({ text, files, thread_ts: thread }),
        cancel: () => {
          this.#replying.delete(thread);
          this.draw();
        },
      }));
    }
    this.draw();
    this.#replying.get(thread).focus();
  }

  /** Everything that stands in the list, in order, each with a key and a signature of what it shows. */
  #items(messages) {
    const { tz } = this.screen;
    const roots = messages.filter((message) => !message.thread_ts);
    const known = new Set(roots.map((message) => message.ts));
    const threads = new Map();
    const top = [...roots];
    for (const message of messages) {
      if (!message.thread_ts) continue;
      if (known.has(message.thread_ts)) threads.set(message.thread_ts, [...(threads.get(message.thread_ts) || []), message]);
      else top.push(message); // its parent cannot be seen by this person
    }
    top.sort((one, other) => (one.ts < other.ts ? -1 : 1));
    const items = [];
    let before = null;
    let day = null;
    for (const message of top) {
      if (day !== dayKey(message.ts, tz)) {
        day = dayKey(message.ts, tz);
        items.push({ key: `day ${day}`, signature: "", make: () => el("div", { class: "day", role: "separator" }, el("span", {}, dayName(message.ts, tz))) });
        before = null;
      }
      items.push(this.#message(message, grouped(before, message), false));
      const replies = threads.get(message.ts) || [];
      if (replies.length || this.#replying.has(message.ts)) items.push(...this.#thread(message, replies));
      before = replies.length ? null : message;
    }
    return items;
  }

  #message(message, compact, reply) {
    return { key: message.ts, signature: JSON.stringify([message, compact, reply]), make: () => messageNode(message, { compact, reply }, this.screen) };
  }

  #thread(root, replies) {
    const closed = this.#collapsed.has(root.ts);
    const items = [];
    if (replies.length) items.push({ key: `head ${root.ts}`, signature: JSON.stringify([closed, replies.length, replies.map((one) => one.author)]), make: () => this.#threadHead(root, replies, closed) });
    if (closed) return items;
    replies.forEach((message, at) => items.push(this.#message(message, grouped(replies[at - 1], message), true)));
    const composer = this.#replying.get(root.ts);
    items.push({ key: `foot ${root.ts}`, signature: String(Boolean(composer)), make: () => this.#threadFoot(root, composer) });
    return items;
  }

  #threadHead(root, replies, closed) {
    const authors = [...new Set(replies.map((message) => message.author))].slice(0, 4);
    const toggle = () => {
      if (!this.#collapsed.delete(root.ts)) this.#collapsed.add(root.ts);
      this.#following = false;
      this.draw();
    };
    return el("button", { type: "button", class: "thread-head", "aria-expanded": String(!closed), data: { testid: "thread", ts: root.ts }, on: { click: toggle } },
      authors.map((author) => avatar(this.screen.directory.person(author), "tiny")), el("span", { class: "thread-count" }, replies.length === 1 ? "1 reply" : `${replies.length} replies`), icon("chevron"));
  }

  #threadFoot(root, composer) {
    const reply = el("button", { type: "button", class: "link-button thread-reply", data: { testid: "thread-reply" }, on: { click: () => this.openReply(root.ts) } }, icon("reply"), "Reply in thread");
    return el("div", { class: "thread-foot", data: { testid: "thread-foot", ts: root.ts } }, composer ? composer.node : reply);
  }

  /** Makes the list's children those of `items`, keeping every node whose signature is still the same. */
  #reconcile(items) {
    const keep = new Map();
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, entry] of this.#nodes) if (!wanted.has(key)) entry.node.remove();
    let at = this.list.firstChild;
    for (const item of items) {
      let entry = this.#nodes.get(item.key);
      if (entry?.signature !== item.signature) {
        const old = entry?.node;
        entry = { node: item.make(), signature: item.signature };
        if (old?.parentNode === this.list) {
          const focus = old.contains(document.activeElement) ? focusOf(document.activeElement) : null;
          if (at === old) at = entry.node;
          old.replaceWith(entry.node);
          if (focus) (focus(entry.node) || entry.node).focus({ preventScroll: true });
        }
      }
      if (entry.node === at) at = at.nextSibling;
      else this.list.insertBefore(entry.node, at);
      keep.set(item.key, entry);
    }
    this.#nodes = keep;
  }

  /** Brings the newest message into sight: the end of the list or, when `ts` is a reply further up, that reply. */
  #settle(ts = null) {
    const node = ts && this.#nodes.get(ts)?.node;
    this.list.scrollTop = this.list.scrollHeight;
    if (node && node.offsetTop < this.list.scrollTop) this.list.scrollTop = Math.max(0, node.offsetTop + node.offsetHeight - this.list.clientHeight + NEAR_END_PX);
    this.#expectedTop = this.list.scrollTop;
  }

  #scrolled() {
    if (Math.abs(this.list.scrollTop - this.#expectedTop) < 2) return;
    this.#expectedTop = -1;
    this.#following = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < NEAR_END_PX;
    if (this.#following) this.newer.hidden = true;
  }
}

function grouped(before, message) {
  return Boolean(before) && before.author === message.author && !before.ephemeral && !message.ephemeral && !before.deleted && Number(message.ts) - Number(before.ts) < GROUP_S;
}

/** How to find in a redrawn node what had the focus in the old one. */
function focusOf(node) {
  const { actionId, blockId } = node.dataset;
  if (actionId) return (root) => [...root.querySelectorAll("[data-action-id]")].find((one) => one.dataset.actionId === actionId && one.dataset.blockId === blockId);
  return () => null;
}
