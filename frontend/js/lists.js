// Lists: the bulk bar stands there once a row is chosen and says how many are; the filters close when applied.
function tell(form) {
  const boxes = document.querySelectorAll(`tbody input[type="checkbox"][form="${form.id}"]`);
  const chosen = [...boxes].filter((box) => box.checked).length;
  form.hidden = chosen === 0;
  const count = form.querySelector("[data-bulk-count]");
  if (count) count.textContent = `${chosen} chosen`;
}

export function offerBulk(root) {
  for (const form of root.querySelectorAll("form[data-bulk]")) tell(form);
}

document.addEventListener("change", (event) => {
  const box = event.target;
  const form = box.form ?? document.getElementById(box.dataset?.chooseAll ?? "");
  // Choosing all ticks the others in its own listener first.
  if (form?.matches?.("form[data-bulk]")) setTimeout(() => tell(form));
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-list-filters]")) return;
  for (const menu of form.querySelectorAll("details[open]")) menu.open = false;
});
