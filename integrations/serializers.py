"""What the API takes and tells about webhook endpoints, deliveries and events."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.models import Event
from integrations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint


class WebhookEndpointBody(serializers.Serializer[Any]):
    """A new endpoint."""

    url = serializers.CharField(max_length=2000)
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=60),
        default=list,
        max_length=100,
        help_text="event kinds to hear; empty: all, those to come included",
    )

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError({name: ["There is no such field."] for name in unknown})
        return super().to_internal_value(data)


class WebhookEndpointAnswer(serializers.ModelSerializer[WebhookEndpoint]):
    """A webhook endpoint."""

    id = serializers.CharField(source="public_id", read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields = ("id", "url", "kinds", "status", "disabled_reason", "failing_since", "created_at")
        read_only_fields = fields


class WebhookEndpointCreated(WebhookEndpointAnswer):
    """A new webhook endpoint with its signing secret, which is told once; null in a replayed answer."""

    secret = serializers.CharField(allow_null=True)

    class Meta(WebhookEndpointAnswer.Meta):
        fields = (*WebhookEndpointAnswer.Meta.fields, "secret")  # type: ignore[assignment]


class WebhookAttemptAnswer(serializers.ModelSerializer[WebhookAttempt]):
    """One attempt of a delivery."""

    class Meta:
        model = WebhookAttempt
        fields = ("at", "status", "response", "error", "elapsed_ms")
        read_only_fields = fields


class WebhookDeliveryAnswer(serializers.ModelSerializer[WebhookDelivery]):
    """One event on its way to one endpoint; `next_attempt_at` is null unless it will be tried (again)."""

    id = serializers.CharField(source="public_id", read_only=True)
    endpoint = serializers.CharField(source="endpoint.public_id", read_only=True)
    event = serializers.CharField(source="event.public_id", read_only=True)
    kind = serializers.CharField(source="event.kind", read_only=True)
    next_attempt_at = serializers.SerializerMethodField()
    tries = WebhookAttemptAnswer(many=True, read_only=True)

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "endpoint",
            "event",
            "kind",
            "state",
            "attempts",
            "next_attempt_at",
            "delivered_at",
            "last_error",
            "created_at",
            "tries",
        )
        read_only_fields = fields

    def get_next_attempt_at(self, delivery: WebhookDelivery) -> str | None:
        """Return when it is tried next."""
        if delivery.state != WebhookDelivery.State.PENDING:
            return None
        return serializers.DateTimeField().to_representation(delivery.due_at)


class EventAnswer(serializers.ModelSerializer[Event]):
    """One event, in the shape in which webhooks carry it, with its id."""

    id = serializers.CharField(source="public_id", read_only=True)
    type = serializers.CharField(source="kind", read_only=True)
    timestamp = serializers.DateTimeField(source="occurred_at", read_only=True)
    data = serializers.DictField(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Event
        fields = ("id", "type", "timestamp", "data")
        read_only_fields = fields
