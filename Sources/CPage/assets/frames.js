// Live frames: a table of the last frames of some ports, and a capture of them to a file.
//
// open(container, context, options) fills `container`; options.targets are the ports, nodes or links to begin with, and
// with options.isNarrow the columns are in another order. The frames come from POST /v1/frames, a line each; when they come faster than a person can read, the daemon leaves some
// out and says how many. A capture is a stream of its own, of every frame, gathered here and saved as a .pcapng file.

import { h, save, wordsOf } from "./dom.js";

const rowLimit = 500;
const captureLimit = 256 * 1024 * 1024;
const columns = [
  ["time", "Time"], ["interface", "Port"], ["direction", "Way"], ["source", "Source"], ["target", "Target"],
  ["vlans", "VLAN"], ["protocol", "Protocol"], ["length", "Length"], ["info", "Info"],
];
// Where few columns can be seen at once, what a frame is comes first.
const narrowOrder = ["time", "direction", "protocol", "info", "vlans", "length", "source", "target", "interface"];
const narrowColumns = narrowOrder.map((name) => columns.find(([key]) => key === name));
let panels = 0;

function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1000 * 1000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1000 / 1000).toFixed(1)} MB`;
}

function countText(count, what) {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

// The cells of a frame; the time is that of the day here.
function cells(frame) {
  const date = new Date(frame.time);
  const two = (number) => String(number).padStart(2, "0");
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const fraction = /\.(\d+)Z$/.exec(frame.time);
  return {
    ...frame,
    time: fraction ? `${clock}.${fraction[1]}` : clock,
    vlans: (frame.vlans || []).join(" "),
    info: frame.comment ? `${frame.info} [${frame.comment}]`.trim() : frame.info,
  };
}

function query(values) {
  return Object.entries(values)
    .filter(([, value]) => value !== "" && value != null)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join("&");
}

// The elements of the panel, with nothing in them yet.
function build(id, targets, columns) {
  const field = (name, more) =>
    h("input", { id: `${id}-${name}`, type: "text", autocomplete: "off", spellcheck: "false", ...more });
  const named = (label, input) => h("span", { class: "field" }, h("label", { for: input.id }, label), input);
  const target = field("targets", { size: 20, value: targets.join(","), placeholder: "all" });
  const filter = field("filter", {
    size: 22, placeholder: "as in tcpdump: arp or icmp", "aria-describedby": `${id}-error`,
  });
  const parts = {
    target, filter,
    error: h("p", { id: `${id}-error`, class: "fault", role: "alert", hidden: true }),
    pause: h("button", { type: "button", "aria-pressed": "false" }, "Pause"),
    clear: h("button", { type: "button" }, "Clear"),
    capture: h("button", { type: "button" }, "Capture"),
    status: h("span", { class: "frames-status", role: "status" }),
    lost: h("span", { class: "frames-lost" }),
    bytes: h("span", { class: "frames-bytes" }),
    rows: h("tbody"),
  };
  parts.form = h("form", { class: "frames-form" },
    named("Of", target), named("Filter", filter), h("button", {}, "Apply"), parts.pause, parts.clear, parts.capture);
  const table = h("table", { class: "frames-table", "aria-label": "Last frames, the newest at the end" },
    h("thead", {}, h("tr", {}, columns.map(([, title]) => h("th", { scope: "col" }, title)))), parts.rows);
  parts.scroller = h("div", { class: "frames-scroll", tabindex: 0, role: "region", "aria-label": "Live frames" }, table);
  parts.root = h("div", { class: "frames" }, parts.form, parts.error,
    h("p", { class: "frames-words" }, parts.status, " ", parts.lost, " ", parts.bytes), parts.scroller);
  return parts;
}

// The table of the last frames: rows are added together, once a picture.
class FrameTable {
  constructor(parts, columns) {
    this.parts = parts;
    this.columns = columns;
    this.waiting = [];
    this.isPaused = false;
    this.planned = 0;
  }

  add(frame) {
    this.waiting.push(frame);
    if (this.waiting.length > rowLimit) this.waiting.splice(0, this.waiting.length - rowLimit);
    this.plan();
  }

  plan() {
    if (this.isPaused || this.planned) return;
    this.planned = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.planned = 0;
    const { rows, scroller } = this.parts;
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;
    rows.append(...this.waiting.map((frame) => this.row(frame)));
    this.waiting = [];
    while (rows.rows.length > rowLimit) rows.deleteRow(0);
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  row(frame) {
    const texts = cells(frame);
    return h("tr", { class: frame.comment ? "frames-dropped" : null },
      this.columns.map(([key]) => h("td", { class: `frames-${key}` }, String(texts[key] ?? ""))));
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    if (!isPaused) this.plan();
  }

  clear() {
    this.waiting = [];
    this.parts.rows.replaceChildren();
  }

  close() {
    if (this.planned) cancelAnimationFrame(this.planned);
    this.isPaused = true;
  }
}

// One capture to a file, from its start until it is saved.
class FileCapture {
  constructor(context, target, filter, onSize) {
    Object.assign(this, { context, target, filter, onSize, pieces: [], size: 0 });
    // Not randomUUID, which a page has over HTTPS alone.
    this.id = `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    this.aborter = new AbortController();
  }

  // Gathers the stream until it ends, or is too large; returns whether it was ended for its size.
  async run() {
    let isTooLarge = false;
    await this.context.stream(`/v1/capture?${query({ target: this.target, filter: this.filter, id: this.id })}`, {
      method: "POST", signal: this.aborter.signal,
      onChunk: (piece) => {
        this.pieces.push(piece);
        this.size += piece.length;
        this.onSize(this.size);
        if (this.size <= captureLimit || isTooLarge) return;
        isTooLarge = true;
        this.stop();
      },
    });
    return isTooLarge;
  }

  // What was captured until then comes still, and the stream ends. Only the first to ask for that ends it.
  stop() {
    this.stopping ??= this.end();
    return this.stopping;
  }

  async end() {
    try {
      await this.context.api("DELETE", `/v1/captures/${encodeURIComponent(this.id)}`);
    } catch {
      // It has ended by itself, or nobody answers: what is there is kept.
      this.aborter.abort();
    }
  }

  get fileName() {
    const time = new Date().toISOString().replace(/[-:]/g, "").replace(/\..*/, "");
    return `${this.context.lab || "apus"}-${(this.target || "all").replace(/[^A-Za-z0-9._-]+/g, "_")}-${time}.pcapng`;
  }
}

// What the panel does; its elements are `parts`.
class FramesPanel {
  constructor(container, context, options) {
    panels += 1;
    this.context = context;
    const shown = options.isNarrow || matchMedia("(max-width: 46rem)").matches ? narrowColumns : columns;
    this.parts = build(`frames-${panels}`, options.targets || [], shown);
    this.table = new FrameTable(this.parts, shown);
    this.lost = 0;
    const { form, pause, clear, capture } = this.parts;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    pause.addEventListener("click", () => this.pause(!this.table.isPaused));
    clear.addEventListener("click", () => this.clear());
    capture.addEventListener("click", () => this.toggleCapture());
    container.append(this.parts.root);
    this.start();
  }

  get target() { return this.parts.target.value.split(/[\s,]+/).filter(Boolean).join(","); }
  get filter() { return this.parts.filter.value.trim(); }

  say(text) { this.parts.status.textContent = text; }

  // An error stands at the field that it is about.
  complain(error) {
    const { error: words, filter, target } = this.parts;
    const text = error ? wordsOf(error) : "";
    const isOfFilter = text.startsWith("filter");
    words.textContent = text;
    words.hidden = !text;
    filter.setAttribute("aria-invalid", String(Boolean(text) && isOfFilter));
    target.setAttribute("aria-invalid", String(Boolean(text) && !isOfFilter));
  }

  // Asks for frames anew, as the fields are now.
  async start() {
    this.aborter?.abort();
    const aborter = new AbortController();
    this.aborter = aborter;
    this.complain(null);
    this.say(this.table.isPaused ? "paused" : "live");
    try {
      const asked = query({ target: this.target, filter: this.filter });
      await this.context.stream(`/v1/frames?${asked}`, {
        method: "POST", signal: aborter.signal,
        onLine: (line) => { if (!aborter.signal.aborted) this.take(line); },
      });
      if (!aborter.signal.aborted) this.say("ended: the ports or the lab have gone");
    } catch (error) {
      if (aborter.signal.aborted) return;
      this.complain(error);
      this.say("stopped");
    }
  }

  take(line) {
    if (line.lost === undefined) return this.table.add(line);
    this.lost += line.lost;
    this.parts.lost.textContent = `${countText(this.lost, "frame")} not shown: too many at once`;
  }

  pause(isPaused) {
    this.table.pause(isPaused);
    this.parts.pause.setAttribute("aria-pressed", String(isPaused));
    this.parts.pause.textContent = isPaused ? "Go on" : "Pause";
    this.say(isPaused ? "paused" : "live");
  }

  clear() {
    this.table.clear();
    this.lost = 0;
    this.parts.lost.textContent = "";
  }

  async toggleCapture() {
    const { capture, bytes } = this.parts;
    if (this.file) {
      capture.disabled = true;
      await this.file.stop();
      return;
    }
    const file = new FileCapture(this.context, this.target, this.filter, (size) => {
      bytes.textContent = `capture: ${sizeText(size)}`;
    });
    this.file = file;
    capture.textContent = "Stop and save";
    bytes.textContent = "capture: 0 B";
    this.complain(null);
    try {
      if (await file.run()) this.say(`capture ended at ${sizeText(captureLimit)}`);
    } catch (error) {
      if (file.size === 0) {
        if (!this.isClosed) this.complain(error);
        bytes.textContent = "";
      }
    }
    this.file = null;
    capture.disabled = false;
    capture.textContent = "Capture";
    if (file.size === 0) return;
    save(file.fileName, new Blob(file.pieces, { type: "application/x-pcapng" }));
    bytes.textContent = `capture: ${sizeText(file.size)} saved as ${file.fileName}`;
  }

  // A capture that runs ends, and is saved: nobody has said that it is of no use.
  close() {
    this.isClosed = true;
    this.aborter?.abort();
    this.file?.stop();
    this.table.close();
    this.parts.root.remove();
  }
}

export function open(container, context, options = {}) {
  const panel = new FramesPanel(container, context, options);
  return { close: () => panel.close() };
}
