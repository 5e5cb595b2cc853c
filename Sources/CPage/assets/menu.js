// Menus at a place of the page, and the list of keys.
import { dialog, h } from "./dom.js";

let opened = null;

/** Closes the menu that is open, if one is. */
export function closeMenu() {
  opened?.();
}

/**
 * Opens a menu; `items` are `[text, action]`, or null for a line between. Arrow keys, Home, End, Enter, Escape.
 */
export function openMenu(label, items, x, y) {
  closeMenu();
  const before = document.activeElement;
  const menu = h("ul", { role: "menu", class: "menu", "aria-label": label }, items.map((item) => item
    ? h("li", { role: "none" }, h("button", {
      type: "button", role: "menuitem", tabindex: -1,
      onclick: () => {
        close(true);
        item[1]();
      },
    }, item[0]))
    : h("li", { role: "separator" })));
  const buttons = [...menu.querySelectorAll("button")];

  function close(isDone) {
    opened = null;
    menu.remove();
    removeEventListener("pointerdown", outside, true);
    before?.focus?.({ preventScroll: true });
    return isDone;
  }

  function outside(event) {
    if (!menu.contains(event.target)) close(false);
  }

  menu.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const next = {
      ArrowDown: (at + 1) % buttons.length, ArrowUp: (at - 1 + buttons.length) % buttons.length,
      Home: 0, End: buttons.length - 1,
    }[event.key];
    event.stopPropagation();
    if (next !== undefined) {
      event.preventDefault();
      buttons[next].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close(false);
    }
  });
  document.body.append(menu);
  const { width, height } = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(x, innerWidth - width - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, innerHeight - height - 4))}px`;
  addEventListener("pointerdown", outside, true);
  opened = () => close(false);
  buttons[0]?.focus();
}

const keys = [
  ["/", "search"], ["?", "this list"], ["Escape", "closes a menu, the search, the drawer"],
  ["G", "to the map"], ["arrow keys", "on the map: to the next thing that way"],
  ["L", "on the map: to the links of a thing, one after the other"],
  ["Enter", "opens what has the focus"], ["Shift F10, Menu", "its menu"],
  ["Alt arrow keys", "on the map: moves a thing"], ["+  −  0", "on the map: nearer, farther, everything"],
  ["P", "opens or folds the panel below"], ["T", "light, dark, as the system"],
  ["Ctrl Shift Escape", "leaves a console for the page"],
  ["Ctrl Shift ↑", "the same, where the system keeps Ctrl Shift Escape"],
];

/** The list of keys, until somebody closes it. */
export function showKeys() {
  return dialog("Keys", (close) => h("div", {},
    h("dl", { class: "keys" }, keys.flatMap(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)])),
    h("p", { class: "buttons" }, h("button", { type: "button", autofocus: true, onclick: () => close() }, "Close"))));
}
