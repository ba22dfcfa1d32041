// A link with data-opens shows the dialog it names; without this script it leads to the picture itself.
export function offerDialogs(root) {
  for (const link of root.querySelectorAll("a[data-opens]")) {
    const dialog = root.getElementById(link.dataset.opens);
    link.setAttribute("role", "button");
    link.setAttribute("aria-haspopup", "dialog");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.showModal();
    });
    link.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      dialog.showModal();
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
}

// The phone's own share menu, where there is one.
export function offerPhoneSharing(root) {
  for (const button of root.querySelectorAll("button[data-shares]")) {
    const { url, text, title } = button.dataset;
    const given = { url, text, title };
    if (!navigator.share || (navigator.canShare && !navigator.canShare(given))) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.share(given);
      } catch (error) {
        // Whoever closes the menu has decided not to share; that is no fault.
        if (error.name !== "AbortError") throw error;
      }
    });
  }
}
