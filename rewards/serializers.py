"""Bodies and answers of the API's calls on rewards and payouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class Body(serializers.Serializer[Any]):
    """A body; a field it does not know is an error, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({name: ["There is no such field."] for name in unknown})
        return super().to_internal_value(data)


class ApproveBody(Body):
    """Why the reward is approved."""

    reason = serializers.CharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="needed for a held reward"
    )


class DenyBody(Body):
    """Why the reward is denied."""

    reason = serializers.CharField(max_length=200)


class BatchBody(Body):
    """The currency to pay in."""

    currency = serializers.CharField(max_length=3)


class ResultBody(Body):
    """What became of one payout."""

    payout_id = serializers.CharField(max_length=40)
    status = serializers.CharField(max_length=20, help_text="paid or failed")
    reference = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    failure = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)


class ResultsBody(Body):
    """What became of a batch's payouts."""

    results = ResultBody(many=True, allow_empty=False, max_length=5000)  # type: ignore[call-arg]


class RewardAnswer(serializers.Serializer[Any]):
    """A reward: what one person earned by one rule, and how it stands."""

    id = serializers.CharField()
    program = serializers.CharField()
    version = serializers.IntegerField()
    conversion = serializers.CharField()
    referral = serializers.CharField()
    side = serializers.CharField(help_text="referrer or referee")
    customer = serializers.CharField(help_text="who gets it")
    participant = serializers.CharField(allow_null=True)
    rule = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField(help_text="how the amount came about")
    unit = serializers.CharField(help_text="a currency, or PTS for points")
    base_minor = serializers.IntegerField()
    amount_minor = serializers.IntegerField()
    reversed_minor = serializers.IntegerField(help_text="taken back by refunds")
    net_minor = serializers.IntegerField()
    fulfilment = serializers.DictField(help_text="a discount code, a product to send")
    payout = serializers.CharField(allow_null=True)
    available_at = serializers.DateTimeField(help_text="when the hold ends")
    created_at = serializers.DateTimeField()


class PayoutBatchAnswer(serializers.Serializer[Any]):
    """A payout batch."""

    id = serializers.CharField(source="public_id")
    currency = serializers.CharField()
    method = serializers.CharField()
    status = serializers.CharField()
    total_minor = serializers.IntegerField()
    payout_count = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)
    created_by = serializers.CharField(source="created_by.email")
    approved_by = serializers.CharField(source="approved_by.email", default=None, allow_null=True)
    created_at = serializers.DateTimeField()
    approved_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)


class PayoutAnswer(serializers.Serializer[Any]):
    """One person's money in a batch."""

    id = serializers.CharField(source="public_id")
    customer = serializers.CharField(source="customer.public_id")
    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()
    destination = serializers.CharField(allow_blank=True)
    status = serializers.CharField()
    provider_reference = serializers.CharField(allow_blank=True)
    failure = serializers.CharField(allow_blank=True)
    settled_at = serializers.DateTimeField(allow_null=True)


class RowOutcomeAnswer(serializers.Serializer[Any]):
    """What one result did; `line` counts the results from 1."""

    line = serializers.IntegerField()
    payout_id = serializers.CharField()
    outcome = serializers.CharField(help_text="paid, failed, unchanged or refused")
    column = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)


class ResultsAnswer(serializers.Serializer[Any]):
    """What each result did, and the batch as it stands now."""

    results = RowOutcomeAnswer(many=True)
    batch = PayoutBatchAnswer()


class BalanceAnswer(serializers.Serializer[Any]):
    """What stands in one of a person's accounts."""

    account = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    unit = serializers.CharField()
    balance_minor = serializers.IntegerField()


class BalancesAnswer(serializers.Serializer[Any]):
    """A person's accounts."""

    customer = serializers.CharField()
    balances = BalanceAnswer(many=True)
