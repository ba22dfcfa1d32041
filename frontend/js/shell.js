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

// Which groups of the menu are open is kept in a cookie, so that the next page comes with them open. A group
// that is open because of the page in it is not kept until it is opened by hand.
export function keepGroups(root) {
  const groups = [...root.querySelectorAll("details[data-group]")];
  for (const group of groups) {
    group.querySelector("summary").addEventListener("click", () => {
      // The click comes before the group opens or closes.
      group.toggleAttribute("data-kept", !group.open);
      const kept = groups.filter((each) => each.hasAttribute("data-kept")).map((each) => each.dataset.group);
      const safe = location.protocol === "https:" ? "; secure" : "";
      document.cookie = `menu=${kept.join(".")}; path=/; max-age=31536000; samesite=lax${safe}`;
    });
  }
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
