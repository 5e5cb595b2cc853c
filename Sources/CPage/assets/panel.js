// The panel below the map: tables of ports, stations and VLANs, live frames, events, and a tab for each open console.
// What a tab shows is made when it is looked at for the first time and goes on while another is in front.
import { h, tabList, wordsOf } from "./dom.js";

/** Tabs of other modules: each has `open(container, context, options)`, which returns `{ close() }`. */
const modules = {
  ports: ["Ports", "./tables.js", { kind: "ports" }],
  stations: ["Stations", "./tables.js", { kind: "stations" }],
  vlans: ["VLANs", "./tables.js", { kind: "vlans" }],
  frames: ["Frames", "./frames.js", { targets: [] }],
  events: ["Events", "./events.js", {}],
};

const heightKey = "apus.panel.height";

/**
 * Makes the panel in `root`.
 * @param context what modules get: api, stream, socket, lab, toast.
 * @param onChange called with the tab that a person chose: `""` when the panel was folded.
 */
export function createPanel(root, context, onChange) {
  const tabs = h("div", { role: "tablist", class: "tabs", "aria-label": "Tables, consoles, frames, events" });
  const fold = h("button", { type: "button", id: "fold", "aria-expanded": "false", onclick: () => choose("") });
  const body = h("div", { id: "panel-body" });
  const edge = h("div", {
    class: "edge-handle", role: "separator", "aria-orientation": "horizontal", tabindex: 0,
    "aria-label": "Height of the panel",
  });
  root.append(edge, h("div", { class: "bar" }, tabs, fold), body);
  /** By tab: `{ title, file, options, container, opened }`, in the order of the tabs. */
  const pages = new Map();
  for (const [id, [title, file, options]] of Object.entries(modules)) pages.set(id, { title, file, options });
  let shown = "";

  function draw() {
    const list = [...pages].map(([id, page]) => ({ id, title: page.title, onClose: page.canClose && (() => close(id)) }));
    tabList(tabs, list, shown || list[0].id, "panel-body", choose);
    root.classList.toggle("open", shown !== "");
    fold.replaceChildren(shown ? "▾" : "▴", h("span", { class: "wide-only" }, shown ? " fold" : " open"));
    fold.setAttribute("aria-label", shown ? "Fold the panel (P)" : "Open the panel (P)");
    fold.setAttribute("aria-expanded", String(shown !== ""));
    for (const [id, page] of pages) if (page.container) page.container.hidden = id !== shown;
  }

  async function start(page) {
    const container = h("div", { class: "page", role: "tabpanel", "aria-label": page.title });
    page.container = container;
    body.append(container);
    try {
      const module = await import(page.file);
      // It was closed meanwhile: nobody would end what begins now.
      if (!container.isConnected) return;
      page.opened = module.open(container, context, page.options);
    } catch (error) {
      container.append(h("p", { class: "empty" }, `${page.title} cannot be shown: ${wordsOf(error)}`));
    }
  }

  /** Shows a tab without telling anybody; `""` folds the panel. */
  function show(id) {
    const console = /^(console|shell):(.+)$/.exec(id);
    if (console && !pages.has(id)) add(id, console[2], console[1]);
    if (id && !pages.has(id)) return;
    shown = id;
    const page = pages.get(id);
    if (page && !page.container) start(page);
    draw();
    page?.opened?.shown?.();
    // In a narrow window not all of them can be seen.
    tabs.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function choose(id) {
    show(id === "" && !shown ? "ports" : id);
    onChange(shown);
  }

  function add(id, node, mode) {
    const title = mode === "console" ? `${node} console` : `${node} shell`;
    pages.set(id, { title, file: "./console.js", options: { node, mode }, canClose: true });
  }

  function close(id) {
    const page = pages.get(id);
    page?.opened?.close();
    page?.container?.remove();
    pages.delete(id);
    if (shown === id) choose("");
    else draw();
  }

  /** The height is a part of the page's, so that it fits a window of another size. */
  function setHeight(share) {
    const bounded = Math.min(0.8, Math.max(0.15, share));
    document.documentElement.style.setProperty("--panel-share", bounded);
    edge.setAttribute("aria-valuenow", Math.round(bounded * 100));
    edge.setAttribute("aria-valuemin", 15);
    edge.setAttribute("aria-valuemax", 80);
    localStorage.setItem(heightKey, bounded);
    return bounded;
  }

  let share = setHeight(Number(localStorage.getItem(heightKey)) || 0.35);
  edge.addEventListener("pointerdown", (event) => {
    edge.setPointerCapture(event.pointerId);
    const move = (moved) => { share = setHeight(1 - moved.clientY / innerHeight); };
    edge.addEventListener("pointermove", move);
    edge.addEventListener("pointerup", () => edge.removeEventListener("pointermove", move), { once: true });
  });
  edge.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 0.05, ArrowDown: -0.05 }[event.key];
    if (!step) return;
    event.preventDefault();
    share = setHeight(share + step);
  });
  draw();
  return {
    show,
    choose,
    /** Opens live frames of some ports in front. */
    openFrames(targets) {
      const old = pages.get("frames");
      old.opened?.close();
      old.container?.remove();
      pages.set("frames", { ...old, options: { targets }, container: undefined, opened: undefined });
      choose("frames");
    },
    get shown() { return shown; },
  };
}
