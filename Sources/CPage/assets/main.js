// Where the page begins: signs in, puts the parts together, and keeps them and the address's fragment in step.
import { api, begin, signIn, socket, stream } from "./api.js";
import { dialog, h, setText, toast, wordsOf } from "./dom.js";
import { createDrawer, linkActions, nodeActions } from "./drawer.js";
import * as fragment from "./fragment.js";
import { createMap } from "./map.js";
import { closeMenu, openMenu, showKeys } from "./menu.js";
import { createPanel } from "./panel.js";
import { createSearch } from "./search.js";
import { Store } from "./store.js";
import { createTheme } from "./theme.js";

const element = (id) => document.getElementById(id);

/** The form for the token, for who comes without one. It stays until the token is right. */
function form() {
  let isIn = false;
  const show = () => dialog("Token", (close) => {
    const field = h("input", { type: "password", name: "token", autocomplete: "off", required: true, autofocus: true });
    const fault = h("p", { class: "fault", role: "alert" });
    const enter = async (event) => {
      event.preventDefault();
      try {
        await signIn(field.value.trim());
        isIn = true;
        close();
      } catch (error) {
        fault.textContent = wordsOf(error);
      }
    };
    return h("form", { onsubmit: enter },
      h("p", {}, "This daemon wants its token: what follows #token= in the address that ", h("code", {}, "apus up --http"), " printed."),
      h("label", {}, "Token ", field), fault, h("p", { class: "buttons" }, h("button", { class: "primary" }, "Enter")));
  });
  return (async () => { while (!isIn) await show(); })();
}

const store = new Store();
let view = fragment.read();

/** Goes to a view; `isNew` writes it into the address. */
function go(next, isNew = true) {
  const isOther = next.kind !== view.kind || next.name !== view.name || next.tab !== view.tab;
  const isOtherPanel = next.panel !== view.panel;
  view = next;
  if (isNew) fragment.write(view);
  if (isOther) {
    drawer.show(view);
    map.choose(view.kind, view.name);
  }
  if (isOtherPanel && panel.shown !== view.panel) panel.show(view.panel);
}

const select = (kind, name, tab = "overview") => {
  go({ ...view, kind, name, tab });
  if (kind) drawer.focus();
};

/** Closes the drawer; the focus goes to what it was about. */
function close() {
  const { kind, name } = view;
  go({ ...view, kind: "", name: "", tab: "overview" });
  if (kind === "port") map.enter();
  else map.focus(name);
}

/** A window in which the drawer is over all of the page, as in page.css. */
const narrow = matchMedia("(max-width: 46rem)");

/** A view in which the panel can be seen: without the drawer, where that is over it. */
const uncovered = (next) => (narrow.matches ? { ...next, kind: "", name: "", tab: "overview" } : next);

const context = {
  api, stream, socket, toast, store, select,
  get lab() { return store.lab; },
  openPanel: (id) => go(uncovered({ ...view, panel: id })),
  openFrames: (targets) => {
    go(uncovered(view), false);
    panel.openFrames(targets);
  },
};

function menu(kind, name, x, y) {
  const own = kind === "node" ? nodeActions(store, context, name) : kind === "link" ? linkActions(store, context, name) : [];
  const tabs = [["Overview", "overview"], ["Ports", "ports"], ["Faults", "faults"], ["Capture", "capture"]]
    .filter(([, tab]) => kind !== "port" || tab !== "ports")
    .map(([text, tab]) => [text, () => select(kind, name, tab)]);
  openMenu(`${kind} ${name}`, [...tabs, own.length ? null : undefined, ...own].filter((item) => item !== undefined), x, y);
}

const map = createMap(element("stage"), store, { select: (kind, name) => select(kind, name), menu });
const drawer = createDrawer(element("drawer"), store, context, {
  tab: (tab) => go({ ...view, tab }),
  close,
});
const panel = createPanel(element("panel"), context, (shown) => go({ ...view, panel: shown }));
const search = createSearch(element("search"), element("found"), store, select);
const theme = createTheme();
element("tools").append(
  theme.button, h("button", { type: "button", "aria-label": "Keys (?)", title: "Keys (?)", onclick: showKeys }, "?"));

const statusWords = {
  connecting: "◔ connecting", live: "● live", lost: "✕ the daemon does not answer", paused: "‖ paused",
};
store.on("status", (status) => {
  setText(element("status"), statusWords[status]);
  element("status").dataset.status = status;
});
store.on("graph", () => {
  setText(element("lab-name"), store.lab || "no lab");
  document.title = store.lab ? `${store.lab} – Apus` : "Apus";
  map.choose(view.kind, view.name);
});

addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, select, textarea, .xterm, dialog");
  if (event.key === "Escape" && !event.defaultPrevented && !isTyping) {
    closeMenu();
    if (view.kind) close();
  }
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  const work = {
    "/": () => search.focus(), "?": showKeys, g: () => map.enter(), p: () => panel.choose(panel.shown ? "" : "ports"),
    t: () => theme.next(),
  }[event.key];
  if (!work) return;
  event.preventDefault();
  work();
});

await begin(form);
fragment.follow((next) => go(next, false));
view = fragment.read();
drawer.show(view);
if (view.panel) panel.show(view.panel);
store.follow();
