// Small things that open over the page: menus at a button, and "are you sure" inside a person's screen.

import { el, freshId, replace } from "./dom.js";

let closeOpen = null;

/**
 * A menu at `anchor`. `items`: {label, value, detail?, checked?, danger?, node?}. One choice closes it and goes to `onPick`;
 * with `multi`, choices toggle and `onDone` gets the values when it closes. Escape closes without a choice (multi: with the choices so far).
 */
export function openMenu({ anchor, items, label, multi = false, onPick, onDone, empty = "Nothing to choose" }) {
  closeOpen?.();
  const chosen = new Set(items.filter((item) => item.checked).map((item) => item.value));
  const role = multi ? "menuitemcheckbox" : "menuitem";
  const menu = el("div", { class: "menu", role: "menu", "aria-label": label });
  const rows = items.map((item) =>
    el("button", {
      type: "button", role, tabindex: "-1", class: `menu-item${item.danger ? " danger" : ""}${item.current ? " current" : ""}`, data: { value: item.value },
      "aria-checked": multi ? String(chosen.has(item.value)) : null,
      on: { click: (event) => pick(item, event.currentTarget) },
    }, item.node || null, el("span", { class: "menu-words" }, el("span", { class: "menu-label" }, item.label), item.detail ? el("span", { class: "menu-detail" }, item.detail) : null)),
  );
  replace(menu, rows.length ? rows : el("p", { class: "menu-empty" }, empty));
  const pick = (item, row) => {
    if (!multi) {
      close(true);
      onPick(item.value);
      return;
    }
    if (chosen.has(item.value)) chosen.delete(item.value);
    else chosen.add(item.value);
    row.setAttribute("aria-checked", String(chosen.has(item.value)));
  };
  const outside = (event) => {
    if (!menu.contains(event.target) && !anchor.contains(event.target)) close(false);
  };
  const close = (focusAnchor) => {
    if (closeOpen !== close) return;
    closeOpen = null;
    menu.remove();
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("resize", close);
    anchor.setAttribute("aria-expanded", "false");
    if (focusAnchor && anchor.isConnected) anchor.focus();
    if (multi) onDone(items.map((item) => item.value).filter((value) => chosen.has(value)));
  };
  closeOpen = close;
  menu.addEventListener("keydown", (event) => moveFocus(event, rows, () => close(true)));
  document.body.append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  window.addEventListener("resize", close);
  (rows.find((row) => row.classList.contains("current")) || rows[0])?.focus();
}

function moveFocus(event, rows, close) {
  const at = rows.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    event.stopPropagation();
    close();
  } else if (to !== undefined) {
    event.preventDefault();
    rows[(to + rows.length) % rows.length]?.focus();
  }
}

function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, window.innerWidth - size.width - 8));
  const below = at.bottom + 4;
  const top = below + size.height <= window.innerHeight - 8 ? below : Math.max(8, at.top - size.height - 4);
  menu.style.left = `${left}px`;
  menu.style.top = `${top}px`;
}

/** Keeps Tab inside `box`. */
export function trapFocus(box, event) {
  if (event.key !== "Tab") return;
  const stops = [...box.querySelectorAll("a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex='0']")].filter((node) => node.offsetParent !== null);
  if (!stops.length) return;
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement === edge || !box.contains(document.activeElement)) {
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  }
}

/** Asks inside `layer` (a person's screen, or the page) and resolves to whether they said yes. */
export function ask({ layer, title, text, yes, no, danger = false }) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const heading = freshId("ask");
    const words = freshId("ask-text");
    const done = (answer) => {
      shade.remove();
      if (before?.isConnected) before.focus();
      resolve(answer);
    };
    const refuse = el("button", { type: "button", class: "button", on: { click: () => done(false) } }, no);
    const agree = el("button", { type: "button", class: `button ${danger ? "danger" : "primary"}`, on: { click: () => done(true) } }, yes);
    const box = el("div", { class: "dialog", role: "alertdialog", "aria-modal": "true", "aria-labelledby": heading, "aria-describedby": words, data: { testid: "confirm" } },
      el("h2", { id: heading }, title), el("div", { id: words, class: "dialog-text" }, text), el("div", { class: "dialog-buttons" }, refuse, agree));
    const shade = el("div", { class: "shade shade-dialog" }, box);
    shade.addEventListener("keydown", (event) => {
      trapFocus(box, event);
      if (event.key === "Escape") {
        event.stopPropagation();
        done(false);
      }
    });
    layer.append(shade);
    agree.focus();
  });
}
