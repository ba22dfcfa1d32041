"""Filters of the console's lists, the reason for rejecting a conversion, and the answer to an appeal."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from core import lists
from programs.models import Program
from programs.terms import FRAUD_WORDS
from tracking import queries
from tracking.models import Appeal, Click, Conversion, Referral

_NAMED = ("participant", "customer", "link", "referral")


class _Filters(lists.FilterForm):
    """Filters with the ids that other pages link with; a chip shows whose they are."""

    def text_of(self, name: str, value: Any) -> str:
        """Return the name of the one that an id belongs to."""
        if name in _NAMED:
            return queries.name_of(self.workspace, name, value)
        return super().text_of(name, value)


class _ProgramFilters(_Filters):
    program = forms.ChoiceField()
    participant = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(program.public_id, program.name) for program in programs])


class ConversionFilterForm(_ProgramFilters):
    """Narrows the list of conversions."""

    search = ("customer__name", "customer__email", "customer__external_id", "source_key", "public_id")
    placeholder = "Customer, order or id"
    dates = "occurred_at"
    quick = "status"
    lookups = {"key": "source_key", "customer": "customer__public_id"}

    status = forms.ChoiceField(choices=lists.choices(Conversion.Status.choices))
    kind = forms.ChoiceField(choices=lists.choices(Conversion.Kind.choices))
    key = forms.CharField(label="Order or event id", max_length=255)
    rate = forms.ChoiceField(
        label="Exchange rate", choices=lists.choices([("waiting", "Waits for one")]), widget=forms.HiddenInput
    )
    customer = forms.CharField(max_length=40, widget=forms.HiddenInput)
    met = forms.CharField(label="Contact with", max_length=40, widget=forms.HiddenInput)
    channel = forms.CharField(label="Contact by", max_length=30, widget=forms.HiddenInput)
    rule = forms.ChoiceField(
        label="Fraud rule",
        widget=forms.HiddenInput,
        choices=[(rule, name) for rule, (name, _) in FRAUD_WORDS.items()],
    )
    judged_in = forms.ChoiceField(label="Judged in", widget=forms.HiddenInput)
    field_order = ("q", "kind", "program", "from", "to", "key")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field, programs = self.fields["judged_in"], self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        assert isinstance(programs, forms.ChoiceField)
        field.choices = programs.choices

    def narrow_by(self, rows: QuerySet[Conversion], name: str, value: Any) -> QuerySet[Conversion]:
        """Return the rows that pass; a program's and a participant's are those credited in or to it.

        `met` (a participant) and `channel` find what was credited to anybody after a contact with them.
        """
        if name in ("program", "participant"):
            return rows.filter(queries.credited(self.workspace, name, value))
        if name == "rate":
            return rows.filter(reporting_minor__isnull=True).exclude(currency="")
        if name in ("met", "channel"):
            key = "participant" if name == "met" else name
            return rows.filter(queries.met(self.workspace, key, value))
        if name in ("rule", "judged_in"):
            rule, program = self.cleaned_data.get("rule", ""), self.cleaned_data.get("judged_in", "")
            return rows.filter(queries.judged(self.workspace, rule=rule, program=program))
        return super().narrow_by(rows, name, value)

    def text_of(self, name: str, value: Any) -> str:
        """Return the name of the one that an id belongs to, a channel in words."""
        if name == "met":
            return queries.name_of(self.workspace, "participant", value)
        return value.replace("_", " ") if name == "channel" else super().text_of(name, value)


class ReferralFilterForm(_ProgramFilters):
    """Narrows the list of referrals."""

    search = (
        "customer__name",
        "customer__email",
        "participant__display_name",
        "participant__customer__name",
        "participant__customer__email",
        "public_id",
    )
    placeholder = "Friend or referrer"
    dates = "started_at"
    dates_label = "Started"
    quick = "status"
    lookups = {
        "program": "program__public_id",
        "participant": "participant__public_id",
        "customer": "customer__public_id",
    }

    status = forms.ChoiceField(choices=lists.choices(Referral.Status.choices))
    customer = forms.CharField(label="Friend", max_length=40, widget=forms.HiddenInput)


class ClickFilterForm(_ProgramFilters):
    """Narrows the list of clicks."""

    search = ("link__code", "participant__display_name", "referrer_host")
    placeholder = "Link, participant or site"
    dates = "occurred_at"
    quick = "counted"
    lookups = {
        "program": "program__public_id",
        "participant": "participant__public_id",
        "link": "link__public_id",
    }

    counted = forms.ChoiceField(choices=[("", "All"), ("yes", "Counted"), ("no", "Not counted")])
    link = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def narrow_by(self, rows: QuerySet[Click], name: str, value: Any) -> QuerySet[Click]:
        """Return the rows that pass."""
        if name == "counted":
            return rows.filter(counted=value == "yes")
        return super().narrow_by(rows, name, value)


class RejectForm(forms.Form):
    """Why a conversion does not count."""

    reason = forms.CharField(max_length=200, help_text="Kept in the audit log and on the rewards.")


class ReinstateForm(forms.Form):
    """Why a refund or a rejection was wrong."""

    reason = forms.CharField(max_length=200, help_text="Kept in the audit log.")


class AppealFilterForm(_ProgramFilters):
    """Narrows the list of appeals."""

    search = (
        "message",
        "answer",
        "participant__customer__name",
        "participant__customer__email",
        "conversion__source_key",
        "public_id",
    )
    placeholder = "Person, words, order or id"
    dates = "opened_at"
    dates_label = "Asked"
    quick = "status"
    lookups = {
        "program": "participant__program__public_id",
        "participant": "participant__public_id",
        "conversion": "conversion__public_id",
    }

    status = forms.ChoiceField(choices=lists.choices(Appeal.Status.choices))
    about = forms.ChoiceField(
        choices=lists.choices([("order", "A sign-up or an order"), ("missing", "A missing friend")])
    )
    conversion = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def narrow_by(self, rows: QuerySet[Appeal], name: str, value: Any) -> QuerySet[Appeal]:
        """Return the rows that pass."""
        if name == "about":
            return rows.filter(conversion__isnull=value == "missing")
        return super().narrow_by(rows, name, value)


class AnswerForm(forms.Form):
    """What becomes of an appeal, and what its participant reads."""

    status = forms.ChoiceField(
        label="Decision",
        choices=[(Appeal.Status.GRANTED, "Grant it"), (Appeal.Status.DECLINED, "Decline it")],
        widget=forms.RadioSelect,
    )
    answer = forms.CharField(
        label="Your answer",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="They get it by mail and see it in their portal, word for word. Name nobody else in it.",
    )
