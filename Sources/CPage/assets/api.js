// How the page talks to the daemon: the token that the address brings is traded for a cookie, requests answer JSON or
// throw an error with the daemon's own words, streams come line by line, WebSockets are opened on the same host.

/** An answer that says what is wrong: `code` (what `apus` would end with), `message`, `hint`, `status` of HTTP. */
export class ApiError extends Error {
  constructor(body, status) {
    super(body.message ?? `HTTP ${status}`);
    this.code = body.code ?? 1;
    this.hint = body.hint ?? "";
    this.status = status;
  }
}

/** Takes `token=` out of the address before anything else can see it, and leaves the rest of the fragment there. */
function tokenOfAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get("token");
  if (token === null) return null;
  fragment.delete("token");
  const rest = fragment.toString();
  history.replaceState(null, "", location.pathname + (rest ? `#${rest}` : ""));
  return token;
}

/** Trades a token for the cookie of a session; throws if it is not the daemon's. */
export async function signIn(token) {
  await api("POST", "/v1/session", { token });
}

/** What is called when the daemon wants a token (again): it shows the form, and returns when somebody has signed in. */
let askForToken = async () => {};
let asking = null;

/** Waits until the daemon knows who asks. One form for all that wait. */
function signedIn() {
  asking ??= askForToken().finally(() => { asking = null; });
  return asking;
}

/** Begins: `form()` shows a form for the token and returns when it was right. */
export async function begin(form) {
  askForToken = form;
  // Another address with a token, in the same tab, only changes the fragment of this one.
  addEventListener("hashchange", async () => {
    const other = tokenOfAddress();
    if (!other) return;
    await signIn(other).catch(() => signedIn());
    location.reload();
  });
  const token = tokenOfAddress();
  // Who opens the URL of another daemon's run has the form before anything else.
  if (token) await signIn(token).catch(() => signedIn());
}

async function errorOf(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    body = { message: `${response.status} ${response.statusText}` };
  }
  return new ApiError(body.error ?? body, response.status);
}

/** A request; asks for the token and tries again when the daemon does not know the page (any more). */
async function request(method, path, { body, signal, headers = {} } = {}) {
  for (let isAgain = false; ; isAgain = true) {
    const options = { method, headers: { ...headers }, signal, credentials: "same-origin", cache: "no-store" };
    if (body instanceof Blob) {
      options.body = body;
    } else if (body !== undefined) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    const response = await fetch(path, options);
    if (response.ok) return response;
    if (response.status !== 401 || isAgain || path === "/v1/session") throw await errorOf(response);
    await signedIn();
  }
}

/** Asks for JSON; `null` where there is nothing to tell. */
export async function api(method, path, body) {
  const response = await request(method, path, { body });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** Streams at once: a browser has six connections to a host, and requests need some of them. */
const streamLimit = 4;
let streams = 0;

/**
 * A stream: calls `onLine` with each value of NDJSON, or `onChunk` with each piece of bytes; returns at its end.
 * `signal` ends it, which is no error. One that is `isShort` ends by itself, and does not count as live.
 */
export async function stream(path, { method = "GET", body, onLine, onChunk, signal, headers, isShort = false } = {}) {
  if (!isShort && streams >= streamLimit) {
    throw new ApiError({ message: "too much is live in this page at once", hint: "close live frames, events or a capture" }, 429);
  }
  const count = isShort ? 0 : 1;
  streams += count;
  let reader = null;
  try {
    const response = await request(method, path, { body, signal, headers });
    reader = response.body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      onChunk?.(value);
      if (!onLine) continue;
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop();
      for (const line of lines) if (line) onLine(JSON.parse(line));
    }
    if (onLine && rest) onLine(JSON.parse(rest));
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    streams -= count;
    // Where a line was refused, the rest of them is of no use; after the end this does nothing.
    reader?.cancel().catch(() => {});
  }
}

/** A WebSocket on this host; its binary frames come as ArrayBuffer. */
export function socket(path) {
  const address = new URL(path, location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
  const opened = new WebSocket(address);
  opened.binaryType = "arraybuffer";
  return opened;
}

/** A path with its names escaped: path`/v1/nodes/${name}`. */
export function path(parts, ...names) {
  return parts.reduce((text, part, index) => text + encodeURIComponent(names[index - 1]) + part);
}
