// Where the page begins: signs in, and puts the parts together.
import { api, begin, signIn, socket, stream } from "./api.js";
import { dialog, h, toast, wordsOf } from "./dom.js";
import { createPanel } from "./panel.js";

/** The form for the token, for who comes without one. */
function form() {
  return dialog("Token", (close) => {
    const field = h("input", { type: "password", name: "token", autocomplete: "off", required: true, autofocus: true });
    const fault = h("p", { class: "fault", role: "alert" });
    const enter = async (event) => {
      event.preventDefault();
      try {
        await signIn(field.value.trim());
        close();
      } catch (error) {
        fault.textContent = wordsOf(error);
      }
    };
    return h("form", { onsubmit: enter },
      h("p", {}, "This daemon wants its token: the last part of the address that `apus up --http` printed."),
      h("label", {}, "Token ", field), fault, h("p", { class: "buttons" }, h("button", {}, "Enter")));
  });
}

await begin(form);
const context = { api, stream, socket, lab: "", toast };
createPanel(document.getElementById("panel"), context, () => {});
