"""Bodies of appeals, and the answers they get."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api import StrictSerializer


class AppealBody(StrictSerializer):
    """What a participant asks to have looked at; without a conversion, a friend is missing."""

    participant = serializers.CharField(max_length=40)
    conversion = serializers.CharField(max_length=40, required=False, allow_null=True)
    message = serializers.CharField(max_length=2000, help_text="10 to 2,000 characters")


class AppealAnswerBody(StrictSerializer):
    """The decision about an appeal, and the words that its participant reads."""

    status = serializers.ChoiceField(choices=["granted", "declined"])
    answer = serializers.CharField(max_length=2000)


class AppealAnswer(serializers.Serializer[Any]):
    """An appeal as it stands; `conversion` is null where a friend is missing."""

    id = serializers.CharField(source="public_id")
    participant = serializers.CharField(source="participant.public_id")
    program = serializers.CharField(source="participant.program.public_id")
    conversion = serializers.SerializerMethodField()
    status = serializers.CharField()
    message = serializers.CharField()
    answer = serializers.CharField(allow_blank=True)
    answered_by = serializers.CharField(allow_blank=True)
    opened_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)

    def get_conversion(self, appeal: Any) -> str | None:
        """Return the conversion's public id."""
        return None if appeal.conversion is None else str(appeal.conversion.public_id)
