"""Forms about experiments, and filters of their lists."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet

from accounts.models import Workspace
from core import lists
from programs.assignment import HOLDOUT, Variant
from programs.models import Experiment, Program
from programs.services import FEWEST_VARIANTS, HEAVIEST, MOST_VARIANTS

_NUMBERS = range(1, MOST_VARIANTS + 1)


class ExperimentForm(forms.Form):
    """A new experiment: `key_1` and `weight_1` to `key_4` and `weight_4`, of which two pairs are needed."""

    program = forms.ChoiceField()
    name = forms.CharField(max_length=120, help_text="What you compare, like “Two invitation texts”.")

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._programs = {program.public_id: program for program in programs}
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(public_id, program.name) for public_id, program in self._programs.items()]
        for number in _NUMBERS:
            needed = number <= FEWEST_VARIANTS
            self.fields[f"key_{number}"] = forms.CharField(
                label=f"Variant {number}",
                max_length=30,
                required=needed,
                initial={1: "as-now", 2: "new"}.get(number),
                help_text="" if number > 1 else "Small letters, digits and hyphens.",
            )
            self.fields[f"weight_{number}"] = forms.IntegerField(
                label=f"Weight of variant {number}",
                min_value=0,
                max_value=HEAVIEST,
                required=needed,
                initial=1 if needed else None,
                help_text=""
                if number > 1
                else "1 and 1 is half and half; 3 and 1 is three quarters and one.",
            )
        self.fields["holdout_percent"] = forms.IntegerField(
            label="Holdout in percent",
            min_value=0,
            max_value=99,
            initial=0,
            help_text="How many people see no variant at all, to compare with later.",
        )

    @property
    def has_programs(self) -> bool:
        """Whether there is any program to experiment in."""
        return bool(self._programs)

    @property
    def variant_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The key and the weight of each variant."""
        return [(self[f"key_{number}"], self[f"weight_{number}"]) for number in _NUMBERS]

    def clean_program(self) -> Program:
        """Return the chosen program."""
        return self._programs[self.cleaned_data["program"]]

    def clean(self) -> dict[str, Any]:
        """Refuse half a pair."""
        found: dict[str, Any] = super().clean() or {}
        for number in _NUMBERS:
            key, weight = found.get(f"key_{number}"), found.get(f"weight_{number}")
            for name, given in ((f"key_{number}", key), (f"weight_{number}", weight)):
                if name not in self.errors and given in (None, "") and (key or weight is not None):
                    self.add_error(name, "A variant needs a name and a weight.")
        return found

    def values(self) -> dict[str, Any]:
        """Return what `services.create_experiment` takes."""
        found = self.cleaned_data
        return {
            "program": found["program"],
            "name": found["name"],
            "variants": [
                Variant(found[f"key_{number}"], found[f"weight_{number}"])
                for number in _NUMBERS
                if found[f"key_{number}"]
            ],
            "holdout_bps": found["holdout_percent"] * 100,
        }


class ExperimentFilterForm(lists.FilterForm):
    """Narrows the list of experiments."""

    search: ClassVar[tuple[str, ...]] = ("name", "public_id")
    placeholder = "Name"
    quick = "status"
    lookups: ClassVar[dict[str, str]] = {"program": "program__public_id"}

    status = forms.ChoiceField(choices=lists.choices(Experiment.Status.choices))
    program = forms.ChoiceField()

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(program.public_id, program.name) for program in programs])


class ExposureFilterForm(lists.FilterForm):
    """Narrows the people of one experiment."""

    search: ClassVar[tuple[str, ...]] = (
        "participant__display_name",
        "participant__customer__name",
        "participant__customer__email",
        "participant__public_id",
    )
    placeholder = "Name, e-mail or id"
    dates = "at"
    dates_label = "First seen"
    quick = "variant"

    variant = forms.ChoiceField()

    def __init__(self, data: Any, *, workspace: Workspace, experiment: Experiment) -> None:
        super().__init__(data, workspace=workspace)
        keys = [arm.key for arm in experiment.arms] + [HOLDOUT] * bool(experiment.holdout_bps)
        field = self.fields["variant"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(key, key) for key in keys])
