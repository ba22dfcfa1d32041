"""The editor of a program's terms: the general form, and rows for rewards with their tiers and for caps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms

from core.money import is_currency
from programs.forms.caps import MAX_CAPS, CapForm, cap_initial
from programs.forms.conditions import builder_facts, fault_words
from programs.forms.fraud import FraudForm, fraud_initial
from programs.forms.general import FIELD_OF, SECTIONS, TermsForm, terms_initial
from programs.forms.rules import RuleForm, rule_initial
from programs.forms.values import count_of
from programs.models import Program
from programs.terms import FieldError, ProgramTerms, RewardRule, TermsInvalid

MAX_RULES: Final = 50
ROW_BUTTONS: Final = (
    "add_rule",
    "remove_rule",
    "move_rule",
    "add_tier",
    "remove_tier",
    "move_tier",
    "add_cap",
    "remove_cap",
)


class TermsEditor:
    """The general form `general`, the form `fraud` and the rows `rules` and `caps`, bound when there is data.

    With a `section` (see `SECTIONS`) the data holds that part only, and everything else stays as it is in the
    draft. Rows are added, moved and taken away by buttons that post the form as it stands (`ROW_BUTTONS`), so
    it works without scripts; `change_rows` answers them.
    """

    def __init__(
        self,
        *,
        program: Program,
        terms: ProgramTerms,
        data: Mapping[str, Any] | None = None,
        section: str | None = None,
    ) -> None:
        self.section = section
        if data is not None and section is not None:
            data = _completed(TermsEditor(program=program, terms=terms).posted(), data, section)
        chosen = str((data or {}).get("currency", ""))
        self.currency = chosen if is_currency(chosen) else terms.currency
        self.rules: list[RuleForm]
        if data is None:
            self.general = TermsForm(initial=terms_initial(program, terms))
            self.fraud = FraudForm(initial=fraud_initial(terms.fraud))
            self.show_rules(terms.rewards)
            self.caps = self._cap_rows([cap_initial(cap, self.currency) for cap in terms.caps])
        else:
            self.general = TermsForm(data)
            self.fraud = FraudForm(data)
            self.rules = [
                RuleForm(data, prefix=f"rule-{index}", currency=self.currency)
                for index in range(count_of(data, "rules", MAX_RULES))
            ]
            self.caps = [
                CapForm(data, prefix=f"cap-{index}", currency=self.currency, rewards=self.rewards())
                for index in range(count_of(data, "caps", MAX_CAPS))
            ]

    def condition_facts(self) -> str:
        """Return what conditions can ask for, as JSON for the builder on the page."""
        return builder_facts(self.currency)

    def posted(self) -> dict[str, Any]:
        """Return what a browser sends for the editor as it is shown."""
        data: dict[str, Any] = {"rules": str(len(self.rules)), "caps": str(len(self.caps))}
        for rule in self.rules:
            data[f"{rule.prefix}-tiers"] = str(len(rule.tiers))
        for form in (
            self.general,
            self.fraud,
            *self.rules,
            *(tier for rule in self.rules for tier in rule.tiers),
            *self.caps,
        ):
            for name in form.fields:
                value = form[name].value()
                if value is None or value is False:
                    continue
                data[form.add_prefix(name)] = "on" if value is True else value
        return data

    def is_valid(self) -> bool:
        """Check every part, so that all faults show at once."""
        return all(
            [
                self.general.is_valid(),
                self.fraud.is_valid(),
                *(rule.is_valid() for rule in self.rules),
                *(cap.is_valid() for cap in self.caps),
            ]
        )

    @property
    def has_errors(self) -> bool:
        """Whether anything was found wrong."""
        forms_of_one = (self.general, self.fraud, *self.caps)
        return any(form.errors for form in forms_of_one) or any(rule.has_errors for rule in self.rules)

    def show_rules(self, rules: Iterable[RewardRule]) -> None:
        """Put these rewards in place of the rows, as yet unchecked."""
        self.rules = self._rows([rule_initial(rule, self.currency) for rule in rules])

    def rewards(self) -> list[tuple[str, str]]:
        """Return key and name of the rewards that have a key, for the caps that may cover them."""
        return [
            (str(key), f"Reward {number}")
            for number, rule in enumerate(self.rules, start=1)
            if (key := rule["key"].value())
        ]

    def change_rows(self, button: str, value: str) -> None:
        """Turn what was typed into an unchecked form whose rows changed as a button of `ROW_BUTTONS` says.

        `value` names the row: the reward's number, for a tier `reward.tier`, and to move it `.up` or `.down`
        after that. What names no row changes nothing.
        """
        rows = [rule.typed() for rule in self.rules]
        caps = [cap.typed() for cap in self.caps]
        number, *rest = value.split(".")
        if button == "add_rule":
            rows = [*rows, {}][:MAX_RULES]
        elif button == "remove_rule":
            rows = _without(rows, number)
        elif button == "move_rule":
            _move(rows, number, rest)
        elif button == "add_cap":
            caps = [*caps, {}][:MAX_CAPS]
        elif button == "remove_cap":
            caps = _without(caps, number)
        elif number.isdigit() and int(number) < len(rows):
            row = rows[int(number)]
            tiers = row.setdefault("tiers", [])
            if button == "add_tier":
                tiers.append({"measure": row.get("measure", "percentage")})
            elif button == "remove_tier":
                row["tiers"] = _without(tiers, rest[0] if rest else "")
            elif rest:
                _move(tiers, rest[0], rest[1:])
        self.general = TermsForm(initial={name: self.general[name].value() for name in self.general.fields})
        self.fraud = FraudForm(initial=self.fraud.typed())
        self.rules = self._rows(rows)
        self.caps = self._cap_rows(caps)

    def document(self) -> dict[str, Any]:
        """Return the terms document; call only after `is_valid`."""
        return {
            **self.general.document(),
            "fraud": self.fraud.document(),
            "rewards": _keyed(self.rules, lambda entry: f"{entry['side']}-{entry['kind']}"),
            "caps": _keyed(self.caps, lambda entry: f"{entry['scope']}-{entry['period']}"),
        }

    def add_errors(self, error: TermsInvalid) -> None:
        """Put each fault on the field that it is about, or above the form."""
        for fault in error.errors:
            form, field = self._place(fault)
            path = fault.param.partition(".conditions.")[2]
            form.add_error(field, fault_words(path, fault.message) if path else fault.message)

    def _place(self, fault: FieldError) -> tuple[forms.Form, str | None]:
        group, _, rest = fault.param.partition(".")
        number, _, path = rest.partition(".")
        if group == "rewards" and number.isdigit() and int(number) < len(self.rules):
            return self.rules[int(number)].place_of(path)
        if group == "caps" and number.isdigit() and int(number) < len(self.caps):
            return self.caps[int(number)], self.caps[int(number)].field_of(path)
        if group == "fraud" and (field := self.fraud.field_of(rest)) is not None:
            return self.fraud, field
        param = fault.param
        while param and param not in FIELD_OF:
            param = param.rpartition(".")[0]
        return self.general, FIELD_OF.get(param)

    def _rows(self, values: Iterable[dict[str, Any]]) -> list[RuleForm]:
        return [
            RuleForm(initial=initial, prefix=f"rule-{index}", currency=self.currency)
            for index, initial in enumerate(values)
        ]

    def _cap_rows(self, values: Iterable[dict[str, Any]]) -> list[CapForm]:
        return [
            CapForm(initial=initial, prefix=f"cap-{index}", currency=self.currency, rewards=self.rewards())
            for index, initial in enumerate(values)
        ]


def _completed(shown: Mapping[str, Any], data: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Return what a browser would send for the whole editor, of which `data` holds one section.

    A box that is not ticked is not sent at all, so the section's own fields are taken from `data` only.
    """
    kept = {name: value for name, value in shown.items() if not _stands_on(section, name)}
    return {**kept, **{name: value for name, value in data.items() if _stands_on(section, name)}}


def _stands_on(section: str, name: str) -> bool:
    """Tell whether a posted field belongs to a section of the editor."""
    if name in ("rules", "caps") or name.startswith(("rule-", "cap-")):
        return section == "rewards"
    if name.startswith(f"{FraudForm.prefix}-"):
        return section == "fraud"
    return name in SECTIONS[section]


def _without(rows: list[dict[str, Any]], number: str) -> list[dict[str, Any]]:
    return [row for index, row in enumerate(rows) if str(index) != number]


def _move(rows: list[dict[str, Any]], number: str, way: list[str]) -> None:
    here = int(number) if number.isdigit() and len(number) < 4 else -1
    there = here + (1 if way == ["down"] else -1)
    if 0 <= here < len(rows) and 0 <= there < len(rows) and way in (["up"], ["down"]):
        rows[here], rows[there] = rows[there], rows[here]


def _keyed(
    rows: Sequence[RuleForm | CapForm], wanted: Callable[[dict[str, Any]], str]
) -> list[dict[str, Any]]:
    """Return the entries of valid rows; those without a key get a free one like `wanted`."""
    taken = {row.entry["key"] for row in rows if row.entry["key"]}
    entries = []
    for row in rows:
        entry = dict(row.entry)
        if not entry["key"]:
            entry["key"] = _free_key(wanted(entry).replace("_", "-"), taken)
            taken.add(entry["key"])
        entries.append(entry)
    return entries


def _free_key(wanted: str, taken: set[str]) -> str:
    key, number = wanted, 1
    while key in taken:
        number += 1
        key = f"{wanted}-{number}"
    return key
