// A key clicks the element that names it in data-key, unless somebody is writing or has switched keys off.
const OFF = "keys-off";

function areOff() {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false;
  }
}

function switchKeys(on) {
  try {
    if (on) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "");
  } catch {
    // Without storage the choice lasts as long as nothing keeps it: not at all.
  }
}

export function offerKeys(root) {
  // One press decides one case: what is pressed while the next page loads must not decide that one.
  let leaving = false;
  window.addEventListener("pageshow", () => {
    leaving = false;
  });
  root.addEventListener("keydown", (event) => {
    if (leaving || event.repeat || event.defaultPrevented || areOff()) return;
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[a-z?]$/i.test(event.key)) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    const element = root.querySelector(`[data-key~="${event.key.toLowerCase()}"]`);
    if (!element) return;
    const opens = element.hasAttribute("popovertarget");
    if (!opens && root.querySelector("[popover]:popover-open")) return;
    event.preventDefault();
    leaving = !opens;
    element.click();
  });
  for (const label of root.querySelectorAll("[data-keys-switch]")) {
    const box = label.querySelector("input");
    box.checked = !areOff();
    box.addEventListener("change", () => switchKeys(box.checked));
    label.hidden = false;
  }
}
