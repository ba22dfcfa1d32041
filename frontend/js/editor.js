// A reward or a cap is a sentence: what does not belong to what was chosen is put away, unless it is wrong.
const FACTS = ["kind", "event", "side", "first_only", "milestone_basis", "items_mode", "tier_basis", "scope"];
const PARTS = FACTS.map((fact) => `[data-${fact}]`).join(", ");

function adapt(rule) {
  const chosen = {};
  for (const fact of FACTS) chosen[fact] = rule.querySelector(`select[name$="-${fact}"]`)?.value;
  for (const part of rule.querySelectorAll(PARTS)) {
    const fits = FACTS.every(
      (fact) => part.dataset[fact] === undefined || part.dataset[fact].split(" ").includes(chosen[fact] ?? ""),
    );
    part.hidden = !fits && !part.querySelector(".errors");
  }
  const unit = chosen.kind === "points" ? "points" : rule.dataset.currency;
  for (const option of rule.querySelectorAll('select[name$="-measure"] option[value="fixed"]')) {
    option.textContent = unit;
  }
}

export function adaptRules(root) {
  const rules = root.matches?.("[data-rule]") ? [root] : root.querySelectorAll("[data-rule]");
  for (const rule of rules) {
    adapt(rule);
    if (rule.dataset.adapted) continue;
    rule.dataset.adapted = "yes";
    rule.addEventListener("change", () => adapt(rule));
  }
}
