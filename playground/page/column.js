// One person's screen: who they are, their conversations, the open one, the app's Home and its modals.

import { api } from "./api.js";
import { base64, Composer } from "./composer.js";
import { coalesce, el, replace } from "./dom.js";
import { HomePane } from "./home.js";
import { ModalLayer } from "./modals.js";
import { conversationList, personSwitcher, shortTitle } from "./sidebar.js";
import { Timeline } from "./timeline.js";
import { nothingYet, welcome } from "./welcome.js";

const NO_COMMAND = "Everything that starts with “/” is taken as a command; put a space before it to send it as a message.";

export class Column {
  #drafts = new Map(); // "person channel" -> what was typed there and not sent
  #known = []; // the viewer's conversations

  constructor({ role, label, directory, examples, person, onUnread }) {
    Object.assign(this, { role, label, directory, examples, person, onUnread, channel: null, tab: "messages" });
    this.refreshers = Object.fromEntries(
      Object.entries({ conversations: () => this.#loadConversations(), messages: () => this.#loadMessages(), modals: () => this.#loadModals(), home: () => this.#loadHome() }).map(([what, work]) => [what, coalesce(work)]),
    );
    this.#build();
    this.become(person);
  }

  // What messages, modals and the Home need of the screen they stand in.

  get viewer() {
    return this.person.id;
  }

  get tz() {
    return this.person.tz;
  }

  surface() {
    return { directory: this.directory, tz: this.tz, viewer: this.viewer, layer: this.layer, conversations: () => this.#known };
  }

  act(action) {
    return api.act(this.viewer, action);
  }

  async say({ text, files, thread_ts = null }) {
    if (/^\/\S/.test(text) && !thread_ts) return this.#command(text);
    const message = { text, channel: this.channel, ...(thread_ts ? { thread_ts } : {}), ...(files?.length ? { files } : {}) };
    await api.say(this.viewer, message);
    return this.refresh("messages");
  }

  react(message, name, remove) {
    this.#quietly(api.react(this.viewer, { channel: message.channel, ts: message.ts, name, remove }));
  }

  dismiss(message) {
    this.#quietly(api.dismiss(this.viewer, message.channel, message.ts));
  }

  remove(message) {
    this.#quietly(api.remove(this.viewer, message.channel, message.ts));
  }

  async edit(message, text) {
    await this.#quietly(api.edit(this.viewer, message.channel, message.ts, text));
  }

  openReply(thread) {
    this.timeline.openReply(thread);
  }

  /** Fetches one kind of thing again: "conversations", "messages", "modals" or "home". */
  refresh(what) {
    // That the playground is gone the top bar says, and everything is fetched again when it is back.
    return this.refreshers[what]().catch((error) => error.code === "unreachable" || this.composer.fail(error.message));
  }

  refreshAll() {
    return Promise.all(Object.keys(this.refreshers).map((what) => this.refresh(what)));
  }

  /** A change event that concerns this person. */
  changed({ what, users, channel }) {
    if (users.length && !users.includes(this.viewer)) return;
    if (what === "messages") {
      this.refresh("conversations");
      if (!channel || channel === this.channel) this.refresh("messages");
    } else if (what === "modals" || what === "home") this.refresh(what);
  }

  /** Somebody else sits down at this screen. */
  become(person) {
    this.#keepDraft();
    this.composer.text = "";
    this.person = person;
    this.#known = [];
    this.channel = null;
    this.tab = "messages";
    this.node.setAttribute("aria-label", `${this.label}: ${person.name}`);
    this.switcher.show(person);
    this.timeline.clear("");
    this.home.clear();
    this.modals.show([]);
    this.#showTab();
    return this.refreshAll();
  }

  open(channel) {
    if (channel === this.channel) return;
    this.#keepDraft();
    // What was typed before there was a conversation was meant for the first that opens.
    const early = this.channel ? "" : this.composer.text;
    this.channel = channel;
    const one = this.#conversation();
    this.timeline.clear(one ? one.title : "");
    this.composer.label(one?.kind === "channel" ? `Message #${one.title}` : `Message ${one ? shortTitle(one, this) : ""}`);
    this.composer.text = early || this.#drafts.get(`${this.viewer} ${channel}`) || "";
    this.tab = "messages";
    this.#showTab();
    this.refresh("messages");
  }

  #build() {
    this.switcher = personSwitcher({ label: this.label, directory: this.directory, onPick: (id) => this.become(this.directory.person(id)) });
    this.sidebar = conversationList({
      column: this,
      onOpen: (id) => this.open(id),
      onNew: async (users) => {
        const channel = await api.converse(this.viewer, users).catch((error) => this.composer.fail(error.message));
        await this.refresh("conversations");
        if (channel) this.open(channel.id || channel);
      },
    });
    this.timeline = new Timeline(this);
    this.home = new HomePane(this);
    this.composer = new Composer({
      placeholder: "Message", testid: "composer", commands: () => this.directory.commands(),
      send: (text, files) => this.say({ text, files }),
      upload: async (file) => (await api.upload(this.viewer, { name: file.name, mimetype: file.type || "application/octet-stream", content_base64: await base64(file) })).id,
    });
    this.heading = el("div", { class: "heading" });
    this.content = el("div", { class: "content" }, this.sidebar.node, el("div", { class: "reading" }, this.heading, this.timeline.node, this.composer.node, this.home.node));
    this.layer = el("div", { class: "screen" });
    this.modals = new ModalLayer(this, (covered) => (this.content.inert = covered));
    this.layer.append(this.content, this.modals.node);
    this.node = el("section", { class: "column", data: { testid: `column-${this.role}`, role: this.role } }, el("header", { class: "person-bar" }, this.switcher.node), this.layer);
  }

  /** The row over the messages: Home and Messages of the app, or what the conversation is. */
  #showTab() {
    const one = this.#conversation();
    const atHome = this.tab === "home";
    if (!one || one.with_app) {
      const { app } = this.directory;
      const tab = (name, words) => el("button", { type: "button", role: "tab", class: "tab", "aria-selected": String(this.tab === name), data: { testid: `tab-${name}` }, on: { click: () => this.#choose(name) } }, words);
      replace(this.heading, el("div", { class: "tabs", role: "tablist", "aria-label": app.name }, app.home_tab === false ? null : tab("home", "Home"), tab("messages", "Messages")));
    } else {
      const who = one.members.filter((id) => id !== this.viewer).map((id) => this.directory.name(id)).join(", ");
      replace(this.heading, el("h2", { class: "heading-title" }, one.kind === "channel" ? `# ${one.title}` : shortTitle(one, this)), el("p", { class: "heading-detail" }, one.kind === "im" ? this.directory.person(one.members.find((id) => id !== this.viewer))?.title || "" : `You, ${who}`));
    }
    this.home.node.hidden = !atHome;
    this.timeline.node.hidden = this.composer.node.hidden = atHome;
  }

  #choose(tab) {
    const before = this.heading.contains(document.activeElement);
    this.tab = tab;
    this.#showTab();
    if (before) this.heading.querySelector('[aria-selected="true"]').focus();
    // The Home in the answer may be older than one that a change event has brought meanwhile: it is fetched in turn.
    api.openHome(this.viewer, tab).then(() => this.refresh("home"), (error) => this.composer.fail(error.message));
    if (tab === "messages") this.timeline.toEnd();
  }

  #conversation() {
    return this.#known.find((one) => one.id === this.channel) || null;
  }

  #keepDraft() {
    if (this.channel) this.#drafts.set(`${this.viewer} ${this.channel}`, this.composer.text);
  }

  async #loadConversations() {
    const { viewer } = this;
    const found = await api.conversations(viewer);
    if (viewer !== this.viewer) return;
    this.#known = found;
    if (!this.#conversation()) {
      const app = found.find((one) => one.with_app && one.kind === "im") || found[0];
      if (app) this.open(app.id);
    }
    this.#showConversations();
  }

  #showConversations() {
    // The app's DM stays first: the others move as messages come.
    const sorted = [...this.#known].sort((one, other) => Number(other.kind === "im" && other.with_app) - Number(one.kind === "im" && one.with_app));
    this.sidebar.show(sorted, this.channel);
    this.onUnread(this, this.#known.reduce((sum, one) => sum + one.unread, 0));
  }

  async #loadMessages() {
    const { viewer, channel } = this;
    if (!channel) return;
    const messages = await api.messages(viewer, channel);
    if (viewer !== this.viewer || channel !== this.channel) return;
    this.timeline.show(messages, () => this.#emptyState());
    const one = this.#conversation();
    if (one?.unread && this.tab === "messages" && this.node.offsetParent) {
      one.unread = 0;
      api.read(viewer, channel).catch(() => {}); // counted again with the next change
    }
    this.#showConversations();
  }

  async #loadModals() {
    const { viewer } = this;
    const stack = await api.modals(viewer);
    if (viewer === this.viewer) this.modals.show(stack);
  }

  async #loadHome() {
    const { viewer } = this;
    if (this.tab !== "home") return;
    const view = await api.home(viewer);
    if (viewer === this.viewer) this.home.show(view);
  }

  /** What stands where no messages are. */
  #emptyState() {
    const one = this.#conversation();
    if (!one?.with_app || one.kind !== "im") return nothingYet();
    return welcome({
      app: this.directory.app, person: this.person, examples: this.examples,
      onSend: (text) => this.say({ text }).catch((error) => this.composer.fail(error.message)),
      onPrepare: (text) => this.composer.begin(text),
    });
  }

  async #command(text) {
    const [, command, rest] = text.trim().match(/^(\/\S+)\s*([\s\S]*)$/);
    const answer = await api.command(this.viewer, { command, text: rest, channel: this.channel });
    // Of an app that fails a message in the channel tells; of a command that there is not, nothing does.
    if (answer.error === "unknown_command") throw new Error(`${answer.shown} ${NO_COMMAND}`);
    this.refresh("messages");
  }

  #quietly(promise) {
    return promise.then(() => this.refresh("messages")).catch((error) => this.composer.fail(error.message));
  }
}
