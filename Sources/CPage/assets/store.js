// What the page knows of the lab: its graph and ports, asked for when they become others, and what is live, from the
// stream of differences. Who draws something listens here and touches only what has changed.
import { api, stream } from "./api.js";

const kinds = ["nodes", "links", "ports", "switches"];

export class Store {
  /** Name of the lab; empty = none is up. */
  lab = "";
  graph = { name: "", vertices: [], edges: [] };
  /** By name, as `GET /v1/ports` has them: kind, mode, VLANs, address. Counters in it are old; see `live.ports`. */
  ports = new Map();
  /** Of VLANs, by number. */
  vlanNames = new Map();
  /** By kind of thing, then by name, what `GET /v1/live` says. */
  live = Object.fromEntries(kinds.map((kind) => [kind, new Map()]));
  /** `connecting`, `live`, `lost`, `paused`. */
  status = "connecting";
  #revision = null;
  /** What the graph and ports were like when `graph` was told, as text. */
  #shape = null;
  #listeners = { graph: [], change: [], status: [] };
  #abort = null;

  /** Calls `listener` after `graph` (the lab has another shape), `change` (with the names that changed), `status`. */
  on(what, listener) {
    this.#listeners[what].push(listener);
    return () => { this.#listeners[what] = this.#listeners[what].filter((other) => other !== listener); };
  }

  #tell(what, value) {
    for (const listener of [...this.#listeners[what]]) listener(value);
  }

  #setStatus(status) {
    if (status === this.status) return;
    this.status = status;
    this.#tell("status", status);
  }

  /** Follows the lab as long as the page is looked at; a daemon that went away is tried again. */
  follow() {
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#abort?.abort();
      else this.#run();
    });
    if (!document.hidden) this.#run();
  }

  async #run() {
    const abort = new AbortController();
    this.#abort = abort;
    for (let wait = 1; !abort.signal.aborted; wait = Math.min(wait * 2, 10)) {
      this.#setStatus("connecting");
      try {
        const onLine = (row) => {
          wait = 1;
          this.#take(row);
        };
        await stream("/v1/live", { onLine, signal: abort.signal });
      } catch {
        // What it was is of no use to who looks: it is tried again.
      }
      if (abort.signal.aborted) break;
      this.#setStatus("lost");
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
    }
    if (document.hidden) this.#setStatus("paused");
  }

  #take(row) {
    this.lab = row.lab ?? "";
    this.#setStatus("live");
    const changed = {};
    for (const kind of kinds) {
      const known = this.live[kind];
      changed[kind] = new Set(Object.keys(row[kind]));
      if (row.whole) {
        for (const name of known.keys()) changed[kind].add(name);
        known.clear();
      }
      for (const [name, value] of Object.entries(row[kind])) {
        if (value === null) known.delete(name);
        else known.set(name, value);
      }
    }
    const isOther = row.whole || row.revision !== this.#revision;
    this.#revision = row.revision;
    if (isOther) this.#reload();
    else this.#tell("change", changed);
  }

  /** One at a time: the newest revision is what is asked for last. */
  async #reload() {
    const revision = this.#revision;
    try {
      const none = (error) => { if (error.status === 404) return null; throw error; };
      const [graph, ports, lab] = await Promise.all([
        api("GET", "/v1/graph").catch(none), api("GET", "/v1/ports"), api("GET", "/v1/lab").catch(none),
      ]);
      if (revision !== this.#revision) return;
      this.graph = graph ?? { name: "", vertices: [], edges: [] };
      this.ports = new Map(ports.map((port) => [port.name, port]));
      this.vlanNames = new Map((lab?.vlans ?? []).filter((vlan) => vlan.name).map((vlan) => [vlan.id, vlan.name]));
      const shape = this.#shapeOfNow();
      const isOther = shape !== this.#shape;
      this.#shape = shape;
      // What is drawn and open stays when it is the same lab, as after a connection that broke.
      if (isOther) this.#tell("graph");
      else this.#tell("change", Object.fromEntries(kinds.map((kind) => [kind, new Set(this.live[kind].keys())])));
    } catch {
      setTimeout(() => { if (revision === this.#revision) this.#reload(); }, 2000);
    }
  }

  /** Things, lines, ports and VLANs, without what they do: what the page is built from. */
  #shapeOfNow() {
    const vertices = this.graph.vertices.map(({ state, ...vertex }) => vertex);
    const edges = this.graph.edges.map(({ carrier, ...edge }) => edge);
    const ports = [...this.ports.values()].map((port) => [
      port.name, port.kind, port.switch, port.mode, port.pvid, port.allowed, port.mac, port.mtu,
    ]);
    return JSON.stringify([this.lab, this.graph.name, vertices, edges, ports, [...this.vlanNames]]);
  }

  /** The link between switches, wire, or link of a NIC of that name. */
  edge(name) {
    return this.graph.edges.find((edge) => edge.name === name);
  }

  /** The switch, node or added port of that name. */
  vertex(name) {
    return this.graph.vertices.find((vertex) => vertex.name === name);
  }

  /** Links that end at a switch or node. */
  edgesOf(name) {
    return this.graph.edges.filter((edge) => edge.first === name || edge.second === name);
  }

  /** Names of the ports of something that can be selected: `kind` is node, switch, link or port. */
  portsOf(kind, name) {
    if (kind === "port") return [name];
    if (kind === "link") return this.edge(name)?.ports ?? [];
    if (kind === "switch") return [...this.ports.values()].filter((port) => port.switch === name).map((port) => port.name);
    const own = [...this.ports.keys()].filter((port) => port.startsWith(`${name}.`));
    return own.length === 0 && this.ports.has(name) ? [name] : own;
  }

  /** The link whose end a port is. */
  edgeOfPort(port) {
    return this.graph.edges.find((edge) => edge.ports.includes(port));
  }

  /** Frames, bytes and drops a second over all ports of a link: from its first end to the second, and back. */
  rates(edge) {
    const [near, far] = edge.ports.map((port) => this.live.ports.get(port));
    const zero = { there: 0, back: 0, drops: 0, bytesThere: 0, bytesBack: 0 };
    if (!near) return zero;
    const received = [near.receive_packets_per_second, near.receive_bytes_per_second];
    const sent = [near.transmit_packets_per_second, near.transmit_bytes_per_second];
    // A port receives what its node sends; between switches, what comes from the other switch.
    const isTrunk = this.vertex(edge.first)?.kind === "switch";
    const [[there, bytesThere], [back, bytesBack]] = isTrunk ? [sent, received] : [received, sent];
    return { there, back, bytesThere, bytesBack, drops: near.drops_per_second + (far?.drops_per_second ?? 0) };
  }
}
