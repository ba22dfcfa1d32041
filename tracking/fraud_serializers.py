"""Bodies and answers of the API's calls on fraud cases and on the allow and block lists."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api import StrictSerializer
from tracking.models import FraudCase, FraudListEntry


class DecisionBody(StrictSerializer):
    """Why a case is decided as it is."""

    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class BulkDecisionBody(DecisionBody):
    """What to make of many cases."""

    ids = serializers.ListField(child=serializers.CharField(max_length=40), min_length=1, max_length=500)
    status = serializers.ChoiceField(choices=FraudCase.Status.choices)


class BulkDecisionResult(serializers.Serializer[Any]):
    """What became of one case: its status, or why it was refused."""

    id = serializers.CharField()
    status = serializers.CharField(required=False)
    error = serializers.DictField(required=False, help_text="code and message")


class BulkDecisionAnswer(serializers.Serializer[Any]):
    """The results, in the order of the ids, each once."""

    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    results = BulkDecisionResult(many=True)


class FraudCaseAnswer(serializers.Serializer[Any]):
    """A doubt about one participant's part in one conversion, and what was made of it."""

    id = serializers.CharField(source="public_id")
    status = serializers.CharField(help_text="open (on hold), approved (trusted) or rejected")
    outcome = serializers.CharField(help_text="the rules' own: hold or deny")
    rule = serializers.CharField(source="reason", help_text="the rule that decided")
    score = serializers.IntegerField()
    program = serializers.CharField(source="program.public_id")
    version = serializers.IntegerField(source="judgement.version.number")
    participant = serializers.CharField(source="participant.public_id")
    conversion = serializers.CharField(source="conversion.public_id")
    customer = serializers.CharField(source="conversion.customer.public_id", help_text="the friend")
    held_minor = serializers.IntegerField(
        allow_null=True, help_text="what is on hold, in `held_unit`; money stands before points"
    )
    held_unit = serializers.CharField(allow_null=True)
    decided_by = serializers.CharField(allow_blank=True, help_text="empty: by the rules, or by nobody yet")
    decided_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField(source="note", allow_blank=True, help_text="of the last decision")
    opened_at = serializers.DateTimeField()


class FraudSignalAnswer(serializers.Serializer[Any]):
    """One rule's finding."""

    id = serializers.CharField(source="public_id")
    rule = serializers.CharField()
    weight = serializers.IntegerField()
    shadow = serializers.BooleanField(help_text="recorded on trial; counts nothing")
    sentence = serializers.CharField()
    evidence = serializers.DictField(child=serializers.CharField())


class FraudCaseChangeAnswer(serializers.Serializer[Any]):
    """One step of a case."""

    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField()
    actor = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class FraudCaseDetailAnswer(FraudCaseAnswer):
    """A case with its findings, its history and the rewards that hang on it."""

    sentence = serializers.CharField(help_text="the heaviest finding, for staff")
    participant_sentence = serializers.CharField(help_text="what the participant reads")
    signals = FraudSignalAnswer(many=True)
    changes = FraudCaseChangeAnswer(many=True)
    rewards = serializers.ListField(child=serializers.DictField(), help_text="as `GET /rewards` shows them")


class FraudListEntryBody(StrictSerializer):
    """Something to trust (`allow`) or to refuse (`block`); `*` stands for any text."""

    mode = serializers.ChoiceField(choices=FraudListEntry.Mode.choices)
    kind = serializers.ChoiceField(choices=FraudListEntry.Kind.choices)
    pattern = serializers.CharField(max_length=255)
    note = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    expires_at = serializers.DateTimeField(required=False, default=None, allow_null=True)


class FraudListEntryAnswer(serializers.Serializer[Any]):
    """An entry of the allow or the block list."""

    id = serializers.CharField(source="public_id")
    mode = serializers.CharField()
    kind = serializers.CharField()
    pattern = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
