// Block Kit's interactive elements. Each returns a node; what the person chooses goes through `chosen`.

import { avatar, el, freshId, icon } from "./dom.js";
import { openMenu } from "./menus.js";
import { safeUrl } from "./mrkdwn.js";
import { send } from "./sending.js";
import { valueOf } from "./values.js";
import { plain, words } from "./words.js";

/**
 * The node of one element. `ctx` as for blocks; `attrs` are ARIA attributes (label, description, validity) for the control itself.
 * In an `input` block without `dispatch_action` nothing is sent: the value waits in `ctx.form` for the submit.
 */
export function element(spec, block, ctx, attrs = {}) {
  const build = BUILDERS[spec.type];
  if (!build) return el("span", { class: "unsupported" }, `(${spec.type} is not shown here)`);
  const hooks = { "data-action-id": spec.action_id, "data-block-id": block.block_id };
  return build(spec, block, ctx, { ...hooks, ...attrs });
}

const silent = (block) => block.type === "input" && !block.dispatch_action;

function current(spec, block, ctx) {
  if (ctx.form?.has(block, spec)) return ctx.form.get(block, spec);
  return valueOf(spec, ctx.stored?.(block.block_id, spec.action_id));
}

/** Keeps the value and, unless it waits for the submit, sends it; `revert` is called when the person refuses the confirmation. */
async function chosen(control, spec, block, value, ctx, revert = () => {}) {
  ctx.form?.set(block, spec, value);
  if (silent(block)) return;
  if (!(await send({ control, block, element: spec, value, ctx }))) revert();
}

function button(spec, block, ctx, attrs) {
  const style = spec.style === "primary" ? " primary" : spec.style === "danger" ? " danger" : "";
  const label = spec.accessibility_label || null;
  const url = spec.url ? safeUrl(spec.url) : null;
  const press = (event) => {
    if (event.currentTarget.getAttribute("aria-busy") === "true") event.preventDefault();
    else send({ control: event.currentTarget, block, element: spec, ctx });
  };
  if (url && !spec.confirm) {
    return el("a", { class: `button${style}`, href: url, target: "_blank", rel: "noopener noreferrer", "aria-label": label, ...attrs, on: { click: press } }, words(spec.text, ctx));
  }
  return el("button", { type: "button", class: `button${style}`, "aria-label": label, ...attrs, on: { click: press } }, words(spec.text, ctx));
}

/** A native select. `choices`: {value, label} or {label, choices}. */
function dropdown(spec, block, ctx, attrs, choices) {
  const value = current(spec, block, ctx);
  const option = (choice) => el("option", { value: choice.value, selected: choice.value === value }, choice.label);
  const control = el("select", { class: "select", "aria-label": attrs["aria-labelledby"] ? null : plain(spec.placeholder) || "Choose", ...attrs },
    el("option", { value: "", selected: !value, disabled: !silent(block), hidden: !silent(block) }, plain(spec.placeholder) || "Choose an option"),
    choices.map((choice) => (choice.choices ? el("optgroup", { label: choice.label }, choice.choices.map(option)) : option(choice))));
  let settled = value ?? "";
  control.addEventListener("change", async () => {
    const before = settled;
    settled = control.value;
    await chosen(control, spec, block, control.value || null, ctx, () => {
      settled = control.value = before;
      ctx.form?.set(block, spec, before || null);
    });
  });
  return el("span", { class: "select-wrap" }, control, icon("chevron"));
}

const optionChoice = (option) => ({ value: option.value, label: plain(option.text), detail: plain(option.description) });
function optionChoices(spec) {
  if (spec.option_groups) return spec.option_groups.map((group) => ({ label: plain(group.label), choices: group.options.map(optionChoice) }));
  return (spec.options || []).map(optionChoice);
}
const peopleChoices = (ctx) => ctx.directory.people.map((person) => ({ value: person.id, label: person.name, node: avatar(person, "small") }));
const channelChoices = (ctx) => [...ctx.directory.channels.values()].filter((channel) => channel.kind === "channel").map((channel) => ({ value: channel.id, label: `#${channel.name}` }));
const conversationChoices = (ctx) => ctx.conversations().map((one) => ({ value: one.id, label: one.kind === "channel" ? `#${one.title}` : one.title }));

/** A button that says what is chosen and opens a menu of check boxes; the choice is taken over when the menu closes. */
function multi(spec, block, ctx, attrs, grouped) {
  const choices = grouped.flatMap((choice) => choice.choices || [choice]);
  let values = current(spec, block, ctx) || [];
  const control = el("button", { type: "button", class: "select multi", "aria-haspopup": "menu", "aria-expanded": "false", ...attrs });
  const show = () => {
    const chips = choices.filter((choice) => values.includes(choice.value)).map((choice) => el("span", { class: "chip" }, choice.label));
    control.replaceChildren(...(chips.length ? chips : [el("span", { class: "placeholder" }, plain(spec.placeholder) || "Choose options")]), icon("chevron"));
  };
  control.addEventListener("click", () =>
    openMenu({
      anchor: control, label: plain(spec.placeholder) || "Choose options", multi: true,
      items: choices.map((choice) => ({ ...choice, checked: values.includes(choice.value) })),
      onDone: (picked) => {
        const before = values;
        if (String(picked) === String(before)) return;
        values = picked;
        show();
        chosen(control, spec, block, picked, ctx, () => {
          values = before;
          ctx.form?.set(block, spec, before);
          show();
        });
      },
    }),
  );
  show();
  return control;
}

function overflow(spec, block, ctx, attrs) {
  const control = el("button", { type: "button", class: "button overflow", "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false", ...attrs }, icon("more"));
  control.addEventListener("click", () =>
    openMenu({
      anchor: control, label: "More actions", items: (spec.options || []).map(optionChoice),
      onPick: (value) => {
        const url = safeUrl(spec.options.find((option) => option.value === value)?.url || "");
        if (url) window.open(url, "_blank", "noopener,noreferrer");
        send({ control, block, element: spec, value, ctx });
      },
    }),
  );
  return control;
}

/** Radio buttons and check boxes. */
function ticks(spec, block, ctx, attrs, type) {
  const name = freshId("ticks");
  const many = type === "checkbox";
  let before = current(spec, block, ctx);
  const group = el("div", { class: "ticks", role: many ? "group" : "radiogroup", ...attrs });
  const boxes = (spec.options || []).map((option) => el("input", { type, name, value: option.value, checked: many ? (before || []).includes(option.value) : before === option.value }));
  const set = (value) => boxes.forEach((box) => (box.checked = many ? (value || []).includes(box.value) : box.value === value));
  spec.options?.forEach((option, at) =>
    group.append(el("label", { class: "tick" }, boxes[at], el("span", {}, words(option.text, ctx), option.description ? el("span", { class: "tick-detail" }, words(option.description, ctx)) : null))),
  );
  group.addEventListener("change", async () => {
    const checked = boxes.filter((box) => box.checked).map((box) => box.value);
    const value = many ? checked : (checked[0] ?? null);
    const old = before;
    before = value;
    await chosen(group, spec, block, value, ctx, () => {
      before = old;
      ctx.form?.set(block, spec, old);
      set(old);
    });
  });
  return group;
}

/** Dates and times: the browser's own pickers. `read` and `write` turn the control's text into the API's value and back. */
function picker(type, read = (text) => text || null, write = (value) => value ?? "") {
  return (spec, block, ctx, attrs) => {
    const control = el("input", { type, class: "text-input picker", "aria-label": attrs["aria-labelledby"] ? null : plain(spec.placeholder) || type, ...attrs });
    control.value = write(current(spec, block, ctx));
    control.addEventListener("change", () => chosen(control, spec, block, read(control.value), ctx));
    return control;
  };
}

const local = (seconds) => {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

function textInput(mode) {
  return (spec, block, ctx, attrs) => {
    const common = { class: "text-input", placeholder: plain(spec.placeholder) || null, autofocus: spec.focus_on_load, ...attrs };
    const control = spec.multiline ? el("textarea", { rows: 4, ...common }) : el("input", { type: "text", inputmode: mode, autocomplete: "off", ...common });
    control.value = current(spec, block, ctx) ?? "";
    const triggers = spec.dispatch_action_config?.trigger_actions_on || ["on_enter_pressed"];
    const dispatch = () => chosen(control, spec, block, control.value, ctx);
    control.addEventListener("input", () => {
      ctx.form?.set(block, spec, control.value);
      if (!silent(block) && triggers.includes("on_character_entered")) dispatch();
    });
    control.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || silent(block) || spec.multiline || !triggers.includes("on_enter_pressed")) return;
      event.preventDefault();
      dispatch();
    });
    return control;
  };
}

const nowhere = (spec) => el("span", { class: "unsupported" }, `(${spec.type} is not offered in the playground)`);

const BUILDERS = {
  button,
  overflow,
  static_select: (spec, block, ctx, attrs) => dropdown(spec, block, ctx, attrs, optionChoices(spec)),
  users_select: (spec, block, ctx, attrs) => dropdown(spec, block, ctx, attrs, peopleChoices(ctx)),
  channels_select: (spec, block, ctx, attrs) => dropdown(spec, block, ctx, attrs, channelChoices(ctx)),
  conversations_select: (spec, block, ctx, attrs) => dropdown(spec, block, ctx, attrs, conversationChoices(ctx)),
  multi_static_select: (spec, block, ctx, attrs) => multi(spec, block, ctx, attrs, optionChoices(spec)),
  multi_users_select: (spec, block, ctx, attrs) => multi(spec, block, ctx, attrs, peopleChoices(ctx)),
  multi_channels_select: (spec, block, ctx, attrs) => multi(spec, block, ctx, attrs, channelChoices(ctx)),
  multi_conversations_select: (spec, block, ctx, attrs) => multi(spec, block, ctx, attrs, conversationChoices(ctx)),
  external_select: nowhere,
  multi_external_select: nowhere,
  file_input: nowhere,
  rich_text_input: nowhere,
  radio_buttons: (spec, block, ctx, attrs) => ticks(spec, block, ctx, attrs, "radio"),
  checkboxes: (spec, block, ctx, attrs) => ticks(spec, block, ctx, attrs, "checkbox"),
  datepicker: picker("date"),
  timepicker: picker("time"),
  datetimepicker: picker("datetime-local", (text) => (text ? Math.floor(new Date(text).getTime() / 1000) : null), (seconds) => (seconds ? local(seconds) : "")),
  plain_text_input: textInput(null),
  number_input: textInput("decimal"),
  email_text_input: textInput("email"),
  url_text_input: textInput("url"),
};
