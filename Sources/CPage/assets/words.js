// Numbers, states and colours in words and signs, the same everywhere on the page.

const prefixes = ["", "k", "M", "G", "T"];

function short(value, step) {
  let index = 0;
  while (value >= step && index < prefixes.length - 1) {
    value /= step;
    index += 1;
  }
  return [value >= 100 || index === 0 ? Math.round(value) : value.toFixed(1), prefixes[index]];
}

/** `12.3 Mbit/s` of bytes a second. */
export function bits(bytes) {
  const [number, prefix] = short(bytes * 8, 1000);
  return `${number} ${prefix}bit/s`;
}

/** `1.2k`. */
export function amount(number) {
  return short(number, 1000).join("");
}

/** `3.4 MB`. */
export function bytes(number) {
  const [value, prefix] = short(number, 1000);
  return `${value} ${prefix}B`;
}

const signs = { running: "●", starting: "◔", stopped: "■", failed: "✕", up: "━", down: "✕" };

/** A sign for a state of a node or a carrier, told apart by its form. */
export function sign(state) {
  return signs[state] ?? "○";
}

/** What a node does, in a word: `running`; `running, not ready`. */
export function stateWords(node) {
  if (!node) return "";
  return node.state === "running" && !node.ready ? "running, not ready" : node.state;
}

/** Whether carrier was taken away from a link; one that is down otherwise has a node that does not run. */
export function isCut(live) {
  return Boolean(live?.down.length);
}

/** The VLANs of a port in words: `vlan 10`, `trunk 10,20 native 10`, `wire`; `transparent` on a switch that has none. */
export function vlanWords(port) {
  if (!port) return "";
  if (port.mode === "access") return `vlan ${port.pvid}`;
  if (port.mode !== "trunk") return port.mode;
  const all = port.allowed.join(",") === "1-4094" ? "all" : port.allowed.join(",");
  return `trunk ${all}${port.pvid ? ` native ${port.pvid}` : ""}`;
}

/** Impairments in words: `delay 40ms, loss 1%`, by the end that sends where the two differ; empty if there are none. */
export function faultWords(impair) {
  const sides = Object.entries(impair ?? {}).map(([end, values]) =>
    [end, Object.entries(values).map(([key, value]) => `${key} ${value}`).join(", ")]);
  if (sides.length === 2 && sides[0][1] === sides[1][1]) return sides[0][1];
  return sides.map(([end, text]) => `from ${end}: ${text}`).join("; ");
}
