"""Sending what is owed to webhook endpoints: claimed fairly, posted outside transactions, then recorded."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from accounts.services import SYSTEM
from core import clock, http
from core.outbound import outbound_policy
from core.queue import Claim, mark_failed
from core.tenancy import tenant
from integrations import webhook_signing
from integrations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from integrations.queries import signing_secrets
from integrations.services.lanes import LEASE, RUN_SECONDS, claim_lanes, work_off
from integrations.services.webhooks import disable_endpoint

__all__ = ["LEASE", "claim_fairly", "record_answer", "send_due"]

logger = logging.getLogger(__name__)

DEADLINE_SECONDS: Final = 10.0
"""How long a receiver may take for its whole answer."""

FAILING_LIMIT: Final = timedelta(days=5)
EXCERPT: Final = 1000


@dataclass(frozen=True, slots=True)
class Parcel:
    """Everything a thread without a database needs to send one message."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status with the start of the body, or why nothing did. `retry_after` in seconds."""

    status: int | None
    response: str
    error: str
    elapsed_ms: int
    retry_after: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether the receiver has taken the message."""
        return self.status is not None and 200 <= self.status < 300


def send_due(*, deadline_seconds: float = DEADLINE_SECONDS, run_seconds: float = RUN_SECONDS) -> int:
    """Send the messages that are due, of all workspaces, until none is left or the time is up.

    Returns how many were posted.
    """
    policy = outbound_policy()

    def prepare(claimed: Claim) -> Callable[[], Answer] | None:
        parcel = _prepared(claimed)
        return None if parcel is None else partial(_post, parcel, policy, deadline_seconds)

    return work_off(
        claim=lambda room: claim_fairly(limit=room, at=clock.now()),
        prepare=prepare,
        settle=_settle,
        run_seconds=run_seconds,
    )


def claim_fairly(*, limit: int, at: datetime) -> list[Claim]:
    """Lease up to `limit` due deliveries, at most two under way to any endpoint, and count the attempt."""
    return claim_lanes(WebhookDelivery, lane=["endpoint_id"], limit=limit, at=at)


def _prepared(claimed: Claim) -> Parcel | None:
    """Return the signed message, or None for one that is not to be sent any more."""
    try:
        with tenant(claimed.workspace_id):
            return _signed(claimed, clock.now())
    except Exception as error:
        # One delivery that cannot be built, for a lost key say, must not stop those behind it.
        logger.exception("webhook delivery %s could not be built", claimed.pk)
        mark_failed(WebhookDelivery, claimed, f"{type(error).__name__}: {error}", at=clock.now())
        return None


def _signed(claimed: Claim, at: datetime) -> Parcel | None:
    delivery = (
        WebhookDelivery.objects.for_workspace(claimed.workspace_id)
        .select_related("endpoint", "event")
        .filter(pk=claimed.pk, state=WebhookDelivery.State.PENDING)
        .first()
    )
    if delivery is None:
        return None
    endpoint = delivery.endpoint
    if endpoint.status != WebhookEndpoint.Status.ENABLED:
        _close(claimed, WebhookDelivery.State.DEAD, f"The endpoint was disabled: {endpoint.disabled_reason}")
        return None
    body = delivery.body.encode()
    secrets = signing_secrets(endpoint, at=at)
    signature = webhook_signing.sign(secrets, delivery.event.public_id, at, body)
    return Parcel(endpoint.url, {"content-type": "application/json", **signature}, body)


def _post(parcel: Parcel, policy: http.Policy, deadline_seconds: float) -> Answer:
    began = time.monotonic()
    try:
        got = http.post(
            parcel.url, body=parcel.body, headers=parcel.headers, timeout=deadline_seconds, policy=policy
        )
    except (http.OutboundRefused, http.OutboundFailed) as error:
        return Answer(None, "", error.message, round((time.monotonic() - began) * 1000))
    return Answer(
        status=got.status,
        response=_excerpt(got.body),
        error="" if 200 <= got.status < 300 else _complaint(got.status),
        elapsed_ms=got.elapsed_ms,
        retry_after=http.retry_after_seconds(got.headers, at=clock.now()),
    )


def _excerpt(body: bytes) -> str:
    return body.decode("utf-8", "replace").replace("\x00", "")[:EXCERPT]


def _complaint(status: int) -> str:
    if 300 <= status < 400:
        return f"The receiver answered {status}; redirects are not followed."
    return f"The receiver answered {status}."


def _settle(claimed: Claim, future: Future[Answer]) -> None:
    try:
        answer = future.result()
        with tenant(claimed.workspace_id):
            record_answer(claimed=claimed, answer=answer, at=clock.now())
    except Exception as error:
        logger.exception("webhook delivery %s failed", claimed.pk)
        mark_failed(WebhookDelivery, claimed, f"{type(error).__name__}: {error}", at=clock.now())


@transaction.atomic
def record_answer(*, claimed: Claim, answer: Answer, at: datetime) -> None:
    """Write down one attempt and decide what follows: done, later, given up, or the endpoint disabled."""
    workspace_id = claimed.workspace_id
    delivery = WebhookDelivery.objects.for_workspace(workspace_id).only("endpoint_id").get(pk=claimed.pk)
    # The endpoint first, as everywhere: disabling one locks it and then its deliveries.
    endpoint = (
        WebhookEndpoint.objects.for_workspace(workspace_id)
        .select_for_update(no_key=True)
        .get(pk=delivery.endpoint_id)
    )
    WebhookAttempt.objects.create(
        workspace_id=workspace_id,
        delivery_id=claimed.pk,
        status=answer.status,
        response=answer.response,
        error=answer.error[:255],
        elapsed_ms=answer.elapsed_ms,
        at=at,
    )
    if answer.accepted:
        _close(claimed, WebhookDelivery.State.DONE, "", delivered_at=at)
        _note_failing(endpoint, None)
        return
    if endpoint.failing_since is None:
        _note_failing(endpoint, at)
    _put_off(claimed, answer, at)
    if answer.status == 410:
        disable_endpoint(endpoint=endpoint, reason="The receiver answered 410 Gone.", actor=SYSTEM)
    elif endpoint.failing_since and at - endpoint.failing_since >= FAILING_LIMIT:
        disable_endpoint(endpoint=endpoint, reason="Nothing was accepted for five days.", actor=SYSTEM)


def _note_failing(endpoint: WebhookEndpoint, since: datetime | None) -> None:
    if endpoint.failing_since != since:
        endpoint.failing_since = since
        endpoint.save(update_fields=["failing_since"])


def _put_off(claimed: Claim, answer: Answer, at: datetime) -> None:
    delay = webhook_signing.next_attempt_delay(
        claimed.attempts,
        answer.retry_after,
        random.random(),  # noqa: S311
    )
    if delay is None:
        given_up = f"Given up after {claimed.attempts} attempts. {answer.error}"
        _close(claimed, WebhookDelivery.State.DEAD, given_up)
        return
    WebhookDelivery.objects.for_workspace(claimed.workspace_id).filter(
        pk=claimed.pk, state=WebhookDelivery.State.PENDING
    ).update(due_at=at + delay, leased_until=None, last_error=answer.error)


def _close(claimed: Claim, state: str, error: str, *, delivered_at: datetime | None = None) -> None:
    changes: dict[str, object] = {"state": state, "leased_until": None, "last_error": error}
    if delivered_at is not None:
        changes["delivered_at"] = delivered_at
    WebhookDelivery.objects.for_workspace(claimed.workspace_id).filter(pk=claimed.pk).update(**changes)
