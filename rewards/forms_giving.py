"""Filters and forms of the pages on handing over, the catalogue and what was spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from core import lists
from core.errors import Invalid
from core.money import is_currency, parse_major
from rewards.models import CatalogueItem, Fulfilment, Redemption
from rewards.queries.giving import PERSON
from rewards.services import ItemFacts


class FulfilmentFilterForm(lists.FilterForm):
    """Narrows the list of what is handed over."""

    search = ("customer__name", "customer__email", "code", "reference", "public_id")
    placeholder = "Person, code, reference or id"
    dates = "created_at"
    dates_label = "Begun"
    quick = "status"
    lookups = {"reward": "reward__public_id", "redemption": "redemption__public_id"}

    status = forms.ChoiceField(choices=lists.choices(Fulfilment.Status.choices))
    kind = forms.ChoiceField(choices=lists.choices(Fulfilment.Kind.choices))
    reward = forms.CharField(max_length=40, widget=forms.HiddenInput)
    redemption = forms.CharField(max_length=40, widget=forms.HiddenInput)


class CatalogueFilterForm(lists.FilterForm):
    """Narrows the catalogue."""

    search = ("name", "public_id")
    placeholder = "Name or id"
    quick = "status"

    status = forms.ChoiceField(choices=lists.choices(CatalogueItem.Status.choices))
    kind = forms.ChoiceField(choices=lists.choices(CatalogueItem.Kind.choices))


class RedemptionFilterForm(lists.FilterForm):
    """Narrows the list of what was spent."""

    search = ("customer__name", "customer__email", "order_reference", "key", "public_id")
    placeholder = "Person, order or id"
    dates = "created_at"
    dates_label = "Spent"
    quick = "status"
    lookups = {"item": "item__public_id", "customer": "customer__public_id"}

    status = forms.ChoiceField(choices=lists.choices(Redemption.Status.choices))
    unit = forms.CharField(max_length=3)
    item = forms.CharField(max_length=40, widget=forms.HiddenInput)
    customer = forms.CharField(max_length=40, widget=forms.HiddenInput)


class CompleteForm(forms.Form):
    """What came of something that a person handed over."""

    reference = forms.CharField(
        max_length=255, required=False, help_text="A parcel's number, a voucher's id; for your own records."
    )
    link = forms.URLField(
        max_length=2000, required=False, assume_scheme="https", help_text="Shown to whoever gets it."
    )
    note = forms.CharField(max_length=200, required=False, help_text="Shown to whoever gets it.")


class DeliveryForm(forms.Form):
    """Which connection hands over which kind."""

    def __init__(
        self,
        *args: Any,
        able: Mapping[str, Sequence[tuple[str, str]]],
        chosen: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = [kind for kind in Fulfilment.Kind if kind.value in able]
        for kind in self.kinds:
            known = list(able[kind.value])
            self.fields[f"by_{kind.value}"] = forms.ChoiceField(
                label=f"Who hands over: {kind.label.lower()}",
                choices=[("", f"By itself: {known[0][1]}"), *known, (PERSON, "A person, by hand")],
                initial=chosen.get(kind.value, ""),
                required=False,
            )

    @property
    def deliverers(self) -> dict[str, str]:
        """Return the choice by kind, once the form is valid."""
        return {kind.value: self.cleaned_data[f"by_{kind.value}"] for kind in self.kinds}


class CancelRedemptionForm(forms.Form):
    """Why what was spent is given back."""

    note = forms.CharField(label="Reason", max_length=200)


class ItemForm(forms.Form):
    """An item of the catalogue; `facts` is what the fields say once the form is valid."""

    name = forms.CharField(max_length=120)
    kind = forms.ChoiceField(choices=CatalogueItem.Kind.choices)
    points = forms.IntegerField(label="Price in points", min_value=1)
    value_minor = forms.CharField(
        label="Worth", max_length=20, required=False, help_text="For credit, gift cards and discounts: 10.00"
    )
    currency = forms.CharField(max_length=3, required=False, help_text="Of what it is worth, like EUR.")
    percent_bps = forms.DecimalField(
        label="Discount in percent",
        min_value=0,
        max_value=100,
        decimal_places=2,
        required=False,
        help_text="For a discount code, in place of an amount.",
    )
    sku = forms.CharField(
        label="Product number",
        max_length=100,
        required=False,
        help_text="For a product: its number in the shop.",
    )
    stock = forms.IntegerField(
        label="How many are left", min_value=0, required=False, help_text="Empty: any number."
    )

    @property
    def facts(self) -> ItemFacts:
        """Return what the fields say."""
        said = self.cleaned_data
        details: dict[str, Any] = {"sku": said["sku"]} if said["sku"] else {}
        if said["percent_bps"]:
            details["percent_bps"] = int(said["percent_bps"] * 100)
        return ItemFacts(
            name=said["name"],
            kind=said["kind"],
            points=said["points"],
            currency=said["currency"].upper(),
            value_minor=said["value_minor"],
            details=details,
            stock=said["stock"],
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        text, currency = cleaned.get("value_minor", ""), cleaned.get("currency", "").upper()
        cleaned["value_minor"] = 0
        if text and not is_currency(currency):
            self.add_error("currency", "Say in which currency it is worth that.")
        elif text:
            try:
                cleaned["value_minor"] = parse_major(text, currency)
            except Invalid as error:
                self.add_error("value_minor", error.message)
        return cleaned
