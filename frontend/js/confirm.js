const PATIENCE_MS = 4000;

// A button with data-confirm asks its question on the first click and acts on the second.
export function offerConfirmation(root) {
  for (const button of root.querySelectorAll("button[data-confirm]")) {
    const label = button.textContent;
    let timer = 0;
    const disarm = () => {
      clearTimeout(timer);
      timer = 0;
      button.textContent = label;
      button.classList.remove("armed");
    };
    button.setAttribute("aria-live", "polite");
    button.addEventListener("blur", disarm);
    button.addEventListener("click", (event) => {
      if (timer) return;
      event.preventDefault();
      button.textContent = button.dataset.confirm;
      button.classList.add("armed");
      timer = setTimeout(disarm, PATIENCE_MS);
    });
  }
}
