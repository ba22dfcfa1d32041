"""Bodies of the calls about a workspace, and the answers they get."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import proofs
from accounts.models import Domain
from core.api import StrictSerializer


class DomainAnswer(serializers.Serializer[Domain]):
    """An own domain; `record` is the TXT record that proves it, `problem` what the last look-up missed."""

    id = serializers.CharField(source="public_id")
    host = serializers.CharField()
    status = serializers.SerializerMethodField()
    is_primary = serializers.BooleanField()
    record = serializers.SerializerMethodField()
    problem = serializers.CharField(allow_blank=True)
    verified_at = serializers.DateTimeField(allow_null=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    @extend_schema_field({"type": "string", "enum": ["pending", "verified"]})
    def get_status(self, domain: Domain) -> str:
        return "pending" if domain.verified_at is None else "verified"

    @extend_schema_field(
        {
            "type": "object",
            "properties": {key: {"type": "string"} for key in ("type", "name", "value")},
            "required": ["type", "name", "value"],
        }
    )
    def get_record(self, domain: Domain) -> dict[str, Any]:
        return {
            "type": "TXT",
            "name": proofs.record_name(domain.host),
            "value": proofs.record_value(domain.token),
        }


class DomainBody(StrictSerializer):
    """A new domain."""

    host = serializers.CharField(max_length=300)


class DomainChangeBody(StrictSerializer):
    """What links are shared with: this domain, or (false) the platform's own address."""

    is_primary = serializers.BooleanField()
