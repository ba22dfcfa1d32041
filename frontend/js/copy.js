const SHOWN_MS = 2000;

// The clipboard is closed to insecure pages and to frames without permission; selecting and copying is not.
export async function copy(input) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(input.value);
      return true;
    } catch {
      // Falls through to the way that needs no permission.
    }
  }
  input.select();
  return document.execCommand("copy");
}

// A button with data-copy copies the value of the input whose id it names, and says so.
export function offerCopying(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    const label = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const input = document.getElementById(button.dataset.copy);
      button.textContent = (await copy(input)) ? "Copied" : "Press Ctrl+C";
      setTimeout(() => {
        button.textContent = label;
      }, SHOWN_MS);
    });
  }
}
