// The drawer at the right: everything about what is selected, in tabs. Overview, ports, faults, capture, console; of a
// switch its stations and VLANs too.
import { api, path, stream } from "./api.js";
import { attempt, confirm, h, setText, tabList, wordsOf } from "./dom.js";
import * as faults from "./faults.js";
import * as tables from "./tables.js";
import { amount, bits, bitsBothWays, faultWords, isCut, ruleWords, sign, stateWords, vlanWords } from "./words.js";

const titles = {
  overview: "Overview", ports: "Ports", faults: "Faults", capture: "Capture", console: "Console", stations: "Stations",
  vlans: "VLANs",
};
const tabsOf = {
  node: ["overview", "ports", "faults", "capture", "console"],
  port: ["overview", "faults", "capture"],
  link: ["overview", "ports", "faults", "capture"],
  switch: ["overview", "ports", "stations", "vlans", "faults", "capture"],
};
/** Kinds of nodes that commands run in. */
const hasShell = new Set(["vm", "netns", "container"]);

/** What can be done with a node, as `[text, work]`; what ends something is asked for first. */
export function nodeActions(store, context, name) {
  const node = store.live.nodes.get(name);
  const vertex = store.vertex(name);
  const change = (verb, done) => attempt(async () => {
    await stream(path`/v1/nodes/${name}/${verb}`, {
      method: "POST", isShort: true,
      onLine: (line) => { if (line.error) throw Object.assign(new Error(line.error.message), line.error); },
    });
  }, done);
  const ask = (verb, text) => confirm(`${verb} ${name}?`, text, verb);
  const actions = [];
  if (node?.state === "running" || node?.state === "starting") {
    actions.push(["Stop", async () => {
      if (await ask("Stop", "What runs in it ends. Its links stay.")) await change("stop", `${name} is stopped`);
    }], ["Restart", async () => {
      if (!await ask("Restart", "What runs in it ends; then it starts again.")) return;
      if (await change("stop")) await change("start", `${name} is started again`);
    }]);
    if (vertex?.kind === "vm") actions.push(["Move to a new QEMU", () => change("migrate", `${name} runs in a new QEMU`)]);
  } else {
    actions.push(["Start", () => change("start", `${name} is started`)]);
  }
  if (vertex?.kind === "vm" || vertex?.kind === "container") actions.push(["Console", () => context.openPanel(`console:${name}`)]);
  if (hasShell.has(vertex?.kind)) actions.push(["Shell", () => context.openPanel(`shell:${name}`)]);
  return actions;
}

/** Cuts or gives carrier; for menus. */
export function linkActions(store, context, name) {
  const set = (body, done) => attempt(() => api("POST", path`/v1/links/${name}`, body), done);
  return [
    isCut(store.live.links.get(name)) ? ["Give it carrier", () => set({ carrier: true }, `${name} has carrier`)]
      : ["Cut it", () => set({ carrier: false }, `${name} is cut`)],
    ["As in the lab file", () => set({ reset: true }, `${name} is as in the lab file`)],
    ["Frames", () => context.openFrames(store.portsOf("link", name))],
  ];
}

/** Makes the drawer in `root`; `actions` are `{ tab(id), close() }`. */
export function createDrawer(root, store, context, actions) {
  const heading = h("h2", { tabindex: -1 });
  const state = h("p", { class: "state-line" });
  const list = h("div", { role: "tablist", class: "tabs", "aria-label": "About it" });
  const body = h("div", { id: "drawer-body", role: "tabpanel" });
  root.append(h("div", { class: "bar" }, h("div", {}, heading, state),
    h("button", { type: "button", class: "close", "aria-label": "Close (Escape)", onclick: () => actions.close() }, "×")), list, body);
  let shown = { kind: "", name: "", tab: "" };
  let closers = [];

  /** Calls `draw` now and whenever something about the ports, links or nodes named changes. */
  function follow(draw, touches = () => true) {
    draw();
    closers.push(store.on("change", (changed) => { if (touches(changed)) draw(); }));
  }

  function facts(container, rows) {
    const kept = new Map();
    const list = h("dl", { class: "facts" });
    container.append(list);
    return follow(() => {
      for (const [title, value] of rows()) {
        if (!kept.has(title)) {
          const cell = h("dd");
          kept.set(title, { cell, head: h("dt", {}, title) });
          list.append(kept.get(title).head, cell);
        }
        const text = value === undefined || value === null || value === "" ? "–" : String(value);
        setText(kept.get(title).cell, text);
      }
    });
  }

  const link = (kind, name, text = name) => h("button", { type: "button", class: "plain", onclick: () => context.select(kind, name) }, text);

  function linkList(container, edges) {
    if (edges.length === 0) return;
    const lines = edges.slice(0, 300).map((edge) => ({ edge, text: h("span") }));
    container.append(h("h3", {}, "Links"), h("ul", { class: "links" }, lines.map(({ edge, text }) => h("li", {}, link("link", edge.name), " ", text))));
    follow(() => {
      for (const { edge, text } of lines) {
        const live = store.live.links.get(edge.name);
        const rates = store.rates(edge);
        setText(text, `${sign(live?.carrier)} ${live?.carrier ?? ""}, ${edge.label}, ${bitsBothWays(rates.bytesThere, rates.bytesBack)}`
          + `${rates.drops ? `, ⚠ ${amount(rates.drops)} drops/s` : ""}${live?.impair ? `, ≈ ${faultWords(live.impair)}` : ""}`);
      }
    }, (changed) => changed.links.size + changed.ports.size > 0);
  }

  // MARK: Tabs

  const makers = {
    overview(container, kind, name) {
      if (kind === "node") nodeOverview(container, name);
      else if (kind === "port") portOverview(container, name);
      else if (kind === "link") linkOverview(container, name);
      else switchOverview(container, name);
    },
    ports(container, kind, name) {
      const own = new Set(store.portsOf(kind, name));
      if (kind === "switch") return embed(tables, container, { kind: "ports", filter: (row) => own.has(row.name) });
      for (const port of own) portCard(container, port);
    },
    stations(container, kind, name) {
      embed(tables, container, { kind: "stations", filter: (row) => row.switch === name });
    },
    vlans(container, kind, name) {
      embed(tables, container, { kind: "vlans", filter: (row) => row.switch === name });
    },
    faults(container, kind, name) {
      const edges = kind === "link" ? [store.edge(name)] : kind === "port" ? [store.edgeOfPort(name)] : store.edgesOf(name);
      const known = edges.filter(Boolean);
      if (known.length === 0) container.append(h("p", { class: "empty" }, "No link is here."));
      // A switch of hundreds has a list; the form is at each of its links.
      if (known.length > 8) return linkList(container, known);
      for (const edge of known) closers.push(faults.open(container, store, edge).close);
    },
    async capture(container, kind, name) {
      const targets = kind === "switch" ? [name] : store.portsOf(kind, name);
      const place = h("div", { class: "page" });
      container.append(place);
      try {
        const module = await import("./frames.js");
        if (!container.isConnected) return;
        embed(module, place, { targets, isNarrow: true });
      } catch (error) {
        place.append(h("p", { class: "empty" }, `Frames cannot be shown: ${wordsOf(error)}`));
      }
    },
    console(container, kind, name) {
      const ways = nodeActions(store, context, name).filter(([text]) => text === "Console" || text === "Shell");
      container.append(ways.length
        ? h("p", { class: "buttons" }, ways.map(([text, work]) => h("button", { type: "button", onclick: work }, `Open its ${text.toLowerCase()}`)))
        : h("p", { class: "empty" }, "A node of this kind has neither console nor shell."));
      if (ways.length) container.append(h("p", { class: "hint" }, "It opens in the panel below, and stays there while you look at something else."));
    },
  };

  function embed(module, container, options) {
    const opened = module.open(container, context, options);
    closers.push(() => opened.close());
  }

  function nodeOverview(container, name) {
    const vertex = store.vertex(name);
    const buttons = h("p", { class: "buttons" });
    container.append(buttons);
    let known = "";
    let row = {};
    const read = async () => {
      row = (await api("GET", "/v1/nodes").catch(() => [])).find((node) => node.node === name) ?? {};
    };
    follow(() => {
      const now = store.live.nodes.get(name)?.state ?? "";
      if (known === now && buttons.children.length) return;
      known = now;
      buttons.replaceChildren(...nodeActions(store, context, name).map(([text, work]) =>
        h("button", { type: "button", class: text === "Stop" ? "danger" : "", onclick: work }, text)));
      read().then(() => update());
    }, (changed) => changed.nodes.has(name));
    const place = h("div");
    container.append(place);
    const rows = () => [
      ["Kind", vertex?.kind], ["State", stateWords(store.live.nodes.get(name))],
      ["Addresses", vertex?.addresses.join(", ")], ["Image", row.image], ["Process", row.pid], ["Since", row.since],
      ["NIC models", row.models?.join(", ")], ["Error", store.live.nodes.get(name)?.error],
    ];
    facts(place, rows);
    const update = () => { place.replaceChildren(); facts(place, rows); };
    linkList(container, store.edgesOf(name));
  }

  function switchOverview(container, name) {
    const ports = store.portsOf("switch", name);
    facts(container, () => {
      const live = store.live.switches.get(name);
      const sum = (key) => ports.reduce((total, port) => total + (store.live.ports.get(port)?.[key] ?? 0), 0);
      return [
        ["Ports", ports.length], ["Stations", live?.stations], ["Stations that moved", live?.moves],
        ["In", bits(sum("receive_bytes_per_second"))], ["Out", bits(sum("transmit_bytes_per_second"))],
        ["Drops/s", sum("drops_per_second")], ["Dropped", sum("dropped")],
      ];
    });
    linkList(container, store.edgesOf(name));
  }

  function linkOverview(container, name) {
    const edge = store.edge(name);
    if (!edge) return;
    const isSwitch = (end) => store.vertex(end)?.kind === "switch";
    const ways = () => linkActions(store, context, name);
    const buttons = [0, 1].map((index) => h("button", { type: "button", onclick: () => ways()[index][1]() }));
    container.append(h("p", { class: "buttons" }, buttons));
    // What is to be done next is another thing when somebody has cut it meanwhile.
    follow(() => {
      const now = ways();
      buttons.forEach((button, index) => setText(button, now[index][0]));
    }, (changed) => changed.links.has(name));
    container.append(h("p", {}, [edge.first, edge.second].flatMap((end, index) => [index ? " – " : "",
      link(isSwitch(end) ? "switch" : store.live.nodes.has(end) ? "node" : "port", end)])));
    facts(container, () => {
      const live = store.live.links.get(name);
      const rates = store.rates(edge);
      return [
        ["Carrier", `${sign(live?.carrier)} ${live?.carrier ?? ""}`],
        ["Of its ports", edge.ports.map((port, index) => `${port} ${live?.carriers[index] ?? ""}`).join(", ")],
        ["VLANs", edge.label], [`From ${edge.first}`, `${bits(rates.bytesThere)}, ${amount(rates.there)} frames/s`],
        [`From ${edge.second}`, `${bits(rates.bytesBack)}, ${amount(rates.back)} frames/s`],
        ["Drops/s", rates.drops], ["Impairments", faultWords(live?.impair) || "none"],
      ];
    });
  }

  function portOverview(container, name) {
    const edge = store.edgeOfPort(name);
    if (edge) container.append(h("p", {}, "Link ", link("link", edge.name)));
    portCard(container, name);
  }

  /** All about one port: rates, and counters by reason, which are asked for while it is looked at. */
  function portCard(container, name) {
    const place = h("section", { class: "card" }, h("h3", {}, link("port", name)));
    container.append(place);
    const port = store.ports.get(name);
    facts(place, () => {
      const live = store.live.ports.get(name) ?? {};
      return [
        ["Carrier", `${sign(live.carrier)} ${live.carrier ?? ""}`], ["VLANs", vlanWords(port)], ["Kind", port?.kind],
        ["In", `${bits(live.receive_bytes_per_second ?? 0)}, ${amount(live.receive_packets_per_second ?? 0)} frames/s`],
        ["Out", `${bits(live.transmit_bytes_per_second ?? 0)}, ${amount(live.transmit_packets_per_second ?? 0)} frames/s`],
        ["Drops/s", live.drops_per_second ?? 0], ["MAC", port?.mac], ["MTU", port?.mtu], ["Error", live.error],
      ];
    });
    const rules = h("p", { class: "rules", hidden: true });
    const counters = h("table", { class: "counters" });
    place.append(rules, counters);
    const read = async () => {
      if (document.hidden) return;
      const row = await api("GET", path`/v1/ports/${name}`).catch(() => null);
      if (!row) return;
      const words = ruleWords(row.rules);
      rules.hidden = !words;
      setText(rules, words);
      const lines = [
        ["received", row.receive_packets, row.receive_bytes], ["transmitted", row.transmit_packets, row.transmit_bytes],
        ...Object.entries(row.drops.in).map(([reason, count]) => [`dropped in, ${reason}`, count, ""]),
        ...Object.entries(row.drops.out).map(([reason, count]) => [`dropped out, ${reason}`, count, ""]),
      ];
      counters.replaceChildren(
        h("thead", {}, h("tr", {}, ["Since the start", "Frames", "Bytes"].map((text, index) =>
          h("th", { scope: "col", class: index ? "number" : "" }, text)))),
        h("tbody", {}, lines.map(([title, ...numbers]) => h("tr", {}, h("th", { scope: "row" }, title),
          numbers.map((number) => h("td", { class: "number" }, number === "" ? "" : number.toLocaleString("en")))))));
    };
    read();
    const timer = setInterval(read, 2000);
    closers.push(() => clearInterval(timer));
  }

  // MARK: Showing

  function empty() {
    for (const close of closers) close();
    closers = [];
    body.replaceChildren();
  }

  function head() {
    const { kind, name } = shown;
    if (!kind) return;
    const live = kind === "node" ? store.live.nodes.get(name) : null;
    const carrier = kind === "link" ? store.live.links.get(name)?.carrier : kind === "port" ? store.live.ports.get(name)?.carrier : "";
    setText(state, live ? `${kind}, ${sign(live.state)} ${stateWords(live)}` : carrier ? `${kind}, ${sign(carrier)} ${carrier}` : kind);
  }
  store.on("change", head);

  const exists = ({ kind, name }) => ({
    node: () => store.live.nodes.has(name), switch: () => store.vertex(name)?.kind === "switch",
    link: () => Boolean(store.edge(name)), port: () => store.ports.has(name),
  })[kind]?.() ?? false;

  /** Shows something, or closes with kind `""`. */
  function show({ kind, name, tab }) {
    empty();
    root.hidden = kind === "";
    shown = { kind, name, tab };
    if (!kind) return;
    setText(heading, name);
    head();
    const ids = tabsOf[kind];
    const chosen = ids.includes(tab) ? tab : "overview";
    tabList(list, ids.map((id) => ({ id, title: titles[id] })), chosen, "drawer-body", actions.tab);
    body.setAttribute("aria-label", titles[chosen]);
    if (!exists(shown)) {
      setText(state, kind);
      body.append(h("p", { class: "empty" }, `There is no ${kind} ${name} in this lab.`));
      return;
    }
    const container = h("div", { class: "tab-page" });
    body.append(container);
    makers[chosen](container, kind, name);
  }

  // What is open is made anew when the lab has become another one.
  store.on("graph", () => { if (shown.kind) show(shown); });
  return { show, focus: () => heading.focus() };
}
