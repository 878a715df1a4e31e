// Where a person types: Enter sends, Shift+Enter makes a new line, "/" offers the app's commands.

import { el, freshId, icon, replace } from "./dom.js";

const MAX_FILE_BYTES = 8 * 1024 * 1024;

export class Composer {
  /**
   * `send(text, files)` resolves when it was taken; what it throws is shown and the words come back.
   * `commands()`: [{command, description, usage_hint}]; `upload(file)` makes a file id of a File (no button without it);
   * `cancel()`: Escape in an empty box.
   */
  constructor({ placeholder, testid, send, commands, upload = null, cancel = null }) {
    Object.assign(this, { send, commands, upload, cancel, files: [], offered: [], at: 0 });
    this.hintsId = freshId("commands");
    this.area = el("textarea", {
      class: "composer-text", rows: 1, placeholder, "aria-label": placeholder, "aria-controls": this.hintsId, "aria-autocomplete": "list", dir: "auto", data: { testid },
      on: { input: () => this.#typed(), keydown: (event) => this.#key(event), blur: () => setTimeout(() => this.#offer([]), 150) },
    });
    this.hints = el("div", { id: this.hintsId, class: "command-hints", role: "listbox", "aria-label": "Commands", hidden: true });
    this.problem = el("p", { class: "composer-problem", role: "alert" });
    this.attached = el("div", { class: "attached" });
    this.button = el("button", { type: "submit", class: "composer-send", "aria-label": "Send", disabled: true }, icon("send"));
    this.node = el("form", { class: "composer", on: { submit: (event) => { event.preventDefault(); this.#submit(); } } },
      this.hints, this.problem, el("div", { class: "composer-box" }, this.attached, el("div", { class: "composer-row" }, upload ? this.#clip() : null, this.area, this.button)));
  }

  label(placeholder) {
    this.area.placeholder = placeholder;
    this.area.setAttribute("aria-label", placeholder);
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.#typed();
  }

  focus() {
    this.area.focus();
  }

  /** Puts words into the box for the person to go on. */
  begin(text) {
    this.text = text;
    this.focus();
  }

  fail(sentence) {
    this.problem.textContent = sentence;
  }

  #typed() {
    this.button.disabled = !this.area.value.trim() && !this.files.length;
    this.problem.textContent = "";
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight, 180)}px`;
    const typed = this.area.value.match(/^\/\S*/)?.[0];
    const hasWords = /^\/\S+\s/.test(this.area.value);
    this.#offer(typed ? this.commands().filter((one) => (hasWords ? one.command === typed : one.command.startsWith(typed))) : []);
  }

  #offer(commands) {
    this.offered = commands;
    this.at = 0;
    this.hints.hidden = !commands.length;
    replace(this.hints, commands.map((one, at) =>
      el("div", { class: "command-hint", id: `${this.hintsId}-${at}`, role: "option", "aria-selected": String(at === 0), on: { pointerdown: (event) => { event.preventDefault(); this.#take(one); } } },
        el("strong", {}, one.command), one.usage_hint ? el("code", {}, one.usage_hint) : null, el("span", {}, one.description))));
    this.#mark();
  }

  #mark() {
    [...this.hints.children].forEach((node, at) => node.setAttribute("aria-selected", String(at === this.at)));
    if (this.offered.length) this.area.setAttribute("aria-activedescendant", `${this.hintsId}-${this.at}`);
    else this.area.removeAttribute("aria-activedescendant");
  }

  #take(command) {
    this.begin(`${command.command} `);
  }

  #key(event) {
    if (event.isComposing) return;
    const offering = this.offered.length && !this.offered.some((one) => this.area.value === one.command || this.area.value.startsWith(`${one.command} `));
    if (offering && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.at = (this.at + (event.key === "ArrowDown" ? 1 : -1) + this.offered.length) % this.offered.length;
      this.#mark();
    } else if (offering && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey) {
      event.preventDefault();
      this.#take(this.offered[this.at]);
    } else if (event.key === "Escape") {
      if (this.offered.length) this.#offer([]);
      else if (!this.area.value && this.cancel) this.cancel();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    }
  }

  async #submit() {
    const { text } = this;
    const { files } = this;
    if (!text.trim() && !files.length) return;
    this.files = [];
    this.text = "";
    this.#showFiles();
    try {
      await this.send(text, files.map((file) => file.id));
    } catch (error) {
      this.files = files;
      if (!this.text) this.text = text;
      this.#showFiles();
      this.fail(error.message);
    }
  }

  #clip() {
    const picker = el("input", { type: "file", hidden: true, on: { change: () => this.#attach(picker) } });
    return [picker, el("button", { type: "button", class: "composer-clip", "aria-label": "Attach a file", title: "Attach a file", on: { click: () => picker.click() } }, icon("clip"))];
  }

  async #attach(picker) {
    const [file] = picker.files;
    picker.value = "";
    if (!file) return;
    if (file.size > MAX_FILE_BYTES) {
      this.fail("Files up to 8 MB can be attached here.");
      return;
    }
    try {
      this.files.push({ id: await this.upload(file), name: file.name });
      this.#typed();
    } catch (error) {
      this.fail(error.message);
    }
    this.#showFiles();
  }

  #showFiles() {
    replace(this.attached, this.files.map((file) => el("span", { class: "chip" }, file.name)));
    this.button.disabled = !this.area.value.trim() && !this.files.length;
  }
}

/** A File's bytes in base64. */
export async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
}
