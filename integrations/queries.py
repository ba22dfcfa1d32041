"""Reads about connections and their inbox, webhook endpoints and their deliveries, and the event log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.urls import reverse

from accounts import secrets
from accounts.models import Workspace
from core import events
from core.ids import is_public_id
from core.models import Event, EventDelivery
from core.tenancy import door
from integrations.models import (
    Connection,
    InboxItem,
    ValidationAttempt,
    ValidationKey,
    ValidationRequest,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
)
from integrations.providers import ShopAccess
from integrations.providers.registry import PROVIDERS
from programs.queries import terms_of
from rewards.queries import rewards_of
from tracking.models import Attribution, Conversion, ConversionCheck, Credit

TEST_KIND: Final = "webhook.test"
"""The kind of the events that are written to try an endpoint."""


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection is doing: messages by what came of them, and when the last one came in."""

    applied: int = 0
    ignored: int = 0
    set_aside: int = 0
    waiting: int = 0
    failed: int = 0

    @property
    def total(self) -> int:
        """All messages that were accepted."""
        return self.applied + self.ignored + self.set_aside + self.waiting + self.failed

    @property
    def needs_a_look(self) -> int:
        """Messages that a person should look at."""
        return self.set_aside + self.failed


def connection_for_hook(provider: str, public_id: str) -> Connection | None:
    """Return the connection that a webhook address names, in any state, workspace loaded, or None."""
    if not is_public_id(public_id, "con"):
        return None
    with door("resolve_connection"):
        return (
            Connection.objects.through_door("resolve_connection")
            .filter(public_id=public_id, provider=provider)
            .select_related("workspace")
            .first()
        )


def hook_url(connection: Connection) -> str:
    """Return the address that the shop sends its webhooks to."""
    return f"{settings.BASE_URL}{reverse('hook', args=[connection.provider, connection.public_id])}"


def accepted_secrets(connection: Connection, *, at: datetime) -> list[str]:
    """Return the secrets a message may be signed with at `at`: the current one, and one just replaced."""
    return _live_secrets(connection, at)


def signing_secrets(holder: WebhookEndpoint | ValidationKey, *, at: datetime) -> list[str]:
    """Return the secrets a webhook, or a question, is signed with at `at`, the newest first."""
    return _live_secrets(holder, at)


def _live_secrets(holder: Connection | WebhookEndpoint | ValidationKey, at: datetime) -> list[str]:
    sealed = [holder.sealed_secret]
    if holder.sealed_previous_secret and holder.previous_secret_until and at < holder.previous_secret_until:
        sealed.append(holder.sealed_previous_secret)
    return [secrets.decrypt(each, bound_to=holder.public_id) for each in sealed]


def connections(workspace: Workspace) -> QuerySet[Connection]:
    """Return the connections to shops, newest first."""
    return Connection.objects.for_workspace(workspace).filter(provider__in=list(PROVIDERS)).order_by("-pk")


def health_of(workspace: Workspace, among: Iterable[Connection]) -> dict[int, Health]:
    """Return the health of each of these connections, by primary key, in one query."""
    counts: dict[int, Counter[str]] = {connection.pk: Counter() for connection in among}
    rows = (
        InboxItem.objects.for_workspace(workspace)
        .filter(connection_id__in=list(counts))
        .values("connection_id", "state", "outcome")
        .annotate(rows=Count("pk"))
    )
    for row in rows:
        counts[row["connection_id"]][_standing(row["state"], row["outcome"])] += row["rows"]
    return {pk: Health(**found) for pk, found in counts.items()}


def _standing(state: str, outcome: str) -> str:
    if state == InboxItem.State.DONE:
        return outcome or InboxItem.Outcome.IGNORED
    return "failed" if state == InboxItem.State.DEAD else "waiting"


def inbox(connection: Connection) -> QuerySet[InboxItem]:
    """Return a connection's messages without their bodies, with their `standing`, newest first.

    It is an outcome, or `waiting`, `retrying` or `failed`.
    """
    state, outcome = InboxItem.State, InboxItem.Outcome
    standing = Case(
        When(state=state.DEAD, then=Value("failed")),
        When(state=state.PENDING, attempts__gt=0, then=Value("retrying")),
        When(state=state.PENDING, then=Value("waiting")),
        When(outcome="", then=Value(outcome.IGNORED.value)),
        default=F("outcome"),
    )
    return (
        InboxItem.objects.for_workspace(connection.workspace_id)
        .filter(connection=connection)
        .defer("body")
        .annotate(standing=standing)
        .order_by("-pk")
    )


def topics(connection: Connection) -> list[str]:
    """Return the topics of a connection's messages, sorted."""
    rows = InboxItem.objects.for_workspace(connection.workspace_id).filter(connection=connection)
    return [topic for topic in rows.order_by("topic").values_list("topic", flat=True).distinct() if topic]


def inbox_items(workspace: Workspace) -> QuerySet[InboxItem]:
    """Return all messages with their connection loaded."""
    return InboxItem.objects.for_workspace(workspace).select_related("connection")


def conversion_of(connection: Connection, order_id: str) -> Conversion | None:
    """Return the purchase that an order of this connection became."""
    return (
        Conversion.objects.for_workspace(connection.workspace_id)
        .filter(kind=Conversion.Kind.PURCHASE, source=connection.public_id, source_key=order_id)
        .first()
    )


def event_kinds() -> tuple[str, ...]:
    """Return the kinds of event an endpoint can hear, sorted.

    What only a sandbox does is not among them, nor what the platform tells itself.
    """
    own = ("sandbox.", "rates.", "payout.batch_preparing", "promotion.announcing")
    return tuple(kind for kind in events.kinds() if not kind.startswith(own))


def logged_kinds() -> tuple[str, ...]:
    """Return every kind of event that may stand in the log, sorted."""
    return tuple(sorted({*events.kinds(), TEST_KIND}))


def endpoints(workspace: Workspace) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints with `waiting` and `failed` counts and `last_delivered_at`, newest first."""
    pending, dead = WebhookDelivery.State.PENDING, WebhookDelivery.State.DEAD
    return (
        WebhookEndpoint.objects.for_workspace(workspace)
        .annotate(
            waiting=Count("deliveries", filter=Q(deliveries__state=pending)),
            failed=Count("deliveries", filter=Q(deliveries__state=dead)),
            last_delivered_at=Max("deliveries__delivered_at"),
        )
        .order_by("-pk")
    )


def deliveries(workspace: Workspace) -> QuerySet[WebhookDelivery]:
    """Return the webhook deliveries with event, endpoint and tries loaded, newest first.

    Each has its `standing` (waiting, retrying, delivered or failed) and the `last_status` it was answered.
    """
    tries = WebhookAttempt.objects.for_workspace(workspace).order_by("pk")
    state = WebhookDelivery.State
    standing = Case(
        When(state=state.DONE, then=Value("delivered")),
        When(state=state.DEAD, then=Value("failed")),
        When(attempts__gt=0, then=Value("retrying")),
        default=Value("waiting"),
    )
    newest = tries.filter(delivery_id=OuterRef("pk")).order_by("-pk").values("status")[:1]
    return (
        WebhookDelivery.objects.for_workspace(workspace)
        .select_related("event", "endpoint")
        .prefetch_related(Prefetch("tries", queryset=tries))
        .annotate(standing=standing, last_status=Subquery(newest))
        .order_by("-pk")
    )


def deliveries_of(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """Return an endpoint's deliveries, newest first."""
    return deliveries(endpoint.workspace).filter(endpoint=endpoint)


def event_log(workspace: Workspace) -> QuerySet[Event]:
    """Return the workspace's events with `has_failed` and their deliveries to handlers, newest first.

    An event has failed when some handler gave up on it.
    """
    handed = EventDelivery.objects.for_workspace(workspace)
    dead = handed.filter(event_id=OuterRef("pk"), state=EventDelivery.State.DEAD)
    return (
        Event.objects.for_workspace(workspace)
        .annotate(has_failed=Exists(dead))
        .prefetch_related(Prefetch("deliveries", queryset=handed.order_by("handler")))
        .order_by("-pk")
    )


def events_after(workspace: Workspace, *, after: Event | None, before: datetime) -> QuerySet[Event]:
    """Return the events behind `after`, oldest first, among those written before an instant."""
    rows = Event.objects.for_workspace(workspace).filter(created_at__lt=before).order_by("pk")
    return rows.filter(pk__gt=after.pk) if after else rows


def shop_access(connection: Connection) -> ShopAccess:
    """Return where a shop's API is and the keys that open it, of a connection that has them."""
    key, _, secret = secrets.decrypt(connection.sealed_keys, bound_to=connection.public_id).partition(":")
    return ShopAccess(connection.shop_url, key, secret)


def shops_to_ask(conversion: Conversion) -> list[tuple[Connection, ShopAccess]]:
    """Return the active connections that may know a purchase's order, each with its keys.

    For one that a connection told, that connection; for others every one.
    """
    rows = (
        Connection.objects.for_workspace(conversion.workspace_id)
        .filter(status=Connection.Status.ACTIVE, provider__in=list(PROVIDERS))
        .exclude(sealed_keys="")
    )
    if is_public_id(conversion.source, "con"):
        rows = rows.filter(public_id=conversion.source)
    return [(row, shop_access(row)) for row in rows.order_by("pk")]


def callback_urls(workspace: Workspace, conversions: Collection[int]) -> dict[int, str]:
    """Return the address that is asked about each conversion, by primary keys.

    It is that of the first program, among those that decided on it, whose terms name one.
    """
    if not conversions:
        return {}
    rows = (
        Attribution.objects.for_workspace(workspace)
        .filter(conversion__in=conversions)
        .select_related("version")
        .order_by("pk")
    )
    urls: dict[int, str] = {}
    for row in rows:
        url = terms_of(row.version).fraud.validation_url
        if url:
            urls.setdefault(row.conversion_id, url)
    return urls


def facts_of(conversion: Conversion) -> dict[str, Any]:
    """Return what the workspace's own system is told of a conversion: ids and amounts, no personal data."""
    credits = (
        Credit.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion)
        .select_related("participant__program")
        .order_by("pk")
    )
    return {
        "conversion": conversion.public_id,
        "kind": conversion.kind,
        "event_name": conversion.event_name,
        "source": conversion.source,
        "order": conversion.source_key,
        "amount_minor": conversion.amount_minor,
        "currency": conversion.currency,
        "occurred_at": conversion.occurred_at.isoformat(),
        "customer": conversion.customer.public_id,
        "customer_external_id": conversion.customer.external_id,
        "credits": [
            {
                "program": credit.participant.program.public_id,
                "participant": credit.participant.public_id,
                "amount_minor": credit.amount_minor,
            }
            for credit in credits
        ],
        "rewards": [
            {
                "reward": reward.public_id,
                "program": reward.program.public_id,
                "participant": reward.participant.public_id if reward.participant else None,
                "side": reward.side,
                "kind": reward.kind,
                "amount_minor": reward.amount_minor,
                "unit": reward.unit,
            }
            for reward in rewards_of(conversion)
        ],
    }


def checks(workspace: Workspace) -> QuerySet[ConversionCheck]:
    """Return the checks with conversion and customer loaded, newest first.

    Each has its question's `next_try_at`, `attempts` and `last_error`, None where nobody is asked over HTTP.
    """
    asked = ValidationRequest.objects.for_workspace(workspace).filter(conversion_check_id=OuterRef("pk"))
    waiting = asked.filter(state=ValidationRequest.State.PENDING)
    return (
        ConversionCheck.objects.for_workspace(workspace)
        .select_related("conversion__customer")
        .annotate(
            attempts=Subquery(asked.values("attempts")[:1]),
            last_error=Subquery(asked.values("last_error")[:1]),
            next_try_at=Subquery(waiting.values("due_at")[:1]),
        )
        .order_by("-pk")
    )


def tries_of(check: ConversionCheck) -> QuerySet[ValidationAttempt]:
    """Return every try of a check's question, oldest first, those before it was asked again included."""
    return (
        ValidationAttempt.objects.for_workspace(check.workspace_id)
        .filter(request__conversion_check=check)
        .select_related("request")
        .order_by("pk")
    )


def validation_key_of(workspace: Workspace) -> ValidationKey | None:
    """Return what signs the workspace's questions, or None before the first."""
    return ValidationKey.objects.for_workspace(workspace).first()
