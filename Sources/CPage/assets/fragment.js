// What is open stands in the address's fragment, `#node=vm1&tab=ports&panel=events`, so that a view can be sent to
// somebody else, and the browser's back and forward work.

const subjects = ["node", "switch", "link", "port"];

/** What the address says: `{ kind, name, tab, panel }`; kind is empty when nothing is selected. */
export function read() {
  const words = new URLSearchParams(location.hash.slice(1));
  const kind = subjects.find((subject) => words.get(subject)) ?? "";
  return {
    kind, name: kind ? words.get(kind) : "", tab: words.get("tab") || "overview", panel: words.get("panel") ?? "",
  };
}

/** Writes a view into the address; the one before is where the browser's back leads. */
export function write(view) {
  const words = new URLSearchParams();
  if (view.kind) {
    words.set(view.kind, view.name);
    if (view.tab !== "overview") words.set("tab", view.tab);
  }
  if (view.panel) words.set("panel", view.panel);
  // Slashes and colons of names need no escaping here, and read better without.
  const text = words.toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
  const address = location.pathname + (text ? `#${text}` : "");
  if (address !== location.pathname + location.hash) history.pushState(null, "", address);
}

/** Calls `listener` with the view when somebody goes back or forward, or edits the address. */
export function follow(listener) {
  addEventListener("popstate", () => listener(read()));
}
