// Makes elements of HTML and SVG, toasts and dialogs: what every other module of the page builds with.

const svgSpace = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element of HTML: `h("button", { class: "plain", onclick: go }, "Go")`. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children.flat());
}

/** An element of SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children.flat());
}

/** Sets the text of an element only if it is another one: what did not change costs nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Says something at the edge of the page for some seconds; `kind` is `good`, `bad`, or nothing. */
export function toast(text, kind = "") {
  const box = h("p", { class: `toast ${kind}` }, kind === "bad" ? "✕ " : kind === "good" ? "✓ " : "", text);
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), kind === "bad" ? 12000 : 5000);
}

/** The words of an error, with what to do about it. */
export function wordsOf(error) {
  return error.hint ? `${error.message} (${error.hint})` : error.message;
}

/** Runs what a person asked for; what goes wrong is said. Returns whether all went well. */
export async function attempt(work, done) {
  try {
    await work();
    if (done) toast(done, "good");
    return true;
  } catch (error) {
    toast(wordsOf(error), "bad");
    return false;
  }
}

/** Saves bytes or text as a file of the viewer's machine. */
export function save(name, content, type) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = h("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

/** A dialog over the page; `build(close)` returns its content. Resolves with what `close` was given. */
export function dialog(title, build) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    let result;
    const close = (value) => { result = value; box.close(); };
    const box = h("dialog", { "aria-label": title }, h("h2", {}, title), build(close));
    box.addEventListener("close", () => {
      box.remove();
      before?.focus?.();
      resolve(result);
    });
    document.body.append(box);
    box.showModal();
  });
}

/** Asks before something is done that cannot be taken back. */
export function confirm(title, text, action) {
  return dialog(title, (close) => h("div", {},
    h("p", {}, text),
    h("p", { class: "buttons" },
      h("button", { type: "button", class: "danger", onclick: () => close(true) }, action),
      h("button", { type: "button", autofocus: true, onclick: () => close(false) }, "Leave it"))));
}

/**
 * Tabs: makes buttons in `list` (role tablist) that show one panel at a time; arrow keys go along, Delete closes.
 * `tabs` are `{ id, title, onClose? }`; `onShow(id)` is called for every choice of a person. The focus stays among them
 * when they are made anew: at the same one, or, if that is gone, at the one that is shown.
 */
export function tabList(list, tabs, chosen, controls, onShow) {
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const index = tabs.findIndex((tab) => tab.id === event.currentTarget.dataset.id);
    if (step) {
      event.preventDefault();
      const next = tabs[(index + step + tabs.length) % tabs.length];
      onShow(next.id);
      buttonOf(next.id)?.focus();
    } else if (event.key === "Delete") {
      tabs[index].onClose?.();
    }
  };
  const buttonOf = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  const hasFocus = list.contains(document.activeElement);
  const focused = document.activeElement?.dataset?.id ?? chosen;
  list.replaceChildren(...tabs.map((tab) => h("span", { class: "tab", role: "presentation" },
    h("button", {
      type: "button", role: "tab", "data-id": tab.id, "aria-selected": String(tab.id === chosen),
      "aria-controls": controls, tabindex: tab.id === chosen ? 0 : -1,
      onclick: () => onShow(tab.id), onkeydown: move,
    }, tab.title),
    tab.onClose && h("button", {
      type: "button", class: "close", tabindex: -1, "aria-label": `Close ${tab.title}`, onclick: tab.onClose,
    }, "×"))));
  if (hasFocus) (buttonOf(focused) ?? buttonOf(chosen))?.focus();
}
