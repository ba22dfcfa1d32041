"""One cap of a program as a sentence of the terms editor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms

from programs.forms.tiers import NUMBER
from programs.forms.values import amount_input, read_amount
from programs.terms import CapTerms

MAX_CAPS: Final = 20
MAX_COVERED: Final = 50
_COVERS: Final = "covers-"
_FIELDS: Final = {
    "scope": "scope",
    "period": "period",
    "limit_minor": "limit",
    "limit_count": "count",
    "rules": "scope",
    "pause": "pause",
}


class CapForm(forms.Form):
    """The most that one person or all together may get, within a period.

    `rewards` are keys and names of the rewards in the draft: each has a box `covers-<key>`. With no box
    ticked the cap counts all rewards. A reward that the cap names and the draft has lost keeps its box:
    without it the cap might suddenly count all.
    """

    use_required_attribute = False

    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    scope = forms.ChoiceField(
        label="Who", choices=[("participant", "One person gets"), ("program", "All together get")]
    )
    limit = forms.CharField(
        label="Most money", max_length=20, required=False, widget=forms.TextInput(attrs=NUMBER)
    )
    count = forms.IntegerField(label="Most rewards", required=False)
    period = forms.ChoiceField(
        label="Within",
        choices=[
            ("month", "a month"),
            ("year", "a year"),
            ("week", "a week"),
            ("day", "a day"),
            ("lifetime", "all time"),
        ],
    )
    pause = forms.BooleanField(label="Pause the program when it is used up", required=False)

    def __init__(self, *args: Any, currency: str, rewards: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency
        self.entry: dict[str, Any] = {}
        names = dict(rewards)
        start = f"{self.prefix}-{_COVERS}" if self.is_bound else _COVERS
        for given in self.data if self.is_bound else self.initial:
            key = given.removeprefix(start)
            if given.startswith(start) and len(names) < MAX_COVERED:
                names.setdefault(key, f"{key} (gone)")
        self._rewards = tuple(names)
        for key, name in names.items():
            self.fields[f"{_COVERS}{key}"] = forms.BooleanField(label=name, required=False)

    def covered(self) -> list[forms.BoundField]:
        """Return the boxes that say which rewards count."""
        return [self[f"{_COVERS}{key}"] for key in self._rewards]

    @property
    def names_rewards(self) -> bool:
        """Whether any reward is ticked."""
        return any(field.value() for field in self.covered())

    def typed(self) -> dict[str, Any]:
        """Return what stands in the fields, to show it again in another row."""
        return {name: self[name].value() for name in self.fields}

    def clean(self) -> dict[str, Any]:
        """Build the cap's entry of the document; the key is given by the editor."""
        given = self.cleaned_data
        scope = given.get("scope")
        self.entry = {
            "key": given.get("key", ""),
            "scope": scope,
            "period": given.get("period"),
            "limit_minor": read_amount(self, "limit", self._currency),
            "limit_count": given.get("count"),
            "rules": [key for key in self._rewards if given.get(f"{_COVERS}{key}")],
            # The box is put away for a cap on one person.
            "pause": scope == "program" and given.get("pause", False),
        }
        return given

    def field_of(self, path: str) -> str | None:
        """Return the field that stands for a path of the cap's entry, None for no field."""
        return _FIELDS.get(path.partition(".")[0])


def cap_initial(cap: CapTerms, currency: str) -> dict[str, Any]:
    """Return the form's values for a cap that is there."""
    return {
        "key": cap.key,
        "scope": cap.scope,
        "period": cap.period,
        "limit": amount_input(cap.limit_minor, currency),
        "count": cap.limit_count,
        "pause": cap.pause,
        **{f"{_COVERS}{key}": True for key in cap.rules},
    }
