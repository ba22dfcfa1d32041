"""Reads about payout providers: their connections, the runs through them, and what a run pays to whom."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from accounts import secrets
from accounts.models import Workspace
from integrations.models import Connection, PayoutRun
from integrations.payout_turns import Part
from integrations.providers.payout_registry import PAYOUT_PROVIDERS
from integrations.providers.payouts import PayoutAccess, PayoutItem, PayoutTouched
from rewards.models import Payout, PayoutBatch
from rewards.queries import full_address

OPEN = (Payout.Status.PENDING, Payout.Status.SENT)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How the payouts of a batch's runs stand, and what stands in the way."""

    runs: int
    waiting: int
    stopped: int


def payout_connections(workspace: Workspace) -> QuerySet[Connection]:
    """Return the connections to payout providers, newest first, each with how many runs are `stopped`."""
    stopped = Count("payout_runs", filter=Q(payout_runs__state=PayoutRun.State.DEAD))
    under_way = Count("payout_runs", filter=Q(payout_runs__state=PayoutRun.State.PENDING))
    return (
        Connection.objects.for_workspace(workspace)
        .filter(provider__in=list(PAYOUT_PROVIDERS))
        .annotate(stopped=stopped, under_way=under_way)
        .order_by("-pk")
    )


def payout_connection_for(workspace: Workspace | int, method: str, public_id: str = "") -> Connection | None:
    """Return the active connection that pays by a method: the one named, else the newest with keys."""
    rows = Connection.objects.for_workspace(workspace).filter(
        provider=method, status=Connection.Status.ACTIVE
    )
    rows = rows.filter(public_id=public_id) if public_id else rows.exclude(sealed_keys="")
    return rows.order_by("-pk").first()


def payout_access(connection: Connection) -> PayoutAccess:
    """Return where a payout provider's API is and the keys that open it, of a connection that has them."""
    key, _, secret = secrets.decrypt(connection.sealed_keys, bound_to=connection.public_id).partition(":")
    return PayoutAccess(connection.shop_url, key, secret, connection.options)


def runs_of(connection: Connection) -> QuerySet[PayoutRun]:
    """Return a connection's runs, newest first."""
    return (
        PayoutRun.objects.for_workspace(connection.workspace_id).filter(connection=connection).order_by("-pk")
    )


def runs(workspace: Workspace) -> QuerySet[PayoutRun]:
    """Return all runs with their connections, newest first."""
    return PayoutRun.objects.for_workspace(workspace).select_related("connection").order_by("-pk")


def runs_about(connection: Connection, event: PayoutTouched) -> list[PayoutRun]:
    """Return the runs of a connection that a message may be about.

    Where it names nothing but the provider's own id of a payment, those are all that wait for results.
    """
    rows = PayoutRun.objects.for_workspace(connection.workspace_id).filter(connection=connection)
    if event.provider_batch_id or event.batch_id:
        return list(
            rows.filter(
                Q(provider_batch_id=event.provider_batch_id) & ~Q(provider_batch_id="")
                | Q(reference=event.batch_id)
            )
        )
    payouts = Payout.objects.for_workspace(connection.workspace_id)
    known = payouts.filter(
        Q(public_id=event.payout_id) | Q(provider_reference=event.reference) & ~Q(provider_reference="")
    ).values_list("batch__public_id", "pk")
    found = [
        run
        for batch_id, pk in known[:10]
        for run in rows.filter(batch_id=batch_id, first_pk__lte=pk, last_pk__gte=pk)
    ]
    return found or list(rows.filter(state=PayoutRun.State.PENDING, step=PayoutRun.Step.POLL)[:100])


def run_progress(batch: PayoutBatch) -> RunProgress:
    """Return how far a batch's runs are."""
    states = list(
        PayoutRun.objects.for_workspace(batch.workspace_id)
        .filter(batch_id=batch.public_id)
        .values_list("state", flat=True)
    )
    return RunProgress(
        runs=len(states),
        waiting=states.count(PayoutRun.State.PENDING),
        stopped=states.count(PayoutRun.State.DEAD),
    )


def payouts_of_run(run: PayoutRun) -> list[Payout]:
    """Return the payouts of a run with recipients and accounts, in their order."""
    return list(
        Payout.objects.for_workspace(run.workspace_id)
        .filter(batch__public_id=run.batch_id, pk__gte=run.first_pk, pk__lte=run.last_pk)
        .select_related("customer", "account")
        .order_by("pk")
    )


def part_of(run: PayoutRun) -> Part:
    """Return what a run is about to pay, as it stands now."""
    payouts = payouts_of_run(run)
    return Part(
        reference=run.reference,
        provider_batch_id=run.provider_batch_id,
        items=tuple(
            PayoutItem(
                payout_id=payout.public_id,
                amount_minor=payout.amount_minor,
                currency=payout.currency,
                recipient=recipient_of(payout),
                name=payout.customer.name[:80],
                refusals=run.refusals,
            )
            for payout in payouts
        ),
        open_ids=frozenset(payout.public_id for payout in payouts if payout.status in OPEN),
        handed_ids=frozenset(payout.public_id for payout in payouts if payout.pk <= run.handed_pk),
        page=run.page,
    )


def recipient_of(payout: Payout) -> str:
    """Return the e-mail address or account that a payout goes to.

    It is in the sealed details of the account it was prepared for, else the destination written on it.
    """
    return full_address(payout.account) or payout.destination
