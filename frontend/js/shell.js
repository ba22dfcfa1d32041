const SHOWN_MS = 8000;

// Menus made of <details class="menu-of"> close on Escape and on a click elsewhere, as menus do.
export function closeMenus(root) {
  root.addEventListener("click", (event) => {
    for (const menu of root.querySelectorAll("details.menu-of[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of root.querySelectorAll("details.menu-of[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

// Good news leaves by itself; a warning or an error stays until it is closed.
export function dismissToasts(root) {
  for (const toast of root.querySelectorAll(".toasts > li")) {
    const close = toast.querySelector("button");
    if (close) {
      close.hidden = false;
      close.addEventListener("click", () => toast.remove());
    }
    if (toast.classList.contains("success") || toast.classList.contains("info")) {
      let timer = setTimeout(() => toast.remove(), SHOWN_MS);
      const wait = () => clearTimeout(timer);
      toast.addEventListener("mouseenter", wait);
      toast.addEventListener("focusin", wait);
      toast.addEventListener("mouseleave", () => {
        timer = setTimeout(() => toast.remove(), SHOWN_MS);
      });
    }
  }
}
