"""Bodies and answers of the API's calls on fulfilment, the catalogue and redemptions."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from rewards.models import CatalogueItem
from rewards.serializers import Body


class FulfilmentAnswer(serializers.Serializer[Any]):
    """How something is handed over."""

    id = serializers.CharField()
    kind = serializers.CharField(help_text="credit, discount, product, gift_card or custom")
    status = serializers.CharField(help_text="waiting, todo, done, failed, cancelled or kept")
    reward = serializers.CharField(allow_null=True)
    redemption = serializers.CharField(allow_null=True)
    customer = serializers.CharField(help_text="who gets it")
    connection = serializers.CharField(allow_null=True, help_text="which connection hands it over")
    amount_minor = serializers.IntegerField()
    currency = serializers.CharField(allow_blank=True)
    details = serializers.DictField(help_text="what is handed over, and what came of it")
    reference = serializers.CharField(allow_blank=True, help_text="the provider's own id")
    failure = serializers.CharField(allow_blank=True)
    attempts = serializers.IntegerField(help_text="how often it was tried again")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class CompleteBody(Body):
    """What came of something that was handed over."""

    reference = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    code = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    link = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class CatalogueItemAnswer(serializers.Serializer[Any]):
    """Something points can be spent on."""

    id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    points = serializers.IntegerField()
    value_minor = serializers.IntegerField()
    currency = serializers.CharField(allow_blank=True)
    sku = serializers.CharField(allow_blank=True)
    percent_bps = serializers.IntegerField(allow_null=True)
    stock = serializers.IntegerField(allow_null=True, help_text="how many are left; null: any number")
    status = serializers.CharField(help_text="active or archived")
    created_at = serializers.DateTimeField()


class CatalogueItemBody(Body):
    """What an item is."""

    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=CatalogueItem.Kind.choices)
    points = serializers.IntegerField(min_value=1)
    value_minor = serializers.IntegerField(min_value=0, required=False, default=0)
    currency = serializers.CharField(max_length=3, required=False, default="", allow_blank=True)
    sku = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    percent_bps = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=1)
    stock = serializers.IntegerField(required=False, default=None, allow_null=True, min_value=0)


class CatalogueItemStatusBody(Body):
    """Whether an item is offered."""

    status = serializers.ChoiceField(choices=CatalogueItem.Status.choices)


class RedemptionAnswer(serializers.Serializer[Any]):
    """Points or store credit that somebody spent."""

    id = serializers.CharField()
    key = serializers.CharField(help_text="the caller's own key")
    customer = serializers.CharField()
    item = serializers.CharField(allow_null=True)
    unit = serializers.CharField(help_text="PTS, or the currency of the store credit")
    amount_minor = serializers.IntegerField()
    order_reference = serializers.CharField(allow_blank=True)
    status = serializers.CharField(help_text="done or cancelled")
    note = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    cancelled_at = serializers.DateTimeField(allow_null=True)


class RedemptionBody(Body):
    """What is spent: points on an `item`, or store credit (`amount_minor`, `currency`) on an order."""

    customer = serializers.CharField(max_length=40)
    key = serializers.CharField(max_length=160, help_text="your own: the same one again spends nothing more")
    item = serializers.CharField(max_length=40, required=False, default="", allow_blank=True)
    amount_minor = serializers.IntegerField(required=False, default=0, min_value=0)
    currency = serializers.CharField(max_length=3, required=False, default="", allow_blank=True)
    order_reference = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)


class CancelBody(Body):
    """Why it is given back."""

    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
