// Live frames: a table of the last frames of some ports, and a capture of them to a file.
//
// open(container, context, options) fills `container`; options.targets are the ports, nodes or links to begin with. The
// frames come from POST /v1/frames, a line each; when they come faster than a person can read, the daemon leaves some
// out and says how many. A capture is a stream of its own, of every frame, gathered here and saved as a .pcapng file.

const rowLimit = 500;
const captureLimit = 256 * 1024 * 1024;
const columns = [
  ['time', 'Time'], ['interface', 'Port'], ['direction', 'Way'], ['source', 'Source'], ['target', 'Target'],
  ['vlans', 'VLAN'], ['protocol', 'Protocol'], ['length', 'Length'], ['info', 'Info'],
];
let panels = 0;

// element('td', {class: 'x', text: 'y'}, child, ...): attributes as they are named, text as text.
function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'text') node.textContent = value;
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function sizeText(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1000 * 1000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1000 / 1000).toFixed(1)} MB`;
}

function countText(count, what) {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

// The cells of a frame; the time is that of the day here.
function cells(frame) {
  const date = new Date(frame.time);
  const two = (number) => String(number).padStart(2, '0');
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const fraction = /\.(\d+)Z$/.exec(frame.time);
  return {
    ...frame,
    time: fraction ? `${clock}.${fraction[1]}` : clock,
    vlans: (frame.vlans || []).join(' '),
    info: frame.comment ? `${frame.info} [${frame.comment}]`.trim() : frame.info,
  };
}

function query(values) {
  return Object.entries(values)
    .filter(([, value]) => value !== '' && value != null)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join('&');
}

// What a failed answer says.
async function failure(response) {
  const error = new Error(`${response.status} ${response.statusText}`);
  try {
    const body = await response.json();
    const said = body.error || body;
    error.message = said.message || error.message;
    error.code = said.code;
    error.hint = said.hint;
  } catch {
    // No JSON: the status says enough.
  }
  return error;
}

function save(pieces, name) {
  const address = URL.createObjectURL(new Blob(pieces, { type: 'application/x-pcapng' }));
  const link = element('a', { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // The download has begun by then; the bytes are let go.
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// The elements of the panel, with nothing in them yet.
function build(id, targets) {
  const parts = {
    targets: element('input', {
      id: `${id}-targets`, type: 'text', value: targets.join(','), size: '20', autocomplete: 'off', spellcheck: 'false',
      placeholder: 'all',
    }),
    filter: element('input', {
      id: `${id}-filter`, type: 'text', size: '24', autocomplete: 'off', spellcheck: 'false',
      placeholder: 'e.g. arp or icmp', 'aria-describedby': `${id}-error`,
    }),
    error: element('p', { id: `${id}-error`, class: 'frames-error', role: 'alert', hidden: true }),
    pause: element('button', { type: 'button', 'aria-pressed': 'false', text: 'Pause' }),
    clear: element('button', { type: 'button', text: 'Clear' }),
    capture: element('button', { type: 'button', text: 'Capture' }),
    status: element('span', { class: 'frames-status', role: 'status' }),
    lost: element('span', { class: 'frames-lost' }),
    bytes: element('span', { class: 'frames-bytes' }),
    rows: element('tbody'),
    scroller: element('div', {
      class: 'frames-scroll', tabindex: '0', role: 'region', 'aria-label': 'Frames, the newest last',
    }),
  };
  parts.form = element(
    'form', { class: 'frames-form' },
    element('label', { for: `${id}-targets`, text: 'Of ' }), parts.targets,
    element('label', { for: `${id}-filter`, text: 'Filter ' }), parts.filter,
    element('button', { type: 'submit', text: 'Apply' }), parts.pause, parts.clear, parts.capture);
  const head = element('tr', {}, ...columns.map(([, title]) => element('th', { scope: 'col', text: title })));
  parts.scroller.append(
    element(
      'table', { class: 'frames-table' }, element('caption', { class: 'visually-hidden', text: 'Last frames' }),
      element('thead', {}, head), parts.rows));
  parts.scroller.style.overflow = 'auto';
  parts.root = element(
    'section', { class: 'frames', 'aria-label': 'Live frames' }, parts.form, parts.error,
    element('p', { class: 'frames-words' }, parts.status, ' ', parts.lost, ' ', parts.bytes), parts.scroller);
  return parts;
}

// The table of the last frames: rows are added together, once a picture.
class FrameTable {
  constructor(parts) {
    this.parts = parts;
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
    const added = document.createDocumentFragment();
    for (const frame of this.waiting) added.append(this.row(frame));
    this.waiting = [];
    rows.append(added);
    while (rows.rows.length > rowLimit) rows.deleteRow(0);
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  row(frame) {
    const texts = cells(frame);
    const row = element('tr', { class: frame.comment ? 'frames-dropped' : null });
    for (const [key] of columns) row.append(element('td', { class: `frames-${key}`, text: String(texts[key] ?? '') }));
    return row;
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
    this.id = `page-${crypto.getRandomValues(new Uint32Array(2)).join('-')}`;
    this.aborter = new AbortController();
  }

  // Gathers the stream until it ends, or is too large; returns whether it was ended for its size.
  async run() {
    const asked = query({ target: this.target, filter: this.filter, id: this.id });
    const response = await fetch(`/v1/capture?${asked}`, {
      method: 'POST', credentials: 'same-origin', signal: this.aborter.signal,
    });
    if (!response.ok) throw await failure(response);
    const reader = response.body.getReader();
    let isTooLarge = false;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return isTooLarge;
      this.pieces.push(value);
      this.size += value.length;
      this.onSize(this.size);
      if (this.size > captureLimit && !isTooLarge) {
        isTooLarge = true;
        this.stop();
      }
    }
  }

  // What was captured until then comes still, and the stream ends.
  async stop() {
    try {
      await this.context.api('DELETE', `/v1/captures/${encodeURIComponent(this.id)}`);
    } catch {
      // It has ended by itself, or nobody answers: what is there is kept.
      this.aborter.abort();
    }
  }

  get fileName() {
    const time = new Date().toISOString().replace(/[-:]/g, '').replace(/\..*/, '');
    return `${this.context.lab || 'apus'}-${(this.target || 'all').replace(/[^A-Za-z0-9._-]+/g, '_')}-${time}.pcapng`;
  }
}

// What the panel does; its elements are `parts`.
class FramesPanel {
  constructor(container, context, options) {
    panels += 1;
    this.context = context;
    this.parts = build(`frames-${panels}`, options.targets || []);
    this.table = new FrameTable(this.parts);
    this.lost = 0;
    const { form, pause, clear, capture } = this.parts;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.start();
    });
    pause.addEventListener('click', () => this.pause(!this.table.isPaused));
    clear.addEventListener('click', () => this.clear());
    capture.addEventListener('click', () => this.toggleCapture());
    container.append(this.parts.root);
    this.start();
  }

  get target() { return this.parts.targets.value.split(/[\s,]+/).filter(Boolean).join(','); }
  get filter() { return this.parts.filter.value.trim(); }

  say(text) { this.parts.status.textContent = text; }

  // An error stands at the field that it is about.
  complain(error) {
    const { error: words, filter, targets } = this.parts;
    const text = error ? error.message + (error.hint ? ` (${error.hint})` : '') : '';
    const isOfFilter = text.startsWith('filter');
    words.textContent = text;
    words.hidden = !text;
    filter.setAttribute('aria-invalid', String(Boolean(text) && isOfFilter));
    targets.setAttribute('aria-invalid', String(Boolean(text) && !isOfFilter));
  }

  // Asks for frames anew, as the fields are now.
  async start() {
    this.aborter?.abort();
    const aborter = new AbortController();
    this.aborter = aborter;
    this.complain(null);
    this.say(this.table.isPaused ? 'paused' : 'live');
    try {
      const asked = query({ target: this.target, filter: this.filter });
      await this.context.stream(`/v1/frames?${asked}`, {
        method: 'POST', signal: aborter.signal,
        onLine: (line) => this.take(typeof line === 'string' ? JSON.parse(line) : line),
      });
      if (!aborter.signal.aborted) this.say('ended: the ports or the lab have gone');
    } catch (error) {
      if (aborter.signal.aborted) return;
      this.complain(error);
      this.say('stopped');
    }
  }

  take(line) {
    if (line.lost === undefined) return this.table.add(line);
    this.lost += line.lost;
    this.parts.lost.textContent = `${countText(this.lost, 'frame')} not shown: too many at once`;
  }

  pause(isPaused) {
    this.table.pause(isPaused);
    this.parts.pause.setAttribute('aria-pressed', String(isPaused));
    this.parts.pause.textContent = isPaused ? 'Go on' : 'Pause';
    this.say(isPaused ? 'paused' : 'live');
  }

  clear() {
    this.table.clear();
    this.lost = 0;
    this.parts.lost.textContent = '';
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
    capture.textContent = 'Stop and save';
    bytes.textContent = 'capture: 0 B';
    this.complain(null);
    try {
      if (await file.run()) this.say(`capture ended at ${sizeText(captureLimit)}`);
    } catch (error) {
      if (file.size === 0) {
        if (!this.isClosed) this.complain(error);
        bytes.textContent = '';
      }
    }
    this.file = null;
    capture.disabled = false;
    capture.textContent = 'Capture';
    if (file.size === 0 || this.isClosed) return;
    save(file.pieces, file.fileName);
    bytes.textContent = `capture: ${sizeText(file.size)} saved as ${file.fileName}`;
  }

  close() {
    this.isClosed = true;
    this.aborter?.abort();
    this.file?.aborter.abort();
    this.table.close();
    this.parts.root.remove();
  }
}

export function open(container, context, options = {}) {
  const panel = new FramesPanel(container, context, options);
  return { close: () => panel.close() };
}
