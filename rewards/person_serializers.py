"""Bodies and answers of the API's calls on payout accounts, tax details, adjustments and money settings."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api import StrictSerializer
from rewards.models import Adjustment, PayoutAccount, TaxDetails


class PayoutAccountBody(StrictSerializer):
    """A bank account: `holder`, `country`, and `iban` or `account` where there is none; else `email`."""

    holder = serializers.CharField(max_length=70, required=False, default="", allow_blank=True)
    country = serializers.CharField(max_length=2, required=False, default="", allow_blank=True)
    iban = serializers.CharField(max_length=50, required=False, default="", allow_blank=True)
    account = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    email = serializers.CharField(max_length=254, required=False, default="", allow_blank=True)


class PayoutAccountAnswer(serializers.Serializer[Any]):
    """A payout account; of its details only `label` is ever told."""

    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    method = serializers.ChoiceField(choices=PayoutAccount.Method.choices)
    status = serializers.ChoiceField(choices=PayoutAccount.Status.choices)
    label = serializers.CharField(  # type: ignore[assignment]
        allow_blank=True, help_text="like DE…3438"
    )
    note = serializers.CharField(allow_blank=True, help_text="why it was refused")
    chosen_at = serializers.DateTimeField(help_text="the one chosen last is used")


class PayoutAccountsAnswer(serializers.Serializer[Any]):
    """All of a person's payout accounts, the one chosen last first."""

    data = PayoutAccountAnswer(many=True)  # type: ignore[assignment]


class TaxDetailsBody(StrictSerializer):
    """What the tax office wants to know of one person."""

    country = serializers.CharField(max_length=2)
    legal_name = serializers.CharField(max_length=120)
    form = serializers.CharField(max_length=8, help_text="w9, w8ben, w8bene, dac7 or other, by country")
    number = serializers.CharField(max_length=40)


class TaxDetailsAnswer(serializers.Serializer[Any]):
    """Tax details; of the number only its end is ever told."""

    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    country = serializers.CharField()
    legal_name = serializers.CharField(allow_blank=True)
    form = serializers.ChoiceField(choices=TaxDetails.Form.choices)
    number_end = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField(choices=TaxDetails.Status.choices)
    note = serializers.CharField(allow_blank=True)
    submitted_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)


class ReasonBody(StrictSerializer):
    """Why."""

    reason = serializers.CharField(max_length=200)


class NothingBody(StrictSerializer):
    """A body without fields."""


class PaidInYearAnswer(serializers.Serializer[Any]):
    """What one person was paid in a year in one currency."""

    customer = serializers.CharField(source="public_id")
    year = serializers.IntegerField()
    currency = serializers.CharField()
    paid_minor = serializers.IntegerField()
    payout_count = serializers.IntegerField()
    tax_form = serializers.CharField(allow_blank=True)
    tax_country = serializers.CharField(allow_blank=True)
    tax_status = serializers.CharField(help_text="none, submitted, verified or refused")


class PaidInYearAnswers(serializers.Serializer[Any]):
    """What everyone was paid in a year, by currency, the largest sums first."""

    data = PaidInYearAnswer(many=True)  # type: ignore[assignment]


class AdjustmentBody(StrictSerializer):
    """Money to give, or with a negative amount to take away; the same `key` is one adjustment."""

    customer = serializers.CharField(max_length=40)
    place = serializers.CharField(max_length=7, help_text="payable, credit or points")
    unit = serializers.CharField(max_length=3, help_text="a currency, or PTS for points")
    amount_minor = serializers.IntegerField()
    reason = serializers.CharField(max_length=200)
    key = serializers.CharField(max_length=160)


class AdjustmentAnswer(serializers.Serializer[Any]):
    """Money given or taken by hand."""

    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    place = serializers.ChoiceField(choices=Adjustment.Place.choices)
    unit = serializers.CharField()
    amount_minor = serializers.IntegerField(help_text="negative: taken away")
    reason = serializers.CharField()
    status = serializers.ChoiceField(choices=Adjustment.Status.choices)
    note = serializers.CharField(allow_blank=True, help_text="why it was declined")
    created_by = serializers.CharField(source="created_by_label")
    decided_by = serializers.CharField(source="decided_by.email", default=None, allow_null=True)
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)


class FeeBody(StrictSerializer):
    """What a method charges for each payout: a fixed part and a share, limited unless `max_minor` is 0."""

    fixed_minor = serializers.IntegerField(required=False, default=0)
    bps = serializers.IntegerField(required=False, default=0)
    max_minor = serializers.IntegerField(required=False, default=0)


class MoneySettingsBody(StrictSerializer):
    """A workspace's own rules about money; what is left out takes its usual value."""

    adjustment_limit_minor = serializers.IntegerField(required=False, default=10_000)
    payout_cutoff_days = serializers.IntegerField(required=False, default=0)
    payout_fees = serializers.DictField(child=FeeBody(), required=False, default=dict)
    debtor_name = serializers.CharField(max_length=70, required=False, default="", allow_blank=True)
    debtor_iban = serializers.CharField(max_length=50, required=False, default="", allow_blank=True)
    debtor_bic = serializers.CharField(max_length=11, required=False, default="", allow_blank=True)
    give_url = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    deliverers = serializers.DictField(
        child=serializers.CharField(max_length=40, allow_blank=True),
        required=False,
        default=dict,
        help_text="by kind of reward: the id of the connection that hands it over, or `person`; "
        "a kind that is left out goes to the oldest connection that can",
    )


class MoneySettingsAnswer(serializers.Serializer[Any]):
    """A workspace's own rules about money."""

    adjustment_limit_minor = serializers.IntegerField()
    payout_cutoff_days = serializers.IntegerField()
    payout_fees = serializers.DictField(child=FeeBody())
    debtor_name = serializers.CharField(allow_blank=True)
    debtor_iban = serializers.CharField(allow_blank=True)
    debtor_bic = serializers.CharField(allow_blank=True)
    give_url = serializers.CharField(allow_blank=True)
    deliverers = serializers.DictField(child=serializers.CharField())
