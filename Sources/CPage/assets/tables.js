// Tables of ports, stations and VLANs with a search and columns that sort: in the panel of all, in the drawer of one.
import { api } from "./api.js";
import { h, wordsOf } from "./dom.js";
import { amount, bits, sign, vlanWords } from "./words.js";

/** Rows that are drawn at most: more are found by searching. */
const limit = 400;

/**
 * What tables there are. `read(store)` answers rows, `columns` are `[title, of(row), isNumber, shown(row)]`; `seconds` is
 * how often it is read again while it is looked at, `live` that it follows the live stream instead.
 */
const kinds = {
  ports: {
    label: "Ports", live: true, select: (row) => ["port", row.name],
    read: async (store) => [...store.ports.values()].map((port) => ({ ...port, live: store.live.ports.get(port.name) ?? {} })),
    columns: [
      ["Port", (row) => row.name],
      ["Switch", (row) => row.switch ?? ""],
      ["Kind", (row) => row.kind],
      ["Carrier", (row) => row.live.carrier ?? "", false, (row) => `${sign(row.live.carrier)} ${row.live.carrier ?? ""}`],
      ["VLANs", (row) => vlanWords(row)],
      ["In", (row) => row.live.receive_bytes_per_second ?? 0, true, (row) => bits(row.live.receive_bytes_per_second ?? 0)],
      ["Out", (row) => row.live.transmit_bytes_per_second ?? 0, true, (row) => bits(row.live.transmit_bytes_per_second ?? 0)],
      ["In frames/s", (row) => row.live.receive_packets_per_second ?? 0, true, (row) => amount(row.live.receive_packets_per_second ?? 0)],
      ["Out frames/s", (row) => row.live.transmit_packets_per_second ?? 0, true, (row) => amount(row.live.transmit_packets_per_second ?? 0)],
      ["Drops/s", (row) => row.live.drops_per_second ?? 0, true],
      ["Dropped", (row) => row.live.dropped ?? 0, true],
      ["MAC", (row) => row.mac ?? ""],
    ],
  },
  stations: {
    label: "Stations", seconds: 2, select: (row) => ["port", row.port], read: () => api("GET", "/v1/fdb"),
    columns: [
      ["MAC", (row) => row.mac], ["Port", (row) => row.port], ["VLAN", (row) => row.vlan, true],
      ["Switch", (row) => row.switch],
      ["Seen", (row) => row.age_seconds, true, (row) => (row.static ? "static" : `${Math.round(row.age_seconds)} s ago`)],
    ],
  },
  vlans: {
    label: "VLANs", seconds: 5, select: (row) => ["port", row.port], read: () => api("GET", "/v1/vlans"),
    columns: [
      ["VLAN", (row) => Number.parseInt(row.vlan, 10), true, (row) => row.vlan], ["Name", (row) => row.name ?? ""],
      ["Port", (row) => row.port], ["Switch", (row) => row.switch],
      ["Tags", (row) => (row.untagged ? "untagged" : "tagged")], ["Of untagged frames", (row) => (row.pvid ? "yes" : "")],
    ],
  },
};

/** Opens a table; `options` are `{ kind, filter(row) }`. */
export function open(container, context, { kind, filter = () => true }) {
  const table = kinds[kind];
  const { store } = context;
  let sorted = { column: 0, isDown: false };
  let rows = [];
  const search = h("input", { type: "search", placeholder: "Search", "aria-label": `Search ${table.label}`, oninput: () => draw() });
  const count = h("span", { class: "count", role: "status" });
  const heads = table.columns.map(([title, , isNumber], index) => h("th", { scope: "col", class: isNumber ? "number" : "" },
    h("button", { type: "button", onclick: () => sort(index) }, title)));
  const body = h("tbody");
  container.append(h("div", { class: "table-bar" }, search, count),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": table.label },
      h("table", {}, h("thead", {}, h("tr", {}, heads)), body)));
  /** By key: `{ row, cells }`; what stays in its place is not made again. */
  const drawn = new Map();

  function sort(column) {
    sorted = { column, isDown: sorted.column === column ? !sorted.isDown : table.columns[column][2] === true };
    draw();
  }

  const keyOf = (row) => [row.name, row.mac, row.vlan, row.port, row.switch].map((part) => part ?? "").join(" ");
  const textOf = (row, [, of, , shown]) => String(shown ? shown(row) : of(row));

  function draw() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((row) => {
      if (!filter(row)) return false;
      if (words.length === 0) return true;
      const text = table.columns.map((column) => textOf(row, column)).join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const [, of, isNumber] = table.columns[sorted.column];
    const compare = isNumber ? (a, b) => of(a) - of(b) : (a, b) => String(of(a)).localeCompare(String(of(b)), undefined, { numeric: true });
    found.sort((a, b) => (sorted.isDown ? compare(b, a) : compare(a, b)));
    heads.forEach((head, index) => head.setAttribute(
      "aria-sort", index !== sorted.column ? "none" : sorted.isDown ? "descending" : "ascending"));
    const shown = found.slice(0, limit).map((row) => [keyOf(row), row]);
    // First what is gone: what comes after it is in its place then, and not moved.
    const wanted = new Set(shown.map(([key]) => key));
    for (const [key, line] of drawn) {
      if (wanted.has(key)) continue;
      line.element.remove();
      drawn.delete(key);
    }
    shown.forEach(([key, row], place) => {
      const line = drawn.get(key) ?? add(key);
      line.row = row;
      table.columns.forEach((column, index) => {
        const text = textOf(row, column);
        if (line.cells[index].textContent !== text) line.cells[index].textContent = text;
      });
      if (body.children[place] !== line.element) body.insertBefore(line.element, body.children[place] ?? null);
    });
    const text = found.length > limit ? `${limit} of ${found.length} shown: search for others` : `${found.length} of ${rows.filter(filter).length}`;
    if (count.textContent !== text) count.textContent = text;
  }

  function add(key) {
    const link = h("button", { type: "button", class: "plain", onclick: () => context.select?.(...table.select(line.row)) });
    const cells = table.columns.map(([, , isNumber], index) => index === 0 ? link : h("td", { class: isNumber ? "number" : "" }));
    const element = h("tr", {}, cells.map((cell, index) => (index === 0 ? h("th", { scope: "row" }, cell) : cell)));
    const line = { element, cells, row: null };
    drawn.set(key, line);
    return line;
  }

  let isReading = false;
  async function read() {
    // What is hidden is not read: the panel says when it is shown again.
    if (isReading || container.hidden || document.hidden) return;
    isReading = true;
    try {
      rows = await table.read(store);
      draw();
    } catch (error) {
      count.textContent = wordsOf(error);
    }
    isReading = false;
  }

  read();
  const timer = table.seconds ? setInterval(read, table.seconds * 1000) : null;
  const forget = [store.on("graph", read)];
  if (table.live) forget.push(store.on("change", (changed) => { if (changed.ports.size) read(); }));
  return {
    shown: read,
    close() {
      clearInterval(timer);
      for (const stop of forget) stop();
    },
  };
}
