// The search in the head of the page: finds nodes, switches, links and ports by parts of their names and addresses.
import { h } from "./dom.js";

const most = 12;

/** Makes a combobox of `field` and `list`; `select(kind, name)` is called for what was chosen. */
export function createSearch(field, list, store, select) {
  let found = [];
  let at = 0;

  function everything() {
    const things = store.graph.vertices.map((vertex) => {
      const kind = vertex.kind === "switch" ? "switch" : store.live.nodes.has(vertex.name) ? "node" : "port";
      return [kind, vertex.name, `${vertex.kind} ${vertex.addresses.join(" ")}`];
    });
    const known = new Set(things.map(([, name]) => name));
    const links = store.graph.edges.filter((edge) => !store.ports.has(edge.name))
      .map((edge) => ["link", edge.name, `${edge.first} ${edge.second} ${edge.label}`]);
    const ports = [...store.ports.values()].filter((port) => !known.has(port.name))
      .map((port) => ["port", port.name, `${port.mac ?? ""} ${port.switch ?? ""}`]);
    return [...things, ...links, ...ports];
  }

  function look() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = words.length === 0 ? [] : everything().filter(([kind, name, text]) => {
      const all = `${kind} ${name} ${text}`.toLowerCase();
      return words.every((word) => all.includes(word));
    });
    // What begins with the words comes first.
    found.sort((a, b) => b[1].toLowerCase().startsWith(words[0]) - a[1].toLowerCase().startsWith(words[0]));
    found = found.slice(0, most);
    at = 0;
    draw();
  }

  function draw() {
    list.replaceChildren(...found.map(([kind, name, text], index) => h("li", {
      role: "option", id: `found-${index}`, "aria-selected": String(index === at),
      onpointerdown: (event) => event.preventDefault(), onclick: () => choose(index),
    }, h("b", {}, name), ` ${kind}`, h("small", {}, text))));
    list.hidden = found.length === 0;
    field.setAttribute("aria-expanded", String(found.length > 0));
    if (found.length) field.setAttribute("aria-activedescendant", `found-${at}`);
    else field.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    const [kind, name] = found[index];
    clear();
    select(kind, name);
  }

  function clear() {
    field.value = "";
    found = [];
    draw();
  }

  field.addEventListener("input", look);
  field.addEventListener("focus", look);
  field.addEventListener("blur", () => { found = []; draw(); });
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") {
      clear();
      field.blur();
    } else if (step && found.length) {
      event.preventDefault();
      at = (at + step + found.length) % found.length;
      draw();
    } else if (event.key === "Enter" && found.length) {
      choose(at);
    }
  });
  return { focus: () => field.focus() };
}
