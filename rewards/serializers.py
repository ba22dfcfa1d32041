"""Bodies and answers of the API's calls on rewards and payouts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from rewards.models import PayoutBatch


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
    """Which balances to pay and how."""

    currency = serializers.CharField(max_length=3)
    method = serializers.ChoiceField(choices=PayoutBatch.Method.choices, default=PayoutBatch.Method.CSV)
    connection = serializers.CharField(
        max_length=40, required=False, default="", allow_blank=True, help_text="the provider's connection"
    )
    cutoff_at = serializers.DateTimeField(
        required=False,
        default=None,
        allow_null=True,
        help_text="rewards approved later wait for the next batch; default: the workspace's usual cutoff",
    )
    customers = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        default=None,
        allow_null=True,
        max_length=5000,
        help_text="ids of the only customers to pay",
    )


class ResultBody(Body):
    """What became of one payout."""

    payout_id = serializers.CharField(max_length=40)
    status = serializers.CharField(max_length=20, help_text="paid, failed or sent")
    reference = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    failure = serializers.CharField(max_length=255, required=False, default="", allow_blank=True)
    fee_minor = serializers.IntegerField(
        min_value=0, required=False, default=None, allow_null=True, help_text="what was charged to you for it"
    )


class ProviderTotalBody(Body):
    """How much the provider says it paid of a batch in all."""

    paid_minor = serializers.IntegerField(min_value=0)


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
    redeemed_minor = serializers.IntegerField(help_text="spent by its owner")
    expired_minor = serializers.IntegerField(help_text="lapsed unused")
    needs_person = serializers.CharField(
        allow_blank=True, help_text="why a person has to approve it; empty where it approves itself"
    )
    fulfilment = serializers.DictField(help_text="a discount code, a product, a link")
    payout = serializers.CharField(allow_null=True)
    available_at = serializers.DateTimeField(help_text="when the hold ends")
    issued_at = serializers.DateTimeField(allow_null=True, help_text="when it was handed over")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="until when it can be used")
    created_at = serializers.DateTimeField()


class PayoutBatchAnswer(serializers.Serializer[Any]):
    """A payout batch."""

    id = serializers.CharField(source="public_id")
    currency = serializers.CharField()
    method = serializers.CharField()
    status = serializers.CharField()
    connection = serializers.CharField(allow_blank=True)
    total_minor = serializers.IntegerField()
    fee_minor = serializers.IntegerField(help_text="what the method is expected to charge you")
    payout_count = serializers.IntegerField()
    people_count = serializers.IntegerField(help_text="people to judge while it is `preparing`")
    judged_count = serializers.IntegerField(help_text="people judged so far, paid or left out")
    paid_minor = serializers.IntegerField()
    failed_minor = serializers.IntegerField()
    provider_paid_minor = serializers.IntegerField(
        allow_null=True, help_text="the sum the provider reports as paid"
    )
    provider_reference = serializers.CharField(allow_blank=True)
    discrepancy = serializers.CharField(
        allow_blank=True, help_text="why it cannot be completed though every payout is settled"
    )
    cutoff_at = serializers.DateTimeField(allow_null=True)
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
    fee_minor = serializers.IntegerField(help_text="expected, then what was charged to you")
    destination = serializers.CharField(allow_blank=True, help_text="enough of it to recognise it")
    attempts = serializers.IntegerField(help_text="how often it was sent to a provider")
    status = serializers.CharField()
    provider_reference = serializers.CharField(allow_blank=True)
    failure = serializers.CharField(allow_blank=True)
    settled_at = serializers.DateTimeField(allow_null=True)


class RowOutcomeAnswer(serializers.Serializer[Any]):
    """What one result did; `line` counts the results from 1."""

    line = serializers.IntegerField()
    payout_id = serializers.CharField()
    outcome = serializers.CharField(help_text="paid, failed, sent, unchanged or refused")
    column = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)


class ResultsAnswer(serializers.Serializer[Any]):
    """What each result did, and the batch as it stands now."""

    results = RowOutcomeAnswer(many=True)
    batch = PayoutBatchAnswer()


class PayablePersonAnswer(serializers.Serializer[Any]):
    """What one person would be paid, or why not."""

    customer = serializers.CharField(source="public_id")
    balance_minor = serializers.IntegerField()
    amount_minor = serializers.IntegerField()
    minimum_minor = serializers.IntegerField()
    fee_minor = serializers.IntegerField()
    destination = serializers.CharField(allow_blank=True)
    left_out = serializers.CharField(allow_blank=True, help_text="a code; empty: is paid")
    sentence = serializers.CharField(allow_blank=True)


class LeftOutAnswer(serializers.Serializer[Any]):
    """The people one reason leaves out; at most the first hundred are listed."""

    reason = serializers.CharField(source="code")
    sentence = serializers.CharField()
    count = serializers.IntegerField()
    balance_minor = serializers.IntegerField()
    people = PayablePersonAnswer(source="rows", many=True)


class BatchPreviewAnswer(serializers.Serializer[Any]):
    """What a batch would pay now; at most the first hundred people are listed."""

    count = serializers.IntegerField()
    total_minor = serializers.IntegerField()
    fee_minor = serializers.IntegerField()
    people = PayablePersonAnswer(source="rows", many=True)
    left_out_count = serializers.IntegerField()
    left_out = LeftOutAnswer(source="reasons", many=True)


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
