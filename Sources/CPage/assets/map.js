// The map: nodes by kind (form and word), switches, links coloured and dashed by VLAN, with live carrier, rates and drops.
// It begins with the places that `apus graph --format svg` has; what somebody drags is kept in this browser.
import { h, save, setText, svg, toast } from "./dom.js";
import { curveAround, curve, wordPlace } from "./lines.js";
import { amount, bitsBothWays, sign, stateWords } from "./words.js";

const width = 128;
const height = 48;
/** Pixels at the lower edge of the window that the buttons of the map take. */
const buttonSpace = 44;
/** Of more links, words are where they fall: to look for places takes time that grows with the square. */
const placedLimit = 400;

/** Outlines by kind: a form for each, so that colour is not all that tells them apart. */
function outline(kind) {
  const [w, t] = [width / 2, height / 2];
  const box = (round) => svg("rect", { x: -w, y: -t, width, height, rx: round, class: "box" });
  switch (kind) {
    case "switch": return [svg("path", { d: `M${-w} 0l14 ${-t}h${width - 28}l14 ${t}-14 ${t}h${28 - width}z`, class: "box" })];
    case "vm": return [box(3), svg("path", { d: `M${-w} ${-t + 5}h${width}`, class: "stroke" })];
    case "container": return [box(3), svg("rect", { x: -w + 4, y: -t + 4, width: width - 8, height: height - 8, class: "stroke" })];
    case "netns": return [box(t)];
    default: return [svg("path", { d: `M${-w} ${-t}h${width - 14}l14 14v${height - 14}h${-width}z`, class: "box" })];
  }
}

/**
 * Makes the map in `root`.
 * @param actions `{ select(kind, name), menu(kind, name, x, y) }`, called for what a person does.
 */
export function createMap(root, store, actions) {
  const scene = svg("g");
  const lines = svg("g");
  const words = svg("g", { "aria-hidden": "true" });
  const things = svg("g");
  scene.append(lines, words, things);
  const canvas = svg("svg", {
    id: "map", role: "group", tabindex: -1,
    "aria-label": "Map. Arrow keys go from one thing to the next, L to its links, Enter opens, Shift F10 is the menu.",
  }, scene);
  const legend = h("ul", { id: "legend", "aria-label": "VLANs" });
  const empty = h("p", { class: "empty", hidden: true }, "No lab is up: apus up FILE");
  const file = h("input", { type: "file", accept: ".json,application/json", hidden: true, onchange: readPlaces });
  const button = (text, label, onclick) => h("button", { type: "button", "aria-label": label, title: label, onclick }, text);
  root.append(legend, canvas, empty, h("div", { id: "map-tools", role: "toolbar", "aria-label": "Map" },
    button("+", "Nearer (+)", () => zoom(1.25)), button("−", "Farther (-)", () => zoom(0.8)),
    button("⤢", "Everything (0)", fit), button("⇩", "Save the places of things to a file", writePlaces),
    button("⇧", "Take the places of things from a file", () => file.click()),
    button("↺", "Places as they were", forgetPlaces), file));

  /** By name: `{ vertex, x, y, group, state }`; `{ edge, group, wire, core, hit, words, rate, marks, bend, place }`. */
  const vertices = new Map();
  const edges = new Map();
  let view = { x: 0, y: 0, k: 1 };
  let chosen = "";
  let focused = "";
  let isFitted = false;
  /** Somebody has looked at a part of it: it stays there when the window gets another size. */
  let hasMoved = false;

  // MARK: Places

  const key = () => `apus.places.${store.lab}`;

  function kept() {
    try {
      return JSON.parse(localStorage.getItem(key())) ?? {};
    } catch {
      return {};
    }
  }

  function keep() {
    const places = {};
    for (const [name, { x, y, vertex }] of vertices) {
      if (x !== vertex.x || y !== vertex.y) places[name] = [Math.round(x), Math.round(y)];
    }
    localStorage.setItem(key(), JSON.stringify(places));
  }

  function writePlaces() {
    const places = Object.fromEntries([...vertices].map(([name, { x, y }]) => [name, [Math.round(x), Math.round(y)]]));
    save(`${store.lab}.places.json`, JSON.stringify({ lab: store.lab, places }, null, 1), "application/json");
  }

  async function readPlaces() {
    try {
      const { places } = JSON.parse(await file.files[0].text());
      // All of it is read before anything is moved.
      const known = Object.entries(places).filter(([name, [x, y]]) =>
        vertices.has(name) && Number.isFinite(x) && Number.isFinite(y));
      for (const [name, [x, y]] of known) Object.assign(vertices.get(name), { x, y });
      keep();
      placeAll();
      fit();
      toast(`${known.length} of ${vertices.size} places taken`, "good");
    } catch (error) {
      toast(`this is no file of places: ${error.message}`, "bad");
    }
    file.value = "";
  }

  function forgetPlaces() {
    localStorage.removeItem(key());
    for (const thing of vertices.values()) Object.assign(thing, { x: thing.vertex.x, y: thing.vertex.y });
    placeAll();
    fit();
  }

  // MARK: Drawing

  function draw() {
    const places = kept();
    vertices.clear();
    edges.clear();
    setClasses();
    for (const vertex of store.graph.vertices) {
      const [x, y] = Array.isArray(places[vertex.name]) ? places[vertex.name] : [vertex.x, vertex.y];
      vertices.set(vertex.name, { vertex, x, y, ...drawVertex(vertex) });
    }
    const pairs = new Map();
    for (const edge of store.graph.edges) {
      const pair = [edge.first, edge.second].sort().join(" ");
      const nth = pairs.get(pair) ?? 0;
      pairs.set(pair, nth + 1);
      // Links between the same two things are bent away from each other.
      edges.set(edge.name, { edge, bend: (nth % 2 ? 1 : -1) * Math.ceil(nth / 2) * 28, ...drawEdge(edge) });
    }
    things.replaceChildren(...[...vertices.values()].map((thing) => thing.group));
    lines.replaceChildren(...[...edges.values()].map((line) => line.group));
    words.replaceChildren(...[...edges.values()].map((line) => line.words));
    empty.hidden = vertices.size > 0;
    placeAll();
    for (const name of vertices.keys()) updateVertex(name);
    for (const name of edges.keys()) updateEdge(name);
    if (!vertices.has(focused)) focused = vertices.keys().next().value ?? "";
    vertices.get(focused)?.group.setAttribute("tabindex", 0);
    mark();
    if (!isFitted && vertices.size) fit();
  }

  function drawVertex(vertex) {
    const state = svg("text", { class: "state", y: 15 });
    const title = vertex.name.length > 15 ? `${vertex.name.slice(0, 7)}…${vertex.name.slice(-7)}` : vertex.name;
    const group = svg("g", { class: `thing ${vertex.kind}`, role: "button", tabindex: -1, "data-name": vertex.name },
      ...outline(vertex.kind), svg("text", { class: "name", y: -2 }, title), state, svg("title", {}, vertex.name));
    // The size at which the name fits, by the width of a letter of the widest usual font.
    group.style.setProperty("--room", `${Math.min(30, (width - 10) / (0.69 * title.length)).toFixed(1)}px`);
    return { group, state };
  }

  function drawEdge(edge) {
    const wire = svg("path", { class: "wire" });
    const core = svg("path", { class: "core" });
    const hit = svg("path", { class: "hit" });
    const rate = svg("text", { class: "rate", y: 14 });
    const marks = svg("text", { class: "marks" });
    const group = svg("g", { class: "line", role: "button", tabindex: -1, "data-name": edge.name }, hit, wire, core);
    return { group, wire, core, hit, words: svg("g", {}, svg("text", { class: "label", y: -7 }, edge.label), rate, marks), rate, marks };
  }

  /** Colours and dashes of VLANs, in their order; the same VLAN has the same ones on every link. */
  const classes = new Map();

  function setClasses() {
    classes.clear();
    const used = new Set([...store.ports.values()].filter((port) => port.mode === "access").map((port) => port.pvid));
    [...used].sort((a, b) => a - b).forEach((vlan, index) => classes.set(vlan, `v${index % 8}`));
    const rows = [...classes].slice(0, 24).map(([vlan, name]) => h("li", {},
      svg("svg", { class: `swatch line ${name}`, viewBox: "0 0 30 8", "aria-hidden": "true" }, svg("path", { class: "wire", d: "M1 4h28" })),
      store.vlanNames.has(vlan) ? `${vlan} ${store.vlanNames.get(vlan)}` : `${vlan}`));
    legend.replaceChildren(...rows);
    legend.hidden = rows.length === 0;
  }

  function placeAll() {
    for (const [name, thing] of vertices) {
      thing.group.setAttribute("transform", `translate(${thing.x} ${thing.y})`);
    }
    for (const line of edges.values()) line.place = null;
    for (const name of edges.keys()) placeEdge(name);
  }

  function placeEdge(name) {
    const line = edges.get(name);
    const [a, b] = [vertices.get(line.edge.first), vertices.get(line.edge.second)];
    if (!a || !b) return;
    const all = [...vertices.values()];
    // What goes behind a thing looks as if it ended there. The many links of a switch do that all the same.
    const isAccess = store.ports.get(line.edge.ports[0])?.mode === "access";
    const shape = isAccess ? curve(a, b, line.bend) : curveAround(a, b, line.bend, all.filter((thing) => thing !== a && thing !== b));
    for (const part of [line.wire, line.core, line.hit]) part.setAttribute("d", shape.path);
    // Nearer to a node, where the links of a switch are not all at one place; and not where wires cross trunks.
    const t = a.vertex.kind === "switch" ? 0.5 : b.vertex.kind === "switch" ? 0.42 : 0.32;
    const isPlaced = edges.size <= placedLimit;
    const others = isPlaced ? [...edges.values()].filter((other) => other !== line && other.place).map((other) => other.place) : [];
    line.place = wordPlace(shape, t, isPlaced ? all : [], others);
    line.words.setAttribute("transform", `translate(${line.place.x} ${line.place.y})`);
  }

  // MARK: What is live

  function updateVertex(name) {
    const thing = vertices.get(name);
    if (!thing) return;
    const { kind } = thing.vertex;
    if (kind === "switch") {
      const stations = store.live.switches.get(name)?.stations ?? 0;
      setText(thing.state, `switch, ${stations} station${stations === 1 ? "" : "s"}`);
      thing.group.setAttribute("aria-label", `${name}, switch, ${stations} stations`);
      return;
    }
    const node = store.live.nodes.get(name);
    const words = stateWords(node);
    setText(thing.state, node ? `${kind} ${sign(node.state)} ${words}` : kind);
    thing.group.setAttribute("class", `thing ${kind} ${node?.state ?? ""} ${name === chosen ? "chosen" : ""}`);
    thing.group.setAttribute("aria-label", `${name}, ${kind}${words ? `, ${words}` : ""}`);
  }

  function updateEdge(name) {
    const line = edges.get(name);
    if (!line) return;
    const { edge } = line;
    const live = store.live.links.get(name);
    const port = store.ports.get(edge.ports[0]);
    const rates = store.rates(edge);
    const isDown = live?.carrier === "down";
    const isTrunk = port?.mode === "trunk";
    const kind = port?.mode === "access" ? classes.get(port.pvid) ?? "" : isTrunk ? "trunk" : "plain";
    const faults = live?.impair ? "impaired" : "";
    const isBusy = rates.there + rates.back > 0;
    const rate = isBusy ? bitsBothWays(rates.bytesThere, rates.bytesBack) : "";
    const marks = [];
    if (isDown) marks.push("✕ down");
    if (rates.drops) marks.push(`⚠ ${amount(rates.drops)} drops/s`);
    if (faults) marks.push("≈ impaired");
    setText(line.rate, rate);
    setText(line.marks, marks.join("  "));
    line.marks.setAttribute("class", rates.drops || isDown ? "marks bad" : "marks");
    line.marks.setAttribute("y", rate ? 26 : 14);
    line.words.setAttribute("class", `words ${isTrunk ? "trunk" : ""} ${name === chosen ? "chosen" : ""}`);
    line.group.setAttribute(
      "class", `line ${kind} ${isDown ? "down" : ""} ${isBusy ? "busy" : ""} ${faults} ${name === chosen ? "chosen" : ""}`);
    line.group.setAttribute(
      "aria-label", `Link ${name}, ${edge.first} to ${edge.second}, ${edge.label}, ${[rate, ...marks].filter(Boolean).join(", ") || "up, idle"}`);
  }

  store.on("change", (changed) => {
    for (const name of changed.nodes) updateVertex(name);
    for (const name of changed.switches) updateVertex(name);
    const touched = new Set(changed.links);
    for (const port of changed.ports) {
      const edge = byPort.get(port);
      if (edge) touched.add(edge);
    }
    for (const name of touched) updateEdge(name);
  });
  const byPort = new Map();
  store.on("graph", () => {
    byPort.clear();
    for (const edge of store.graph.edges) for (const port of edge.ports) byPort.set(port, edge.name);
    draw();
  });

  // MARK: Looking

  function show() {
    scene.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
    canvas.setAttribute("class", view.k < 0.45 ? "far farther" : view.k < 0.62 ? "far" : "");
  }

  function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    hasMoved = true;
    const k = Math.min(4, Math.max(0.05, view.k * factor));
    view = { k, x: x - ((x - view.x) * k) / view.k, y: y - ((y - view.y) * k) / view.k };
    show();
  }

  function fit() {
    const all = [...vertices.values()];
    if (all.length === 0 || canvas.clientWidth === 0) return;
    const [xs, ys] = [all.map((thing) => thing.x), all.map((thing) => thing.y)];
    const [left, right] = [Math.min(...xs) - width / 2 - 16, Math.max(...xs) + width / 2 + 16];
    const [top, bottom] = [Math.min(...ys) - height, Math.max(...ys) + height];
    const space = Math.max(canvas.clientHeight - buttonSpace, canvas.clientHeight / 2);
    const k = Math.min(1.4, canvas.clientWidth / (right - left), space / (bottom - top));
    view = { k, x: (canvas.clientWidth - k * (left + right)) / 2, y: (space - k * (top + bottom)) / 2 };
    isFitted = true;
    hasMoved = false;
    show();
  }

  new ResizeObserver(() => { if (!isFitted || !hasMoved) fit(); }).observe(canvas);

  // MARK: Pointer

  const pointers = new Map();
  let grip = null;

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const name = event.target.closest(".thing")?.dataset.name;
    pointers.set(event.pointerId, event);
    grip = { x: event.clientX, y: event.clientY, thing: vertices.get(name), view: { ...view }, hasMoved: false };
    if (grip.thing) Object.assign(grip, { left: grip.thing.x, top: grip.thing.y });
    canvas.setPointerCapture(event.pointerId);
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = pointers.get(event.pointerId);
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) return pinch(event, before);
    const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
    if (!grip.hasMoved && Math.hypot(dx, dy) < 4) return;
    grip.hasMoved = hasMoved = true;
    if (grip.thing) {
      move(grip.thing, grip.left + dx / view.k, grip.top + dy / view.k);
    } else {
      Object.assign(view, { x: grip.view.x + dx, y: grip.view.y + dy });
      show();
    }
  });

  const release = (event) => {
    if (!pointers.delete(event.pointerId) || pointers.size) return;
    if (grip.thing && grip.hasMoved) {
      keep();
      // Lines of others go around it now, and their words are elsewhere.
      placeAll();
    }
    // The pointer is captured: what is below it is asked for.
    if (!grip.hasMoved && event.type === "pointerup") {
      const subject = subjectOf(document.elementFromPoint(event.clientX, event.clientY));
      if (subject) actions.select(...subject);
    }
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);

  function pinch(event, before) {
    const other = [...pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    const box = canvas.getBoundingClientRect();
    const distance = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY) || 1;
    grip.hasMoved = hasMoved = true;
    grip.thing = null;
    zoom(distance(event) / distance(before), (event.clientX + other.clientX) / 2 - box.left,
      (event.clientY + other.clientY) / 2 - box.top);
    Object.assign(grip, { x: event.clientX, y: event.clientY, view: { ...view } });
  }

  function move(thing, x, y) {
    Object.assign(thing, { x, y });
    thing.group.setAttribute("transform", `translate(${x} ${y})`);
    for (const edge of store.edgesOf(thing.vertex.name)) placeEdge(edge.name);
  }

  /** `[kind, name]` of what an element belongs to. */
  function subjectOf(element) {
    const thing = element?.closest?.(".thing")?.dataset.name;
    if (thing) return kindOf(thing);
    const line = element?.closest?.("#map .line")?.dataset.name;
    return line ? ["link", line] : null;
  }

  function kindOf(name) {
    const { kind } = vertices.get(name).vertex;
    if (kind === "switch") return ["switch", name];
    return store.live.nodes.has(name) ? ["node", name] : ["port", name];
  }

  canvas.addEventListener("contextmenu", (event) => {
    const subject = subjectOf(event.target);
    if (!subject) return;
    event.preventDefault();
    actions.menu(...subject, event.clientX, event.clientY);
  });

  // MARK: Keys

  canvas.addEventListener("keydown", (event) => {
    // Those are the browser's, which makes the page itself larger by them.
    if (event.ctrlKey || event.metaKey) return;
    const subject = subjectOf(event.target);
    const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "+" || event.key === "=") zoom(1.25);
    else if (event.key === "-") zoom(0.8);
    else if (event.key === "0") fit();
    else if (!subject) return;
    else if (event.key === "Enter" || event.key === " ") actions.select(...subject);
    else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      const box = event.target.getBoundingClientRect();
      actions.menu(...subject, box.left + box.width / 2, box.top + box.height / 2);
    } else if (event.key === "l" || event.key === "L") nextLine(subject);
    else if (direction && event.altKey && subject[0] !== "link") {
      const thing = vertices.get(subject[1]);
      move(thing, thing.x + 20 * direction[0], thing.y + 20 * direction[1]);
      keep();
      placeAll();
    } else if (direction) neighbour(subject, direction);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function focus(name) {
    vertices.get(focused)?.group.setAttribute("tabindex", -1);
    focused = name;
    const thing = vertices.get(name);
    thing.group.setAttribute("tabindex", 0);
    thing.group.focus({ preventScroll: true });
    reveal(thing.x, thing.y);
  }

  /** Moves the view so that a place of the map can be seen. */
  function reveal(x, y) {
    const [left, top] = [x * view.k + view.x, y * view.k + view.y];
    const edge = Math.min(80, canvas.clientWidth / 4, canvas.clientHeight / 4);
    const into = (at, size) => (at < edge ? edge - at : at > size - edge ? size - edge - at : 0);
    const [dx, dy] = [into(left, canvas.clientWidth), into(top, canvas.clientHeight)];
    if (!dx && !dy) return;
    Object.assign(view, { x: view.x + dx, y: view.y + dy });
    show();
  }

  /** The nearest thing in a direction: what is straight ahead counts as nearer than what is aside. */
  function neighbour([kind, name], [dx, dy]) {
    const from = vertices.get(kind === "link" ? edges.get(name).edge.first : name);
    let best = null;
    for (const [other, thing] of vertices) {
      const [x, y] = [thing.x - from.x, thing.y - from.y];
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (ahead <= 0 || aside > 2 * ahead) continue;
      const cost = ahead + 2 * aside;
      if (!best || cost < best.cost) best = { cost, other };
    }
    if (best) focus(best.other);
    else if (kind === "link") focus(from.vertex.name);
  }

  /** From a thing to its first link, from a link to the next one of the same thing. */
  function nextLine([kind, name]) {
    const owner = kind === "link" ? focused : name;
    const own = store.edgesOf(owner).map((edge) => edge.name);
    if (own.length === 0) return;
    const next = kind === "link" ? own[(own.indexOf(name) + 1) % own.length] : own[0];
    edges.get(next).group.focus({ preventScroll: true });
  }

  function mark() {
    for (const [name, thing] of vertices) thing.group.classList.toggle("chosen", name === chosen);
    for (const [name, line] of edges) {
      for (const part of [line.group, line.words]) part.classList.toggle("chosen", name === chosen);
    }
  }

  return {
    /** Marks what is selected, and brings it into sight. */
    choose(kind, name) {
      chosen = kind === "port" ? store.edgeOfPort(name)?.name ?? name : name;
      mark();
      const thing = vertices.get(chosen) ?? vertices.get(edges.get(chosen)?.edge.first);
      if (thing) reveal(thing.x, thing.y);
    },
    focus(name) { if (vertices.has(name)) focus(name); else edges.get(name)?.group.focus({ preventScroll: true }); },
    /** Focuses what the arrow keys are at. */
    enter() { if (vertices.has(focused)) focus(focused); },
  };
}
