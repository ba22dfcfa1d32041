"""Bodies of `/track/*`, in the spelling of Dub's API or in snake case, and the answers they get."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers

from core import money
from core.api import StrictSerializer
from tracking.lines import MAX_LINES, MAX_NAME

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def snake(name: str) -> str:
    """Return `customerExternalId` as `customer_external_id`."""
    return _BOUNDARY.sub("_", name).lower()


class MinorUnits(serializers.IntegerField):
    """A whole number of minor units; text, fractions and truth values are refused, not rounded."""

    default_error_messages = {"whole": "Give a whole number of the currency's minor unit (cents)."}

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("whole")
        return super().to_internal_value(data)


class TrackBody(serializers.Serializer[Any]):
    """Takes camelCase and snake_case names alike; a field it does not know is an error, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        renamed: dict[str, Any] = {}
        spelling: dict[str, str] = {}
        problems: dict[str, list[str]] = {}
        for name, value in data.items():
            known = snake(name)
            if known not in self.fields:
                problems[name] = ["There is no such field."]
            elif known in renamed:
                problems[name] = ["This field stands twice, in two spellings."]
            renamed[known] = value
            spelling[known] = name
        if problems:
            raise serializers.ValidationError(problems)
        try:
            return super().to_internal_value(renamed)
        except serializers.ValidationError as error:
            detail = error.detail
            if isinstance(detail, dict):
                # Name the fields as the caller wrote them.
                raise serializers.ValidationError(
                    {spelling.get(key, key): value for key, value in detail.items()}
                ) from error
            raise


class ClickBody(TrackBody):
    """A visit of a page with a referral link's code, reported by the page or its server."""

    key = serializers.CharField(max_length=40, help_text="the link's code (`via` or `ref` on the page)")
    domain = serializers.CharField(max_length=255, required=False, help_text="accepted and not needed")
    url = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    referrer = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    visitor_id = serializers.RegexField(r"^[A-Za-z0-9_-]{8,40}$", required=False)
    occurred_at = serializers.DateTimeField(required=False, help_text="now when missing; secret keys only")
    user_agent = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, help_text="the visitor's; secret keys only"
    )
    ip = serializers.IPAddressField(required=False, help_text="the visitor's; secret keys only")
    click_id = serializers.CharField(
        max_length=40, required=False, help_text="an earlier click of this visitor, without a visitor id"
    )


class PersonBody(TrackBody):
    """What identifies the customer, and what may be known of them."""

    customer_external_id = serializers.CharField(max_length=255)
    customer_email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    customer_email_verified = serializers.BooleanField(
        required=False, help_text="you have seen the person read mail at the address; secret keys only"
    )
    customer_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    customer_country = serializers.RegexField(r"^[A-Z]{2}$", required=False)
    customer_attributes = serializers.DictField(
        required=False,
        help_text="your own texts, whole numbers, true and false, kept by key; null takes one away; "
        "secret keys only",
    )
    click_id = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)
    promo_code = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)
    referral_token = serializers.CharField(
        max_length=400, required=False, allow_blank=True, help_text="from `POST /participants/{id}/token`"
    )
    device_id = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="your own id of the device"
    )
    ip = serializers.IPAddressField(
        required=False, help_text="the customer's; kept as a keyed hash; secret keys only"
    )
    user_agent = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, help_text="the customer's; secret keys only"
    )
    payment_fingerprint = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        help_text="equal for equal means of payment, as processors give it; secret keys only",
    )
    address_fingerprint = serializers.CharField(
        max_length=500,
        required=False,
        allow_blank=True,
        help_text="equal for equal postal addresses, or the address itself; secret keys only",
    )
    metadata = serializers.DictField(required=False, allow_null=True)
    mode = serializers.ChoiceField(choices=["async", "wait"], default="async")
    occurred_at = serializers.DateTimeField(required=False)


class LeadBody(PersonBody):
    """A sign-up. The pair of event name and customer names it: repeating it changes nothing."""

    event_name = serializers.CharField(max_length=80, default="Sign up")


class ItemBody(TrackBody):
    """A line of an order."""

    sku = serializers.CharField(max_length=MAX_NAME)
    category = serializers.CharField(max_length=MAX_NAME, required=False, allow_blank=True, default="")
    amount = MinorUnits(
        min_value=0, max_value=money.MAX_MINOR, help_text="net, for all of the quantity, in minor units"
    )
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000, default=1)
    cost = MinorUnits(
        min_value=0,
        max_value=money.MAX_MINOR,
        required=False,
        help_text="what all of the quantity cost you, in minor units; secret keys only",
    )


class SaleBody(PersonBody):
    """A purchase. `invoice_id` names it; without one every call is another purchase."""

    amount = MinorUnits(min_value=0, max_value=money.MAX_MINOR, help_text="net, in minor units")
    currency = serializers.CharField(max_length=3)
    invoice_id = serializers.CharField(max_length=255, required=False, allow_null=True)
    event_name = serializers.CharField(max_length=80, default="Purchase")
    payment_processor = serializers.CharField(max_length=40, required=False)
    items = ItemBody(  # type: ignore[call-arg]  # taken by the list that `many` makes of it
        many=True, required=False, max_length=MAX_LINES, help_text="together the amount at most"
    )
    cost = MinorUnits(
        min_value=0,
        max_value=money.MAX_MINOR,
        required=False,
        help_text="what all of it cost you; the items' costs together when missing; secret keys only",
    )

    def validate_currency(self, value: str) -> str:
        if not money.is_currency(value.upper()):
            raise serializers.ValidationError(f"{value!r} is not an ISO 4217 currency code.")
        return value.upper()


class RefundBody(TrackBody):
    """Money given back: all that is left unless an amount says otherwise."""

    invoice_id = serializers.CharField(max_length=255)
    amount = MinorUnits(min_value=1, max_value=money.MAX_MINOR, required=False)
    refund_id = serializers.CharField(
        max_length=255, required=False, help_text="names this refund; `full` when missing with no amount"
    )
    kind = serializers.ChoiceField(
        choices=["refund", "chargeback"], default="refund", help_text="chargeback: the bank took it back"
    )
    mode = serializers.ChoiceField(choices=["async", "wait"], default="async")
    occurred_at = serializers.DateTimeField(required=False)


class ReinstateBody(StrictSerializer):
    """Why a refund or a rejection was wrong; kept in the audit log."""

    reason = serializers.CharField(max_length=200)


class RefundRow(serializers.Serializer[Any]):
    """A refund of a conversion; one with `reinstated_at` no longer counts."""

    id = serializers.CharField(source="public_id")
    source_key = serializers.CharField()
    kind = serializers.CharField(help_text="refund or chargeback")
    amount_minor = serializers.IntegerField()
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    reinstated_at = serializers.DateTimeField(allow_null=True)
    reinstated_why = serializers.CharField(allow_blank=True)


class MergedAnswer(serializers.Serializer[Any]):
    """Two customers who are one person."""

    kept = serializers.CharField()
    duplicate = serializers.CharField()


class TrackBatchBody(StrictSerializer):
    """Facts in the order in which they are to be taken: each with its `type` and the fields of that call."""

    events = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=1000)


class TrackBatchResult(serializers.Serializer[Any]):
    """What became of one fact: the status and body that the call by itself would have answered."""

    status = serializers.IntegerField()
    body = serializers.DictField(required=False)
    error = serializers.DictField(required=False)


class TrackBatchAnswer(serializers.Serializer[Any]):
    """The results, in the order of the facts."""

    taken = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = TrackBatchResult(many=True)


class ClickAnswer(serializers.Serializer[Any]):
    """The click's id, to be kept by the page and sent with the lead or sale."""

    click_id = serializers.CharField()
    visitor_id = serializers.CharField()
    counted = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)
    link = serializers.CharField()


class LineAnswer(serializers.Serializer[Any]):
    """What was bought: a line's net amount and cost are those of all of its quantity."""

    sku = serializers.CharField(allow_blank=True)
    category = serializers.CharField(allow_blank=True, default="")
    quantity = serializers.IntegerField(default=1)
    amount_minor = serializers.IntegerField()
    cost_minor = serializers.IntegerField(allow_null=True, default=None)


class ConversionAnswer(serializers.Serializer[Any]):
    """A conversion as it stands."""

    id = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    event_name = serializers.CharField()
    customer = serializers.CharField(source="customer.public_id")
    customer_external_id = serializers.CharField(source="customer.external_id", allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]
    source_key = serializers.CharField()
    status = serializers.CharField()
    amount_minor = serializers.IntegerField()
    refunded_minor = serializers.IntegerField()
    currency = serializers.CharField()
    cost_minor = serializers.IntegerField(allow_null=True)
    lines = LineAnswer(many=True)
    metadata = serializers.DictField()
    reporting_minor = serializers.IntegerField(
        allow_null=True, help_text="the amount in the workspace's currency; null while no rate is known"
    )
    reporting_currency = serializers.CharField(allow_blank=True)
    reporting_rate = serializers.DecimalField(
        max_digits=24, decimal_places=12, allow_null=True, help_text="null for an order in that currency"
    )
    reporting_source = serializers.CharField(allow_blank=True, help_text="ecb or entered")
    reporting_on = serializers.DateField(allow_null=True, help_text="the day the rate is of")
    occurred_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()


class CheckAnswer(serializers.Serializer[Any]):
    """A question to somebody else on which the conversion's rewards wait, and the answer."""

    id = serializers.CharField(source="public_id")
    conversion = serializers.CharField(source="conversion.public_id")
    kind = serializers.CharField(help_text="email, store or callback")
    status = serializers.CharField(help_text="waiting, passed, failed or unanswered")
    detail = serializers.CharField(allow_blank=True)
    asked_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)


class TrackAnswer(serializers.Serializer[Any]):
    """The stored fact; with `mode: wait` also who was credited and which rewards came of it."""

    conversion = ConversionAnswer()
    duplicate = serializers.BooleanField()
    explanation = serializers.DictField(required=False)


class RefundAnswer(TrackAnswer):
    """The refund beside its conversion."""

    refund = serializers.CharField()
    amount_minor = serializers.IntegerField()


class ReferralAnswer(serializers.Serializer[Any]):
    """A referral: who brought whom to which program, and how far it went."""

    id = serializers.CharField(source="public_id")
    program = serializers.CharField(source="program.public_id")
    participant = serializers.CharField(source="participant.public_id")
    customer = serializers.CharField(source="customer.public_id")
    status = serializers.CharField()
    channel = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    started_at = serializers.DateTimeField()
    converted_at = serializers.DateTimeField(allow_null=True)


class OwnTouchAnswer(serializers.Serializer[Any]):
    """One of the participant's own contacts: what it was and whether it counts."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    what = serializers.CharField()
    sentence = serializers.CharField()
    reason = serializers.CharField()
    counts = serializers.BooleanField()


class OwnRewardAnswer(serializers.Serializer[Any]):
    """Where one of the participant's own rewards is; no status where nothing was promised."""

    status = serializers.CharField(allow_blank=True)
    sentence = serializers.CharField()


class OwnExplanationAnswer(serializers.Serializer[Any]):
    """A decision as one participant may read it: sentences about their own part, and nobody else's."""

    participant = serializers.CharField()
    conversion = serializers.CharField()
    kind = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    credited = serializers.BooleanField()
    share_ppm = serializers.IntegerField()
    reason = serializers.CharField()
    sentence = serializers.CharField()
    standing = serializers.CharField(allow_blank=True, help_text="what became of the conversion since")
    check = serializers.CharField(allow_blank=True, help_text="how looking into a doubt stands")
    touches = OwnTouchAnswer(many=True)
    rewards = OwnRewardAnswer(many=True)


def in_time(given: datetime | None, at: datetime) -> datetime:
    """Return when it happened: as given, else now; a clock that is ahead of ours makes nothing later."""
    return at if given is None else min(given, at)
