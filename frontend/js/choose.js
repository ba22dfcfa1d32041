// A checkbox with data-choose-all="form id" stands for all checkboxes of that form; it is hidden without this.
export function offerChoosingAll(root) {
  for (const whole of root.querySelectorAll("input[data-choose-all]")) {
    const choices = [...root.querySelectorAll('input[type="checkbox"]')].filter(
      (box) => box !== whole && box.getAttribute("form") === whole.dataset.chooseAll,
    );
    if (!choices.length) continue;
    const show = () => {
      const chosen = choices.filter((box) => box.checked).length;
      whole.checked = chosen === choices.length;
      whole.indeterminate = chosen > 0 && chosen < choices.length;
    };
    whole.addEventListener("change", () => {
      for (const box of choices) box.checked = whole.checked;
    });
    for (const box of choices) box.addEventListener("change", show);
    // The browser restores what was ticked before a reload.
    show();
    whole.hidden = false;
  }
}
