import { copy } from "../copy.js";

const SHOWN_MS = 2500;

// A button with data-copies copies the value of the input whose id it names, and says so to eye and ear.
export function offerLink(root) {
  for (const button of root.querySelectorAll("button[data-copies]")) {
    const input = root.getElementById(button.dataset.copies);
    const said = button.querySelector("[data-said]");
    const heard = root.querySelector("[data-copied]");
    const label = said.textContent;
    let timer = 0;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(input);
      button.classList.toggle("done", done);
      said.textContent = done ? "Copied" : "Press Ctrl+C";
      if (heard) heard.textContent = done ? "Your link is copied." : "Your link is selected. Press Control and C.";
      clearTimeout(timer);
      timer = setTimeout(() => {
        button.classList.remove("done");
        said.textContent = label;
        if (heard) heard.textContent = "";
      }, SHOWN_MS);
    });
    input.addEventListener("focus", () => input.select());
  }
}
