"""What the page about the fraud rules asks: which program, how far back, and what to try."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms

from programs.models import Program
from programs.terms import FRAUD_RULES, FRAUD_WORDS, FraudTerms, TermsInvalid, change_fraud
from programs.terms.fraud import MAX_WEIGHT
from tracking.backtest_queries import drafted_fraud_terms, fraud_terms_of

DEFAULT_DAYS: Final = 90
LONGEST_DAYS: Final = 366

_MODES: Final = (("", "As it is"), ("on", "On"), ("shadow", "On trial"), ("off", "Off"))


class FraudRulesForm(forms.Form):
    """Reads `program` (a public id) and `days`, and what a back-test is to try, with `run`.

    Without a program the first one is taken, without days 90. Once read, `chosen` is the program, `period`
    the days, and `tried` the terms to try, or None where nothing is to be run or something is wrong.
    """

    program = forms.ChoiceField(required=False)
    days = forms.IntegerField(label="Last days", min_value=1, max_value=LONGEST_DAYS, required=False)
    rule = forms.ChoiceField(
        label="Rule", required=False, choices=[("", "None"), *((r, FRAUD_WORDS[r][0]) for r in FRAUD_RULES)]
    )
    mode = forms.ChoiceField(label="Let it be", required=False, choices=_MODES)
    weight = forms.IntegerField(label="Its weight", min_value=0, max_value=MAX_WEIGHT, required=False)
    hold_at = forms.IntegerField(label="Hold at", min_value=1, max_value=MAX_WEIGHT, required=False)
    deny_at = forms.IntegerField(label="Deny at", min_value=1, max_value=MAX_WEIGHT, required=False)
    draft = forms.BooleanField(label="Begin with the program's draft", required=False)
    run = forms.CharField(max_length=1, required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, programs: Sequence[Program]) -> None:
        # What is left out stands in the page as it is read.
        super().__init__({"days": DEFAULT_DAYS, **data.dict()})
        self._programs = {program.public_id: program for program in programs}
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(key, program.name) for key, program in self._programs.items()]
        self.chosen: Program | None = next(iter(programs), None)
        self.period = DEFAULT_DAYS
        self.tried: FraudTerms | None = None

    def clean(self) -> dict[str, Any]:
        """Set what was chosen; what cannot be tried is an error of the field that asks for it."""
        given: dict[str, Any] = super().clean() or {}
        self.chosen = self._programs.get(given.get("program") or "", self.chosen)
        self.period = given.get("days") or DEFAULT_DAYS
        if given.get("run") and not self.errors and self.chosen is not None:
            self.tried = self._terms(self.chosen, given)
        return given

    def _terms(self, program: Program, given: dict[str, Any]) -> FraudTerms | None:
        try:
            terms = drafted_fraud_terms(program) if given.get("draft") else fraud_terms_of(program)
        except TermsInvalid:
            self.add_error("draft", "The draft cannot be read; open it in the editor first.")
            return None
        try:
            return change_fraud(terms, self._changes(terms, given))
        except TermsInvalid as error:
            for fault in error.errors:
                name = fault.param.split(".")[1]
                self.add_error(
                    {"weights": "weight"}.get(name, name if name in self.fields else None), fault.message
                )
            return None

    def _changes(self, terms: FraudTerms, given: dict[str, Any]) -> dict[str, object]:
        changes: dict[str, object] = {
            name: given[name] for name in ("hold_at", "deny_at") if given.get(name) is not None
        }
        rule, mode = given.get("rule"), given.get("mode")
        if rule and mode:
            for name in ("shadow", "off"):
                others = [each for each in getattr(terms, name) if each != rule]
                changes[name] = [*others, rule] if mode == name else others
        if rule and given.get("weight") is not None:
            changes["weights"] = {rule: given["weight"]}
        return changes
