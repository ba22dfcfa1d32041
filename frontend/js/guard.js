// A form with data-guard asks before its unsaved changes are left behind.
export function guardForms(root) {
  for (const form of root.querySelectorAll("form[data-guard]")) {
    if (form.dataset.guarded) continue;
    form.dataset.guarded = "yes";
    let changed = false;
    const ask = (event) => {
      if (changed && form.isConnected) event.preventDefault();
    };
    form.addEventListener("input", () => {
      changed = true;
    });
    form.addEventListener("submit", () => {
      changed = false;
    });
    window.addEventListener("beforeunload", ask);
  }
}
