// "What the app was told": deliveries to the app with their acknowledgement, and the app's calls.

import { api } from "./api.js";
import { coalesce, el, icon, replace } from "./dom.js";

const ROWS = 100;

export class Drawer {
  constructor(node) {
    this.node = node;
    this.summary = el("span", { class: "drawer-summary", data: { testid: "drawer-summary" } });
    this.toggle = el("button", { type: "button", class: "drawer-toggle", "aria-expanded": "false", "aria-controls": "drawer-body", data: { testid: "drawer-toggle" }, on: { click: () => this.#flip() } },
      icon("pulse"), el("span", { class: "drawer-title" }, "What the app was told"), this.summary, icon("chevron"));
    this.deliveries = el("div", { class: "log", tabindex: "0", role: "region", "aria-label": "Deliveries" });
    this.calls = el("div", { class: "log", tabindex: "0", role: "region", "aria-label": "API calls" });
    this.body = el("div", { id: "drawer-body", class: "drawer-body", hidden: true, data: { testid: "drawer" } }, this.deliveries, this.calls);
    replace(node, this.toggle, this.body);
    this.refresh = coalesce(() => this.#load());
    this.soon = 0;
  }

  /** The log changes with every call the app makes: fetched at most four times a second. */
  changed() {
    if (this.soon) return;
    this.soon = setTimeout(() => {
      this.soon = 0;
      this.refresh().catch(() => {}); // the top bar says when the playground is gone
    }, 250);
  }

  #flip() {
    this.body.hidden = !this.body.hidden;
    this.toggle.setAttribute("aria-expanded", String(!this.body.hidden));
    this.refresh().catch(() => {});
  }

  async #load() {
    const { deliveries, calls } = await api.log(ROWS);
    const last = deliveries.at(-1);
    const many = (list, word) => `${list.length}${list.length === ROWS ? "+" : ""} ${word}${list.length === 1 ? "" : "s"}`;
    this.summary.textContent = last ? `${many(deliveries, "delivery").replace("deliverys", "deliveries")} · ${many(calls, "call")} · last ${last.name} ${outcome(last)}` : "nothing yet";
    if (this.body.hidden) return;
    draw(this.deliveries, ["Delivered", "What", "Acknowledged", "Try"], deliveries, (one) => [
      time(one.at), cell(one.name, `${one.kind} over ${one.via}${one.event_id ? ` · ${one.event_id}` : ""}`),
      status(outcome(one), one.outcome === "ok" ? (one.ack_ms > 1000 ? "slow" : "good") : "bad"),
      one.attempt ? cell(`retry ${one.attempt}`, one.retry_reason || "") : "",
    ]);
    draw(this.calls, ["Called", "Method", "Result", "Took"], calls, (one) => [
      time(one.at), cell(one.method, JSON.stringify(one.arguments).slice(0, 600)),
      status(one.fault ? `${one.error || one.status || "cut"} (${one.fault})` : one.error || (one.status === 200 ? "ok" : String(one.status ?? "cut")), one.error || one.fault || one.status !== 200 ? "bad" : "good"),
      `${one.ms.toFixed(1)} ms`,
    ]);
  }
}

function outcome(one) {
  if (one.outcome === "ok") return one.ack_ms === null ? "ok" : `${one.ack_ms.toFixed(one.ack_ms < 10 ? 1 : 0)} ms`;
  const words = { http_error: `status ${one.status}`, http_timeout: "timed out", connection_failed: "no connection", dropped: "dropped" };
  return words[one.outcome] || one.outcome;
}

const cell = (text, title) => el("span", { title }, text);
const status = (text, kind) => el("span", { class: `status status-${kind}` }, text);
const time = (at) => el("time", { datetime: at }, new Date(at).toLocaleTimeString("en-GB"));

function draw(box, heads, rows, cells) {
  replace(box, el("table", {},
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.length ? [...rows].reverse().map((row) => el("tr", {}, cells(row).map((one) => el("td", {}, one)))) : el("tr", {}, el("td", { colspan: heads.length, class: "log-empty" }, "Nothing yet.")))));
}
