// A reward is a sentence: what does not belong to the chosen kind, event or side is put away, unless it is wrong.
const FACTS = ["kind", "event", "side"];

function adapt(rule) {
  const chosen = {};
  for (const fact of FACTS) chosen[fact] = rule.querySelector(`select[name$="-${fact}"]`)?.value;
  for (const part of rule.querySelectorAll("[data-kind], [data-event], [data-side]")) {
    const fits = FACTS.every(
      (fact) => part.dataset[fact] === undefined || part.dataset[fact].split(" ").includes(chosen[fact]),
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
