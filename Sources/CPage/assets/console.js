// A terminal in the page: the serial console of a node, or a shell in it, over a WebSocket of the API.
//
// xterm.js shows it. Binary messages are what is typed and printed; texts are JSON: a new size to the daemon, the end
// of a command, of a console, or an error from it. All keys go to the node, Tab too; Ctrl-Shift-Escape leaves the
// terminal, and Ctrl-Shift-ArrowUp, where the system keeps the former for itself.
import { h } from "./dom.js";

/** Bytes that wait to be shown; of more, the oldest are left out. */
const queueLimit = 2 << 20;
/** Bytes that are shown in one picture, so that the page stays usable while a node prints without end. */
const pieceSize = 64 << 10;
/** The kinds of close codes that say nothing by themselves. */
const normalClosure = 1000;

const colours = {
  light: {
    black: "#1a2230", red: "#b3261e", green: "#1c7440", yellow: "#8a5a00", blue: "#1f5fa8", magenta: "#8e3fa8",
    cyan: "#0e7c86", white: "#566070", brightBlack: "#566070", brightRed: "#d0342b", brightGreen: "#2d8a50",
    brightYellow: "#a06a00", brightBlue: "#2c73c4", brightMagenta: "#a350bf", brightCyan: "#128a95",
    brightWhite: "#1a2230",
  },
  dark: {
    black: "#3a4553", red: "#ff8d85", green: "#6fd08c", yellow: "#f0c060", blue: "#6cb0f5", magenta: "#cf8fe6",
    cyan: "#58cbd4", white: "#c7cfda", brightBlack: "#7b8694", brightRed: "#ffaaa4", brightGreen: "#94e0aa",
    brightYellow: "#ffd98a", brightBlue: "#9ccaf9", brightMagenta: "#dfb2ef", brightCyan: "#8adfe6",
    brightWhite: "#ffffff",
  },
};

/** The colours of the page as it is now, as xterm.js wants them. */
function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const isDark = style.colorScheme.includes("dark");
  return {
    ...colours[isDark ? "dark" : "light"],
    background: colour("--front", isDark ? "#1a2029" : "#ffffff"),
    foreground: colour("--text", isDark ? "#e6eaf0" : "#1a2230"),
    cursor: colour("--accent", "#1f5fa8"),
    cursorAccent: colour("--front", "#ffffff"),
    selection: isDark ? "rgba(108, 176, 245, 0.35)" : "rgba(31, 95, 168, 0.3)",
  };
}

let loading = null;

/** Fetches xterm.js when the first terminal is opened; returns its class. */
function loadTerminal() {
  loading ??= new Promise((resolve, reject) => {
    document.head.append(h("link", { rel: "stylesheet", href: "/page/xterm.css" }));
    document.head.append(h("script", {
      src: "/page/xterm.js",
      onload: () => resolve(globalThis.Terminal),
      onerror: () => reject(new Error("xterm.js cannot be loaded")),
    }));
  }).catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** Puts a text where other programs find it; also on pages that a browser does not call secure. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { value: text, "aria-hidden": "true" });
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    if (!isDone) throw new Error("the browser does not let the page copy");
  }
}

/**
 * Opens a terminal in `container`.
 * @param context `socket(path)` opens a WebSocket, `toast(text, kind)` says something.
 * @param options `node`, and `mode`: `console` (its serial line) or `shell` (a new `sh` in it).
 * @returns `close()`, and `shown()`, to be called when the container has become visible.
 */
export function open(container, context, { node, mode }) {
  const isConsole = mode === "console";
  const status = h("span", { role: "status", class: "state-line" }, "○ connecting");
  const again = h("button", { type: "button", hidden: true, onclick: () => connect(false) },
    isConsole ? "Reconnect" : "New shell");
  const take = h("button", { type: "button", hidden: true, class: "danger", onclick: () => connect(true) },
    "Take it over");
  const copies = h("button", { type: "button", title: "Ctrl-Shift-C", onclick: () => copySelection() }, "Copy");
  const pastes = h("button", { type: "button", title: "Ctrl-Shift-V", onclick: () => paste() }, "Paste");
  const reads = h("button", { type: "button", "aria-pressed": "false", onclick: () => toggleReader() },
    "Screen reader");
  const hint = h("span", { class: "hint" }, isConsole ? "Enter wakes a console that says nothing. " : "",
    h("span", { class: "wide-only" }, "Ctrl-Shift-Escape or Ctrl-Shift-↑ leaves the terminal."));
  const bar = h("p", { class: "buttons console-bar" }, status, again, take, copies, pastes, reads, hint);
  const title = `${isConsole ? "Console" : "Shell"} of ${node}: all keys go there, `
    + "Ctrl-Shift-Escape or Ctrl-Shift-ArrowUp leaves it";
  const screen = h("div", { class: "console-screen", role: "group", "aria-label": title });
  // Of these two depends that the terminal has a size, so they do not wait for a style sheet.
  Object.assign(bar.style, { flex: "none", alignItems: "center" });
  Object.assign(screen.style, { flex: "1", minHeight: "8rem", minWidth: "0", overflow: "hidden" });
  container.append(bar, screen);

  const encoder = new TextEncoder();
  let decoder = new TextDecoder();
  let terminal = null;
  let socket = null;
  let isClosed = false;
  /** What the daemon said last of the end. */
  let ending = null;

  // MARK: What is printed

  let queue = [];
  let queued = 0;
  let leftOut = 0;
  /** Bytes that the terminal was given since the last picture. */
  let written = 0;
  let frame = 0;

  function write(bytes) {
    written += bytes.byteLength;
    terminal.write(decoder.decode(bytes, { stream: true }));
  }

  function print(bytes) {
    if (isClosed) return;
    if (!frame) frame = requestAnimationFrame(printMore);
    if (queue.length === 0 && written < pieceSize) return write(bytes);
    queue.push(bytes);
    queued += bytes.byteLength;
    while (queued > queueLimit) {
      const oldest = queue.shift();
      queued -= oldest.byteLength;
      leftOut += oldest.byteLength;
    }
  }

  function printMore() {
    frame = 0;
    if (isClosed) return;
    written = 0;
    if (leftOut) write(line(`${leftOut} bytes came too fast to be shown`));
    leftOut = 0;
    while (queue.length && written < pieceSize) {
      const bytes = queue.shift();
      queued -= bytes.byteLength;
      write(bytes);
    }
    if (written) frame = requestAnimationFrame(printMore);
  }

  const line = (text) => encoder.encode(`\r\n\x1b[7m[${text}]\x1b[0m\r\n`);

  /** A line of the page's own in the terminal, after what came before it. */
  function note(text) {
    print(line(text));
  }

  // MARK: The connection

  function address(steals) {
    const name = encodeURIComponent(node);
    if (isConsole) return `/v1/nodes/${name}/console${steals ? "?steal=true" : ""}`;
    return `/v1/nodes/${name}/exec?command=sh&tty=true&columns=${terminal.cols}&rows=${terminal.rows}`;
  }

  function connect(steals) {
    if (!terminal || isClosed) return;
    socket?.close();
    fit();
    ending = null;
    decoder = new TextDecoder();
    say("○ connecting");
    const opened = context.socket(address(steals));
    opened.binaryType = "arraybuffer";
    opened.onopen = () => {
      say("● connected");
      terminal.focus();
      sendSize();
    };
    opened.onmessage = ({ data }) => {
      if (typeof data === "string") hear(JSON.parse(data));
      else print(new Uint8Array(data));
    };
    opened.onclose = (event) => {
      if (socket !== opened) return;
      socket = null;
      ended(event);
    };
    socket = opened;
  }

  /** What the daemon says by a text. */
  function hear(message) {
    if (message.type === "lost") note(`${message.count} bytes were not read in time and are lost`);
    else ending = message;
  }

  function ended(event) {
    const words = wordsOfEnd(event);
    say(`✕ ${words}`, true);
    note(words);
    // A console may be in somebody else's hands, or just have been taken: both are said in words.
    take.hidden = !isConsole || !(ending?.type === "error" || ending?.reason === "taken");
    if (document.activeElement === terminal.textarea) (take.hidden ? again : take).focus();
  }

  function wordsOfEnd(event) {
    switch (ending?.type) {
      case "exit": return ending.code === 0 ? "the shell has ended" : `the shell has ended with status ${ending.code}`;
      case "end": return { taken: "somebody else has taken the console over", left: "left" }[ending.reason]
        ?? "the machine has ended";
      case "error": return ending.error.hint ? `${ending.error.message} (${ending.error.hint})` : ending.error.message;
      default:
        if (event.code === 1001) return "the daemon is ending";
        if (event.reason) return event.reason;
        return event.code === normalClosure ? "closed" : "the connection is lost, or was not accepted";
    }
  }

  function say(text, isOver = false) {
    status.textContent = text;
    again.hidden = !isOver;
    take.hidden = true;
  }

  function send(text) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(encoder.encode(text));
  }

  function sendSize() {
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ type: "resize", columns: terminal.cols, rows: terminal.rows }));
  }

  // MARK: Size and colours

  /** As many columns and rows as fit, by the size of a cell of what is shown now. */
  function fit() {
    const drawn = screen.querySelector(".xterm-screen");
    const viewport = screen.querySelector(".xterm-viewport");
    if (!terminal || !drawn || !screen.clientWidth || !screen.clientHeight || !drawn.offsetWidth) return;
    const [width, height] = [drawn.offsetWidth / terminal.cols, drawn.offsetHeight / terminal.rows];
    const scrollbar = viewport ? viewport.offsetWidth - viewport.clientWidth : 0;
    const columns = Math.max(10, Math.min(1000, Math.floor((screen.clientWidth - scrollbar) / width)));
    const rows = Math.max(2, Math.min(500, Math.floor(screen.clientHeight / height)));
    if (columns !== terminal.cols || rows !== terminal.rows) terminal.resize(columns, rows);
  }

  let fitting = 0;
  const observer = new ResizeObserver(() => {
    cancelAnimationFrame(fitting);
    fitting = requestAnimationFrame(fit);
  });
  const recolour = () => terminal?.setOption("theme", theme());
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", recolour);
  addEventListener("apus-theme", recolour);

  // MARK: Keys, copies

  /** Returns false for what the terminal is not to take. */
  function takes(event) {
    // Windows keeps Ctrl-Shift-Escape for itself.
    if ((event.key === "Escape" || event.key === "ArrowUp") && event.ctrlKey && event.shiftKey) {
      event.preventDefault();
      if (event.type === "keydown") copies.focus();
      return false;
    }
    if (event.ctrlKey && event.shiftKey && event.code === "KeyC") {
      event.preventDefault();
      if (event.type === "keydown") copySelection();
      return false;
    }
    // The browser pastes by itself.
    return !(event.ctrlKey && event.shiftKey && event.code === "KeyV");
  }

  async function copySelection() {
    const text = terminal?.getSelection();
    if (!text) return context.toast("nothing is selected in the terminal");
    try {
      await copy(text);
    } catch (error) {
      context.toast(error.message, "bad");
    }
    terminal.focus();
  }

  async function paste() {
    terminal?.focus();
    try {
      send((await navigator.clipboard.readText()).replace(/\r?\n/g, "\r"));
    } catch {
      context.toast("the browser does not let the page read what was copied: press Ctrl-Shift-V in the terminal");
    }
  }

  function toggleReader() {
    const isOn = !terminal?.getOption("screenReaderMode");
    terminal?.setOption("screenReaderMode", isOn);
    reads.setAttribute("aria-pressed", String(isOn));
  }

  // MARK: The beginning and the end

  loadTerminal().then((Terminal) => {
    if (isClosed) return;
    terminal = new Terminal({
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches, fontSize: 14, scrollback: 2000,
      fontFamily: '"DejaVu Sans Mono", Menlo, Consolas, monospace', theme: theme(),
    });
    terminal.attachCustomKeyEventHandler(takes);
    terminal.open(screen);
    terminal.textarea?.setAttribute("aria-label", title);
    terminal.on("data", send);
    terminal.on("resize", sendSize);
    observer.observe(screen);
    connect(false);
  }).catch((error) => say(`✕ ${error.message}`));

  return {
    /** Ends the connection, and with it a shell; a console is left. */
    close() {
      isClosed = true;
      observer.disconnect();
      system.removeEventListener("change", recolour);
      removeEventListener("apus-theme", recolour);
      const opened = socket;
      socket = null;
      opened?.close(normalClosure);
      terminal?.dispose();
      bar.remove();
      screen.remove();
    },
    /** The container has become visible. */
    shown() {
      fit();
      terminal?.focus();
    },
  };
}
