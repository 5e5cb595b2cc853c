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
  return `${number}\u00a0${prefix}bit/s`;
}

/** `12.3 ⇄ 4.5 Mbit/s` of bytes a second there and back; each with its unit where they are of another order. */
export function bitsBothWays(there, back) {
  const [[one, oneUnit], [other, otherUnit]] = [short(there * 8, 1000), short(back * 8, 1000)];
  if (there > 0 && back > 0 && oneUnit !== otherUnit) return `${bits(there)} ⇄ ${bits(back)}`;
  return `${one}\u00a0⇄\u00a0${other}\u00a0${there > 0 ? oneUnit : otherUnit}bit/s`;
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

/** `Rules: access web, isolated, storm broadcast 100/s, 3 of 4096 flows` of a port that does not let all through; else nothing. */
export function ruleWords(rules) {
  if (!rules) return "";
  const storms = Object.entries(rules.storm).filter(([, limit]) => limit !== null).map(([kind, limit]) => `storm ${kind} ${limit}/s`);
  const rates = [["to the node", rules.rate.to_node], ["from the node", rules.rate.from_node]]
    .filter(([, rate]) => rate !== null).map(([way, rate]) => `at most ${bits(rate / 8)} ${way}`);
  const words = [
    rules.access && `access ${rules.access}`, rules.mac_lock && `station ${rules.mac_lock}`,
    rules.ip_lock && `addresses ${rules.ip_lock.join(", ") || "none"}`, rules.learn_limit && `learn-limit ${rules.learn_limit}`,
    rules.isolated && "isolated", ...storms, ...rates, rules.flow_limit > 0 && `${rules.flows} of ${rules.flow_limit} flows`,
  ];
  return `Rules: ${words.filter(Boolean).join(", ")}`;
}
