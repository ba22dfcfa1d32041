// Builds a tree of conditions on the page; the JSON document in the hidden input is what the form posts.
const JOINTS = [
  ["all", "all of these hold"],
  ["any", "at least one of these holds"],
  ["none", "none of these holds"],
];
const MOST_DEPTH = 3;
const MANY = ["one_of", "has_any", "has_none"];
const RANGES = ["at_least", "at_most", "between"];

function made(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function labelled(label, control) {
  control.setAttribute("aria-label", label);
  return control;
}

function choice(label, options, chosen, onChange) {
  const select = made("select", {}, ...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
  select.addEventListener("change", () => onChange(select.value));
  return labelled(label, select);
}

function entry(label, value, onInput, properties = {}) {
  const input = made(properties.rows ? "textarea" : "input", { maxLength: 200, ...properties, value });
  input.addEventListener("input", () => onInput(input.value));
  return labelled(label, input);
}

function press(text, label, onPress) {
  const button = made("button", { type: "button", className: "btn btn-ghost btn-sm", textContent: text });
  if (label) button.setAttribute("aria-label", label);
  button.addEventListener("click", onPress);
  return button;
}

// Money is a text of digits on both sides of the point: no number with a fraction is ever made of it.
function major(minor, decimals) {
  if (!Number.isInteger(minor)) return String(minor ?? "");
  const digits = String(minor).padStart(decimals + 1, "0");
  return decimals ? `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}` : digits;
}

function minor(text, decimals) {
  const parts = /^(\d{1,13})(?:[.,](\d*))?$/.exec(text.trim());
  if (!parts || (parts[2] ?? "").length > decimals) return text;
  return Number(parts[1] + (parts[2] ?? "").padEnd(decimals, "0"));
}

function whole(text) {
  return /^-?\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : text;
}

class Builder {
  constructor(root) {
    this.input = root.querySelector("input[type=hidden]");
    this.of = root.dataset.of;
    Object.assign(this, JSON.parse(root.dataset.facts));
    try {
      this.tree = this.input.value ? JSON.parse(this.input.value) : null;
    } catch {
      this.tree = null;
    }
    this.place = made("div");
    root.querySelector("[data-conditions-words]").replaceWith(this.place);
    this.draw();
  }

  // `focus` picks the control that the keyboard goes on from after the tree changed its shape.
  draw(focus) {
    const root = this.tree
      ? this.group(this.tree, 1, "", () => this.change(() => (this.tree = null), ["button"]))
      : press("+ Add conditions", `Add conditions of ${this.of}`, () =>
          this.change(() => (this.tree = { all: [this.fresh()] }), ["[data-at='1'] select"]),
        );
    this.place.replaceChildren(root);
    for (const wanted of focus ?? []) {
      const found = this.place.querySelector(wanted);
      if (found) return found.focus();
    }
  }

  fresh() {
    const fact = this.facts[0];
    return { fact: fact.name, op: this.operators[fact.type][0][0], value: "" };
  }

  change(how, focus) {
    how();
    this.store();
    this.draw(focus);
  }

  store() {
    this.input.value = this.tree ? JSON.stringify(this.tree) : "";
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  group(node, depth, at, remove) {
    const joint = JOINTS.find(([name]) => name in node)?.[0] ?? "all";
    const parts = node[joint];
    const name = at ? `group ${at}` : `conditions of ${this.of}`;
    const box = made("fieldset", { className: depth > 1 ? "mb-3 border-l-2 border-line pl-3" : "mb-3" });
    if (at) box.dataset.at = at;
    const head = made("div", { className: "mb-2 flex flex-wrap items-center gap-2" });
    const choose = choice(`How the ${name} are joined`, JOINTS, joint, (chosen) =>
      this.change(() => {
        delete node[joint];
        node[chosen] = parts;
      }, [at ? `[data-at='${at}'] select` : "select"]),
    );
    const gone = press("Remove", `Remove the ${name}`, remove);
    head.append(made("span", { className: "text-sm", textContent: "Counts if" }), choose, gone);
    box.append(made("legend", { className: "visually-hidden", textContent: name[0].toUpperCase() + name.slice(1) }), head);
    parts.forEach((part, index) => {
      const here = at ? `${at}.${index + 1}` : String(index + 1);
      const away = () =>
        this.change(() => {
          parts.splice(index, 1);
          if (!parts.length) remove();
        }, [`[data-at='${here}'] select`, `[data-add='${at}']`, "button"]);
      box.append("fact" in part ? this.leaf(part, here, away) : this.group(part, depth + 1, here, away));
    });
    const next = at ? `${at}.${parts.length + 1}` : String(parts.length + 1);
    const add = (made_) => this.change(() => parts.push(made_), [`[data-at='${next}'] select`]);
    const foot = made("div", { className: "flex flex-wrap gap-2" });
    const more = press("+ Condition", `Add a condition to the ${name}`, () => add(this.fresh()));
    more.dataset.add = at;
    foot.append(more);
    if (depth < MOST_DEPTH) {
      foot.append(press("+ Group", `Add a group to the ${name}`, () => add({ any: [this.fresh()] })));
    }
    box.append(foot);
    return box;
  }

  leaf(node, at, remove) {
    const fact = this.factOf(node.fact);
    const again = [`[data-at='${at}'] select`];
    const box = made("div", {
      className: "mb-2 flex flex-wrap items-center gap-2 rounded-field bg-sunken p-2 [&_select]:max-w-full [&_textarea]:min-h-16 sm:[&_select]:max-w-xs",
    });
    box.dataset.at = at;
    const select = made("select");
    for (const group of new Set(this.facts.map((each) => each.group))) {
      const options = this.facts.filter((each) => each.group === group);
      select.append(
        made("optgroup", { label: group }, ...options.map((each) => new Option(each.words, each.name, false, each === fact))),
      );
    }
    select.addEventListener("change", () =>
      this.change(() => {
        const chosen = this.factOf(select.value);
        const [op] = this.operators[chosen.type][0];
        Object.assign(node, { fact: select.value, op, value: this.blank(chosen, op) });
      }, again),
    );
    box.append(labelled(`Condition ${at}: what`, select));
    if (fact.type === "attribute") {
      const key = entry(`Condition ${at}: the attribute's key`, node.fact.slice(fact.name.length), (text) => {
        node.fact = fact.name + text.trim();
        this.store();
      }, { maxLength: 40, placeholder: "key", className: "w-32" });
      box.append(key);
    }
    box.append(
      choice(`Condition ${at}: how`, this.operators[fact.type], node.op, (op) =>
        this.change(() => {
          const alike = MANY.includes(op) === MANY.includes(node.op) && (op === "between") === (node.op === "between");
          const asks = !["is_known", "is_unknown"].includes(op);
          if (!asks) delete node.value;
          else if (!alike || node.value === undefined || RANGES.includes(op) !== RANGES.includes(node.op)) {
            node.value = this.blank(fact, op);
          }
          node.op = op;
        }, [`[data-at='${at}'] select:nth-of-type(2)`]),
      ),
      ...this.values(node, fact, at),
      press("Remove", `Remove condition ${at}`, remove),
    );
    return box;
  }

  factOf(name) {
    const own = this.facts.find((each) => each.name === name);
    return own ?? this.facts.find((each) => each.type === "attribute" && name.startsWith(each.name)) ?? this.facts[0];
  }

  blank(fact, op) {
    if (fact.type === "flag") return true;
    if (fact.type === "kind" && !MANY.includes(op)) return this.kinds[0][0];
    if (op === "between") return ["", ""];
    return MANY.includes(op) ? [] : "";
  }

  values(node, fact, at) {
    const label = `Condition ${at}: value`;
    const put = (value) => {
      node.value = value;
      this.store();
    };
    if (["is_known", "is_unknown"].includes(node.op)) return [];
    if (fact.type === "flag") {
      const answers = [["true", "yes"], ["false", "no"]];
      return [choice(label, answers, String(node.value), (text) => put(text === "true"))];
    }
    if (MANY.includes(node.op)) {
      const read = (text) => {
        const upper = fact.type === "country";
        const parts = text.split(upper ? /[\s,;]+/ : "\n").map((each) => each.trim());
        return [...new Set(parts.filter(Boolean).map((each) => (upper ? each.toUpperCase() : each)))];
      };
      const hint = fact.type === "country" ? "DE, AT" : "One a line";
      const listed = [node.value ?? []].flat().join(fact.type === "country" ? ", " : "\n");
      return [entry(label, listed, (text) => put(read(text)), { rows: 2, maxLength: 10000, placeholder: hint, className: "w-full sm:w-56" })];
    }
    if (fact.type === "kind") return [choice(label, this.kinds, node.value, put)];
    if (node.op === "between") {
      const pair = [node.value].flat();
      const one = (place, name) =>
        this.single(`${label}, ${name}`, fact, node.op, pair[place] ?? "", (value) => {
          pair[place] = value;
          put([pair[0] ?? "", pair[1] ?? ""]);
        });
      return [...one(0, "from"), made("span", { className: "text-sm", textContent: "to" }), ...one(1, "to")];
    }
    if (fact.type === "attribute" && ["is", "is_not"].includes(node.op)) return this.attribute(node, label, put);
    return this.single(label, fact, node.op, node.value ?? "", put);
  }

  // What an attribute is compared with is a text, a number or a truth value.
  attribute(node, label, put) {
    const kind = { number: "number", boolean: "boolean" }[typeof node.value] ?? "text";
    const kinds = [["text", "text"], ["number", "number"], ["boolean", "yes or no"]];
    const at = label.split(":")[0].replace("Condition ", "");
    const sort = choice(label.replace("value", "sort of value"), kinds, kind, (chosen) =>
      this.change(() => (node.value = { text: "", number: 0, boolean: true }[chosen]), [`[data-at='${at}'] select:nth-of-type(3)`]),
    );
    if (kind === "boolean") {
      return [sort, choice(label, [["true", "yes"], ["false", "no"]], String(node.value), (text) => put(text === "true"))];
    }
    const read = kind === "number" ? whole : (text) => text;
    return [sort, entry(label, String(node.value ?? ""), (text) => put(read(text)), { className: "w-full sm:w-40" })];
  }

  single(label, fact, op, value, put) {
    if (fact.type === "money") {
      const field = entry(`${label} in ${this.currency}`, major(value, this.decimals), (text) => put(minor(text, this.decimals)), { inputMode: "decimal", className: "w-28" });
      return [field, made("span", { className: "text-sm", textContent: this.currency })];
    }
    if (fact.type === "number" || RANGES.includes(op) && fact.type === "attribute") {
      return [entry(label, String(value), (text) => put(whole(text)), { inputMode: "numeric", className: "w-28" })];
    }
    if (fact.type === "date") return [entry(label, String(value), put, { type: "date" })];
    const upper = fact.type === "country";
    const field = entry(label, String(value), (text) => put(upper ? text.trim().toUpperCase() : text), {
      className: upper ? "w-20" : "w-full sm:w-56",
      placeholder: upper ? "DE" : "",
    });
    return [field];
  }
}

export function offerConditions(root) {
  for (const place of root.querySelectorAll("[data-conditions]")) {
    if (place.dataset.built) continue;
    place.dataset.built = "yes";
    new Builder(place);
  }
}
