// The box at the top of the console: "/" or Ctrl-K enters it, arrows move through what was found, Enter opens.
export function offerSearch(root) {
  const place = root.querySelector("[data-search]");
  if (!place) return;
  const box = place.querySelector("[data-search-box]");
  const found = place.querySelector("[data-search-found]");
  const said = place.querySelector("[data-search-said]");

  const hits = () => [...found.querySelectorAll("[data-hit]")];
  const active = () => found.querySelector("[data-hit][data-active]");
  const choose = (hit) => {
    active()?.removeAttribute("data-active");
    if (!hit) return;
    hit.setAttribute("data-active", "");
    hit.scrollIntoView({ block: "nearest" });
    said.textContent = hit.textContent.replaceAll(/\s+/g, " ").trim();
  };
  const close = () => {
    found.hidden = true;
    choose(null);
  };
  const open = () => {
    found.hidden = !found.firstElementChild || !box.value.trim();
  };
  const move = (by) => {
    const all = hits();
    if (!all.length) return;
    const at = all.indexOf(active());
    choose(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length]);
  };

  root.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const shortcut = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
    if (!shortcut && (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey)) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
  box.addEventListener("focus", open);
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !found.hidden && active()) {
      event.preventDefault();
      active().click();
    } else if (event.key === "Escape") {
      if (found.hidden) box.blur();
      else close();
      event.preventDefault();
    }
  });
  box.addEventListener("input", () => {
    if (!box.value.trim()) close();
  });
  found.addEventListener("htmx:afterSwap", () => {
    open();
    said.textContent = found.querySelector("[data-said]")?.dataset.said ?? "";
  });
  found.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close();
    box.focus();
  });
  place.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !place.contains(event.relatedTarget)) close();
  });
  root.addEventListener("click", (event) => {
    if (!place.contains(event.target)) close();
  });
}
