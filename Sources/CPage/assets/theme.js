// Light, dark, or as the system has it; kept in this browser.
import { h } from "./dom.js";

const key = "apus.theme";
const themes = [["", "◐", "as the system"], ["light", "○", "light"], ["dark", "●", "dark"]];

/** Makes the button that goes from one to the next. */
export function createTheme() {
  let at = Math.max(0, themes.findIndex(([name]) => name === (localStorage.getItem(key) ?? "")));
  const button = h("button", { type: "button", id: "theme", onclick: () => next() });

  function set() {
    const [name, sign, words] = themes[at];
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    button.textContent = sign;
    button.title = `Colours: ${words} (T)`;
    button.setAttribute("aria-label", button.title);
    // What is drawn in colours of its own, such as consoles, follows.
    dispatchEvent(new CustomEvent("apus-theme"));
  }

  function next() {
    at = (at + 1) % themes.length;
    localStorage.setItem(key, themes[at][0]);
    set();
  }

  set();
  return { button, next };
}
