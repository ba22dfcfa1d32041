"""Webhook endpoints: made, switched off and on, their secrets rotated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts import secrets
from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.http import check_url
from core.outbound import outbound_policy
from integrations import webhook_signing
from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.queries import event_kinds

ROTATION_OVERLAP: Final = timedelta(hours=24)
MAX_ENDPOINTS: Final = 20
MAX_URL: Final = 2000


@transaction.atomic
def create_endpoint(
    *, workspace: Workspace, url: str, kinds: Sequence[str], actor: Actor, at: datetime
) -> tuple[WebhookEndpoint, str]:
    """Add an endpoint that hears these kinds of event, or all if none is named; returns its secret too.

    The secret cannot be shown again. Raises Invalid naming `url` or `kinds`, Conflict beyond 20 endpoints.
    """
    url = url.strip()
    if len(url) > MAX_URL:
        raise Invalid(f"The URL is longer than {MAX_URL} characters.", code="bad_url", param="url")
    check_url(url, policy=outbound_policy())
    unknown = sorted(set(kinds) - set(event_kinds()))
    if unknown:
        raise Invalid(f"There is no kind of event named {unknown[0]!r}.", code="unknown_kind", param="kinds")
    if WebhookEndpoint.objects.for_workspace(workspace).count() >= MAX_ENDPOINTS:
        raise Conflict(f"A workspace has at most {MAX_ENDPOINTS} endpoints.", code="too_many_endpoints")
    secret = webhook_signing.new_secret()
    endpoint = WebhookEndpoint(workspace=workspace, url=url, kinds=sorted(set(kinds)), created_at=at)
    endpoint.sealed_secret = secrets.encrypt(secret, bound_to=endpoint.public_id)
    endpoint.save(force_insert=True)
    record_audit(
        workspace=workspace,
        actor=actor,
        action="webhook_endpoint.created",
        subject=endpoint.public_id,
        after={"url": url, "kinds": endpoint.kinds},
    )
    return endpoint, secret


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, actor: Actor, at: datetime) -> str:
    """Give an endpoint a new secret and return it; for 24 hours messages carry both signatures.

    `at` is real time. Rotating again within that time drops the older of the two.
    """
    row = _locked(endpoint)
    secret = webhook_signing.new_secret()
    row.sealed_previous_secret = row.sealed_secret
    row.previous_secret_until = at + ROTATION_OVERLAP
    row.sealed_secret = secrets.encrypt(secret, bound_to=row.public_id)
    row.save(update_fields=["sealed_secret", "sealed_previous_secret", "previous_secret_until"])
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="webhook_endpoint.secret_rotated",
        subject=row.public_id,
    )
    return secret


@transaction.atomic
def enable_endpoint(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookEndpoint:
    """Send to an endpoint again from the next event on; repeating it changes nothing.

    What was given up meanwhile can be delivered again by hand, or read from the event log.
    """
    row = _locked(endpoint)
    if row.status == WebhookEndpoint.Status.DISABLED:
        before = row.disabled_reason
        row.status, row.disabled_reason, row.failing_since = WebhookEndpoint.Status.ENABLED, "", None
        row.save(update_fields=["status", "disabled_reason", "failing_since"])
        record_audit(
            workspace=row.workspace,
            actor=actor,
            action="webhook_endpoint.enabled",
            subject=row.public_id,
            before={"disabled_reason": before},
        )
    return row


@transaction.atomic
def disable_endpoint(*, endpoint: WebhookEndpoint, reason: str, actor: Actor) -> WebhookEndpoint:
    """Stop sending to an endpoint and give up what is on its way; repeating it changes nothing."""
    row = _locked(endpoint)
    if row.status == WebhookEndpoint.Status.ENABLED:
        row.status, row.disabled_reason = WebhookEndpoint.Status.DISABLED, reason[:200]
        row.save(update_fields=["status", "disabled_reason"])
        record_audit(
            workspace=row.workspace,
            actor=actor,
            action="webhook_endpoint.disabled",
            subject=row.public_id,
            reason=row.disabled_reason,
        )
    WebhookDelivery.objects.for_workspace(row.workspace_id).filter(
        endpoint=row, state=WebhookDelivery.State.PENDING
    ).update(
        state=WebhookDelivery.State.DEAD,
        leased_until=None,
        last_error=f"The endpoint was disabled: {row.disabled_reason}",
    )
    return row


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    row: WebhookEndpoint = (
        WebhookEndpoint.objects.for_workspace(endpoint.workspace_id)
        .select_for_update(no_key=True)
        .get(pk=endpoint.pk)
    )
    return row
