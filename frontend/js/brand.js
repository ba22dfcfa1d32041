// The brand page: the picker and the presets write into the field that the preview follows.
function choose(value) {
  const field = document.getElementById("id_color");
  if (!field) return;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("input", (event) => {
  const picker = event.target;
  if (picker.dataset?.picks) choose(picker.value);
  if (picker.id !== "id_color") return;
  const twin = document.querySelector('input[data-picks="id_color"]');
  if (twin && /^#[0-9a-f]{6}$/i.test(picker.value)) twin.value = picker.value;
});

document.addEventListener("click", (event) => {
  const preset = event.target.closest?.("[data-colour]");
  if (!preset) return;
  event.preventDefault();
  choose(preset.dataset.colour);
});
