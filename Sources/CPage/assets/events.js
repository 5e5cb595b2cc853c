// What happens in the lab: a table of the last events, the newest at the end.
//
// open(container, context, options) fills `container`. The events come from GET /v1/events, a line each, with the
// daemon's own words; a connection that breaks is made again behind the last event that came, so that none is missed
// or comes twice. What was lost nevertheless is a row of its own. A subject that the map knows can be chosen:
// options.onSelect(subject, kind) is called if it is given, else context.select(kind, subject).

import { h, setText, wordsOf } from "./dom.js";

const rowLimit = 500;
/** How far back the table begins. */
const history = "15m";
/** Milliseconds before another attempt after the connection broke. */
const retry = 2000;
/** What a subject is, by the first part of the type. */
const kinds = { node: "node", port: "port", link: "link", fdb: "switch" };
const good = new Set(["lab.up", "node.ready", "port.up"]);
const bad = new Set(["node.failed", "node.not-migrated", "port.fault", "fdb.full", "lost"]);
let panels = 0;

function clock(time) {
  const date = new Date(time);
  const two = (number) => String(number).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

function tint(event) {
  if (event.type === "test.result") return event.detail.passed ? "good" : "bad";
  if (event.type === "link.carrier") return event.detail.carrier === "up" ? "good" : "bad";
  return good.has(event.type) ? "good" : bad.has(event.type) ? "bad" : "";
}

/** Nothing is told by colour alone. */
const signs = { good: "✓ ", bad: "✕ ", "": "" };

/** Whether an event has all words of a filter in its type, subject or words. */
function matches(event, words) {
  const text = `${event.type} ${event.subject} ${event.words ?? ""}`.toLowerCase();
  return event.type === "lost" || words.every((word) => text.includes(word));
}

function build(id) {
  const parts = {
    filter: h("input", {
      id: `${id}-filter`, type: "search", size: 24, autocomplete: "off", spellcheck: "false",
      placeholder: "type, subject or words",
    }),
    pause: h("button", { type: "button", "aria-pressed": "false" }, "Pause"),
    clear: h("button", { type: "button" }, "Clear"),
    status: h("span", { class: "events-status count", role: "status" }),
    fault: h("p", { class: "fault", role: "alert", hidden: true }),
    rows: h("tbody"),
  };
  const heads = ["Time", "Type", "Subject", "What happened"].map((title) => h("th", { scope: "col" }, title));
  const table = h("table", { class: "events-table", "aria-label": "Last events, the newest at the end" },
    h("thead", {}, h("tr", {}, heads)), parts.rows);
  parts.scroller = h("div", {
    class: "scroll events-scroll", tabindex: 0, role: "region", "aria-label": "Events",
  }, table);
  parts.bar = h("div", { class: "table-bar" },
    h("label", { for: `${id}-filter` }, "Filter"), parts.filter, parts.pause, parts.clear, parts.status);
  return parts;
}

/** The last events and the rows that show them: rows are made together, once a picture. */
class EventTable {
  constructor(parts, choose) {
    Object.assign(this, { parts, choose, events: [], drawn: 0, words: [], isPaused: false, planned: 0, isWhole: false });
  }

  add(event) {
    this.events.push(event);
    if (this.events.length > rowLimit) {
      this.events.shift();
      this.drawn -= 1;
    }
    this.plan();
  }

  plan() {
    if (!this.isPaused) this.planned ||= requestAnimationFrame(() => this.draw());
    else this.tell();
  }

  /** Draws what came since the last picture, or everything when the filter is another one. */
  draw() {
    this.planned = 0;
    const { rows, scroller } = this.parts;
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    if (!this.isWhole) rows.replaceChildren();
    const first = this.isWhole ? Math.max(0, this.drawn) : 0;
    rows.append(...this.events.slice(first).filter((event) => matches(event, this.words)).map((event) => this.row(event)));
    this.drawn = this.events.length;
    this.isWhole = true;
    const oldest = this.events[0]?.id ?? Infinity;
    while (rows.rows.length > 0 && Number(rows.rows[0].dataset.id) < oldest) rows.deleteRow(0);
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
    this.tell();
  }

  row(event) {
    const color = tint(event);
    const words = event.words ?? JSON.stringify(event.detail);
    const kind = kinds[event.type.split(".")[0]];
    const subject = kind
      ? h("button", { type: "button", class: "plain", onclick: () => this.choose(event.subject, kind) }, event.subject)
      : event.subject;
    const cells = event.type === "lost"
      ? [h("td", { colspan: 3, class: "fault" }, words)]
      : [h("td", {}, event.type), h("td", {}, subject), h("td", { class: `events-words ${color}` }, signs[color], words)];
    return h("tr", { "data-id": event.id, "data-type": event.type }, h("td", { class: "number" }, clock(event.time)), cells);
  }

  tell() {
    const waiting = this.isPaused ? this.events.length - Math.max(0, this.drawn) : 0;
    const shown = this.parts.rows.rows.length;
    const count = `${shown} of the last ${this.events.length} events`;
    setText(this.parts.status, waiting > 0 ? `${count}, ${waiting} new ones wait` : count);
  }

  setFilter(text) {
    this.words = text.toLowerCase().split(/\s+/).filter((word) => word);
    this.isWhole = false;
    this.draw();
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    this.plan();
  }

  clear() {
    Object.assign(this, { events: [], drawn: 0, isWhole: false });
    this.draw();
  }
}

export function open(container, context, options = {}) {
  panels += 1;
  const parts = build(`events-${panels}`);
  const choose = (subject, kind) => (options.onSelect ? options.onSelect(subject, kind) : context.select?.(kind, subject));
  const table = new EventTable(parts, choose);
  const aborter = new AbortController();
  let last = null;

  parts.filter.addEventListener("input", () => table.setFilter(parts.filter.value));
  parts.pause.addEventListener("click", () => {
    table.pause(!table.isPaused);
    parts.pause.setAttribute("aria-pressed", String(table.isPaused));
    setText(parts.pause, table.isPaused ? "Go on" : "Pause");
  });
  parts.clear.addEventListener("click", () => table.clear());
  container.append(parts.bar, parts.fault, parts.scroller);
  table.tell();

  function show(error) {
    setText(parts.fault, error ? wordsOf(error) : "");
    parts.fault.hidden = !error;
  }

  async function follow() {
    while (!aborter.signal.aborted) {
      const begin = last === null ? `since=${history}` : `after=${last}`;
      try {
        await context.stream(`/v1/events?words=true&${begin}`, {
          signal: aborter.signal,
          onLine: (event) => {
            last = event.id;
            show(null);
            table.add(event);
          },
        });
      } catch (error) {
        show(error);
      }
      if (!aborter.signal.aborted) await new Promise((resolve) => setTimeout(resolve, retry));
    }
  }
  follow();

  return {
    close() {
      aborter.abort();
      if (table.planned) cancelAnimationFrame(table.planned);
    },
    /** The panel's tab has come to the front, where it can be scrolled again. */
    shown() { parts.scroller.scrollTop = parts.scroller.scrollHeight; },
  };
}
