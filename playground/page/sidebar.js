// Whose screen a column is, and which conversations stand in it.

import { avatar, el, icon, replace } from "./dom.js";
import { openMenu } from "./menus.js";

const ROLES = { requester: "Requester", agent: "Agent", admin: "Admin" };
export const roleName = (role) => ROLES[role] || role;

const city = (tz) => (tz || "").split("/").at(-1).replaceAll("_", " ");

/** The button with the person's name; its menu offers everybody else. */
export function personSwitcher({ label, directory, onPick }) {
  const button = el("button", { type: "button", class: "person", "aria-haspopup": "menu", "aria-expanded": "false", data: { testid: "person-switcher" } });
  button.addEventListener("click", () =>
    openMenu({
      anchor: button, label: `Who is the ${label.toLowerCase()}`, onPick,
      items: directory.people.map((person) => ({
        value: person.id, label: person.name, detail: [roleName(person.role), person.title].filter(Boolean).join(" · "), node: avatar(person, "small"), current: person.id === button.dataset.person,
      })),
    }),
  );
  const show = (person) => {
    button.dataset.person = person.id;
    button.setAttribute("aria-label", `${label}: ${person.name}. Switch to somebody else`);
    replace(button, avatar(person, "medium"),
      el("span", { class: "person-words" }, el("span", { class: "person-name" }, person.name, icon("chevron")), el("span", { class: "person-title" }, [person.title, city(person.tz)].filter(Boolean).join(" · "))),
      el("span", { class: "role-badge" }, label));
  };
  return { node: button, show };
}

/** The conversations, and "+" for a new one. */
export function conversationList({ column, onOpen, onNew }) {
  const list = el("ul", { class: "conversation-list", on: { wheel: (event) => (list.scrollLeft += event.deltaY) } });
  const add = el("button", { type: "button", class: "conversation-new", "aria-label": "New message", title: "New message", "aria-haspopup": "menu", "aria-expanded": "false", data: { testid: "new-conversation" } }, icon("plus"), el("span", { class: "new-words" }, "New message"));
  add.addEventListener("click", () =>
    openMenu({
      anchor: add, label: "Write to", multi: true,
      items: column.directory.people.filter((person) => person.id !== column.viewer).map((person) => ({ value: person.id, label: person.name, detail: person.title, node: avatar(person, "small") })),
      onDone: (users) => users.length && onNew(users),
    }),
  );
  const show = (conversations, current) => {
    replace(list, conversations.map((one) => el("li", {}, entry(one, one.id === current, column, onOpen))));
    list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  return { node: el("nav", { class: "conversations", "aria-label": "Conversations" }, list, add), show };
}

/** A group by its members' first names, the app last: there is little room. Others by their title. */
export function shortTitle(one, { directory, viewer }) {
  if (one.kind !== "mpim") return one.title;
  const others = one.members.filter((id) => id !== viewer).map((id) => directory.person(id)).filter(Boolean);
  return [...others.filter((person) => !person.is_app).map((person) => person.name.split(" ")[0]), ...others.filter((person) => person.is_app).map((person) => person.name)].join(", ");
}

function entry(one, current, column, onOpen) {
  const unread = one.unread && !current ? one.unread : 0;
  const other = column.directory.person(one.members.find((id) => id !== column.viewer));
  const mark = one.kind === "channel" ? el("span", { class: "hash", "aria-hidden": "true" }, "#") : one.kind === "mpim" ? el("span", { class: "hash count", "aria-hidden": "true" }, String(one.members.length - 1)) : avatar(one.with_app ? null : other, "tiny");
  return el("button", {
    type: "button", class: `conversation${unread ? " unread" : ""}`, "aria-current": current ? "page" : null, title: one.title,
    data: { testid: "conversation", channel: one.id, kind: one.kind }, on: { click: () => onOpen(one.id) },
  }, mark, el("span", { class: "conversation-title" }, shortTitle(one, column)), unread ? el("span", { class: "unread-badge" }, String(unread), el("span", { class: "unseen" }, " unread")) : null);
}
