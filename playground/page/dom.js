// Building DOM nodes. People's words only ever become text nodes: nothing here, or anywhere in the page, sets HTML.

/**
 * A new element. `props`: `class`, `on` (event name -> listener), `data` (dataset), and attributes;
 * `true` sets an empty attribute, `null`, `undefined` and `false` leave it out. Children that are null or false are left out.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name === "data") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  add(node, children);
  return node;
}

/** Appends nodes, strings (as text) and nested lists of both. */
export function add(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return parent;
}

export function replace(parent, ...children) {
  parent.replaceChildren();
  return add(parent, children);
}

let lastId = 0;
/** An id that no other element of the page has, for labels and descriptions. */
export function freshId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

const PATHS = {
  chevron: "M6 9l6 6 6-6",
  send: "M4 12L20 4l-5 16-3.500-6.500z",
  eye: "M2 12s3.600-6.500 10-6.500S22 12 22 12s-3.600 6.500-10 6.500S2 12 2 12zM12 9.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600z",
  reply: "M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  back: "M15 6l-6 6 6 6",
  warning: "M12 4L2.800 19.500h18.400zM12 10v4.500M12 17.200h.01",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.500 14.500s1.200 1.800 3.500 1.800 3.500-1.800 3.500-1.800M9 9.500h.01M15 9.500h.01",
  down: "M12 5v14M6 13l6 6 6-6",
  pulse: "M3 12h4l3-8 4 16 3-8h4",
  clip: "M20 11.500l-8.300 8.200a5 5 0 0 1-7.100-7.100l8.700-8.600a3.400 3.400 0 0 1 4.800 4.800l-8.500 8.400a1.700 1.700 0 0 1-2.400-2.400l7.600-7.500",
};
const SVG = "http://www.w3.org/2000/svg";

/** A line icon of 1em, hidden from assistive technology: what it means stands in the label of the button around it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A drawing from a file of SVG symbols, as high as the text around it. */
export function sprite(address) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "sprite");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", address);
  svg.append(use);
  return svg;
}

/** A person's square with initials, or the app's mark. */
export function avatar(person, size = "medium") {
  if (!person || person.is_app) return el("span", { class: `avatar avatar-${size} avatar-app`, "aria-hidden": "true" }, el("img", { src: "icon.svg", alt: "" }));
  const node = el("span", { class: `avatar avatar-${size}`, "aria-hidden": "true" }, person.initials || "?");
  node.style.setProperty("--avatar", person.color || "#6b6470");
  return node;
}

/**
 * Wraps `work` so that runs never overlap: calls made meanwhile become one more run afterwards.
 * The promise returned settles when the state at the time of the call has been taken over.
 */
export function coalesce(work) {
  let running = null;
  let again = false;
  return function run() {
    if (running) {
      again = true;
      return running;
    }
    running = (async () => {
      do {
        again = false;
        await work();
      } while (again);
    })().finally(() => {
      running = null;
    });
    return running;
  };
}
