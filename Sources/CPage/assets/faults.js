// Carrier and impairments of one link as a form: what is typed is checked by the daemon, whose words stand below it.
import { api, path } from "./api.js";
import { attempt, h, setText, wordsOf } from "./dom.js";
import { faultWords, isCut, sign } from "./words.js";

/** Keys as the lab file has them, with an example and what they do. */
const keys = [
  ["delay", "40ms", "Every frame is held back this long"],
  ["jitter", "5ms", "The delay varies by up to this much"],
  ["loss", "1%", "Ratio of frames that are lost"],
  ["rate", "8Mbit", "Bits a second, with what is not a whole frame yet; 0 = no limit"],
  ["queue", "1000", "Frames that wait at most"],
  ["duplicate", "0.5%", "Ratio of frames that arrive twice"],
  ["reorder", "1%", "Ratio of frames that overtake others"],
  ["corrupt", "0.1%", "Ratio of frames in which a bit is turned over"],
];

/** Makes the form of a link in `container`; `close()` of what it returns ends it. */
export function open(container, store, edge) {
  const live = () => store.live.links.get(edge.name);
  const ends = edge.ports.length === 2 && store.vertex(edge.first)?.kind !== "switch" ? edge.ports : [edge.first, edge.second];
  const sides = edge.ports.length === 1 ? [edge.ports[0], edge.second] : ends;
  const set = (body, done) => attempt(() => api("POST", path`/v1/links/${edge.name}`, body), done);
  const state = h("p", { class: "state-line" });
  const whole = h("button", { type: "button", class: "carrier" });
  whole.onclick = () => set({ carrier: isCut(live()) }, null);
  const isCutAt = (index) => Boolean(live()?.down.includes(sides[index]));
  const single = edge.ports.map((port, index) => h("button", {
    type: "button", class: "carrier",
    onclick: () => set({ carrier: isCutAt(index), from: sides[index] }, null),
  }));
  const fault = h("p", { class: "fault", role: "alert" });
  const from = h("select", { name: "from", onchange: () => fill() },
    h("option", { value: "" }, "both ways"), ...sides.map((end) => h("option", { value: end }, `what ${end} sends`)));
  const fields = new Map(keys.map(([key, example, text]) => [key, h("input", {
    name: key, placeholder: example, title: text, autocomplete: "off", spellcheck: "false", size: 9,
  })]));
  const form = h("form", { class: "faults", onsubmit: apply },
    h("label", { class: "wide" }, "Direction ", from),
    h("div", { class: "fields" }, keys.map(([key, , text]) =>
      h("label", { title: text }, h("span", {}, key), fields.get(key)))),
    fault,
    h("p", { class: "buttons" }, h("button", { class: "primary" }, "Set"),
      h("button", { type: "button", onclick: clear }, "No impairment"),
      h("button", { type: "button", onclick: reset }, "As in the lab file")));
  container.append(
    h("section", { class: "card" }, h("h3", {}, edge.name), state,
      h("p", { class: "buttons" }, whole, edge.ports.length === 2 ? single : []), form));

  /** What is so now, in the fields. */
  function fill() {
    const impair = live()?.impair ?? {};
    const values = impair[from.value || sides[0]] ?? (from.value ? {} : Object.values(impair)[0] ?? {});
    for (const [key, field] of fields) field.value = values[key] ?? "";
    fault.textContent = "";
  }

  function update() {
    const link = live();
    const words = faultWords(link?.impair);
    setText(state, `${sign(link?.carrier)} carrier ${link?.carrier ?? "unknown"}; ${words || "no impairment"}`);
    setText(whole, isCut(link) ? "Give it carrier" : "Cut it");
    whole.setAttribute("aria-pressed", String(isCut(link)));
    single.forEach((button, index) => {
      setText(button, `${isCutAt(index) ? "Give carrier at" : "Cut at"} ${edge.ports[index]}`);
      button.setAttribute("aria-pressed", String(isCutAt(index)));
    });
  }

  async function send(body, done) {
    fault.textContent = "";
    try {
      await api("POST", path`/v1/links/${edge.name}`, body);
      fault.textContent = "";
      setText(state, done);
    } catch (error) {
      fault.textContent = wordsOf(error);
    }
  }

  const direction = () => (from.value ? { from: from.value } : {});

  async function apply(event) {
    event.preventDefault();
    const impair = {};
    for (const [key, field] of fields) if (field.value.trim()) impair[key] = field.value.trim();
    await send({ impair, replace: true, ...direction() }, "set");
  }

  async function clear() {
    await send({ replace: true, ...direction() }, "no impairment");
    for (const field of fields.values()) field.value = "";
  }

  async function reset() {
    await send({ reset: true }, "as in the lab file");
    setTimeout(fill, 1100);
  }

  fill();
  update();
  const forget = store.on("change", (changed) => { if (changed.links.has(edge.name)) update(); });
  return { close: forget };
}
