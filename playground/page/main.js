// Starts the page: three people's screens, kept up to date by the playground's events.

import { api, listen } from "./api.js";
import { Column } from "./column.js";
import { Directory } from "./directory.js";
import { coalesce, el, replace } from "./dom.js";
import { Drawer } from "./drawer.js";
import { ask } from "./menus.js";
import { roleName } from "./sidebar.js";

const ROLES = ["requester", "agent", "admin"];
const DEFAULTS = { requester: "U0RILEY", agent: "U0ANA", admin: "U0MORGAN" };
const CONNECTIONS = { http: "events over HTTP", socket: "Socket Mode", none: "no app connected yet" };

const connection = document.getElementById("connection");

function title(directory) {
  const words = `${directory.app.name} playground`;
  document.title = words;
  document.getElementById("product").textContent = words;
}

function showConnection(app, reachable = true) {
  const kind = !reachable ? "lost" : app.installed === false ? "none" : app.connected;
  connection.dataset.kind = kind;
  connection.textContent = kind === "lost" ? "playground not reachable, trying again…" : app.installed === false ? "app uninstalled" : CONNECTIONS[kind] || kind;
}

/** The person of a column: the one in the address (?agent=U0BEN), else the default, else anybody of that role. */
function personFor(role, directory) {
  const wanted = new URLSearchParams(location.search).get(role);
  return [wanted, DEFAULTS[role]].map((id) => directory.person(id)).find((one) => one && !one.is_app) || directory.people.find((one) => one.role === role) || directory.people[0];
}

/** On narrow screens one column is shown at a time; these choose which. */
function columnTabs(columns) {
  const tabs = new Map(columns.map((column) => [column, el("button", { type: "button", class: "column-tab", on: { click: () => show(column) } }, column.label)]));
  const show = (shown) => {
    for (const [column, tab] of tabs) {
      tab.setAttribute("aria-pressed", String(column === shown));
      column.node.classList.toggle("chosen", column === shown);
    }
    shown.refresh("messages");
  };
  replace(document.getElementById("column-tabs"), [...tabs.values()]);
  return { show, unread: (column, count) => tabs.get(column)?.classList.toggle("unread", count > 0) };
}

async function start() {
  const [state, examples] = await Promise.all([api.state(), fetch("examples.json").then((answer) => answer.json())]);
  const directory = new Directory(state);
  title(directory);
  let tabs = null;
  const columns = ROLES.map((role) => new Column({ role, label: roleName(role), directory, examples, person: personFor(role, directory), onUnread: (column, count) => tabs?.unread(column, count) }));
  replace(document.getElementById("columns"), columns.map((column) => column.node));
  tabs = columnTabs(columns);
  tabs.show(columns[0]);
  const drawer = new Drawer(document.getElementById("drawer"));
  const refreshState = coalesce(async () => {
    const { app, ...rest } = await api.state();
    directory.take({ app, ...rest });
    title(directory);
    showConnection(app);
  });
  const refreshAll = () => Promise.all([refreshState(), drawer.refresh(), ...columns.map((column) => column.refreshAll())]).catch(() => showConnection(directory.app, false));
  showConnection(state.app);
  listen({
    onOpen: refreshAll,
    onLost: () => showConnection(directory.app, false),
    onChange: (change) => {
      if (change.what === "log") drawer.changed();
      else if (change.what === "app" || change.what === "people") refreshState().then(() => columns.forEach((column) => column.refresh("conversations")), () => {});
      columns.forEach((column) => column.changed(change));
    },
  });
  document.getElementById("reset").addEventListener("click", async () => {
    const sure = await ask({ layer: document.body, title: "Start over?", text: "All messages, open forms and the log of this playground are forgotten. People stay. What the app itself has stored stays too.", yes: "Start over", no: "Cancel", danger: true });
    if (!sure) return;
    await api.reset().catch(() => showConnection(directory.app, false));
    await refreshState().catch(() => {});
    // Somebody who was added later is gone now; their screen goes to the one who had it at the start.
    columns.forEach((column) => column.become(directory.person(column.viewer) || personFor(column.role, directory)));
    refreshAll();
  });
}

start().catch((error) => {
  document.getElementById("columns").append(el("p", { class: "fatal", role: "alert" }, `The page could not start: ${error.message}`));
});
