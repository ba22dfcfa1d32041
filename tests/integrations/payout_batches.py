"""Approved batches to be paid through providers' fakes, with their money set aside in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.models import Workspace
from accounts.services import SYSTEM
from integrations.models import Connection, PayoutRun
from integrations.services.payout_connections import connect_provider
from rewards.models import Account, Payout, PayoutBatch
from rewards.services.ledger import Movement, Place, post
from tests.conftest import AT
from tests.contracts.fakes import paypal, stripe, tremendous
from tests.contracts.fakes.server import Vendor
from tests.factories import CustomerFactory, UserFactory


def open_to(settings: Any, *vendors: Vendor) -> None:
    """Let outbound calls reach these vendors on loopback."""
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    settings.OUTBOUND_ALLOW_PORTS = [vendor.server_port for vendor in vendors]


def connected_to(workspace: Workspace, vendor: Vendor) -> Connection:
    """Return a connection with the keys that open a vendor's fake."""
    given: dict[str, Any] = {"provider": vendor.contract, "environment": "live", "webhook_secret": "WH1"}
    if isinstance(vendor, paypal.PayPal):
        given |= {"key": paypal.CLIENT, "secret": paypal.SECRET}
    elif isinstance(vendor, stripe.Stripe):
        given |= {"secret": stripe.KEY}
    else:
        options = {"funding_source_id": tremendous.FUNDING, "campaign_id": "CAMP1"}
        given |= {"secret": tremendous.KEY, "options": options}
    made = connect_provider(workspace=workspace, name=vendor.contract.title(), **given, actor=SYSTEM, at=AT)
    Connection.objects.for_workspace(workspace).filter(pk=made.pk).update(shop_url=vendor.url)
    made.refresh_from_db()
    return made


def batch_of(
    workspace: Workspace,
    method: str,
    recipients: Sequence[str],
    *,
    amount_minor: int = 1000,
    currency: str = "USD",
    approved: bool = True,
    connection: Connection | None = None,
) -> PayoutBatch:
    """Return a batch that pays the same amount to each of these addresses or accounts."""
    batch = PayoutBatch.objects.create(
        workspace=workspace,
        currency=currency,
        method=method,
        connection=connection.public_id if connection else "",
        total_minor=amount_minor * len(recipients),
        payout_count=len(recipients),
        created_by=UserFactory.create(),
        created_at=AT,
    )
    if approved:
        batch.approved_by, batch.approved_at = UserFactory.create(), AT
        batch.status = PayoutBatch.Status.APPROVED
        batch.save()
    payouts = Payout.objects.bulk_create(
        Payout(
            workspace=workspace,
            batch=batch,
            customer=CustomerFactory.create(workspace=workspace),
            amount_minor=amount_minor,
            currency=currency,
            destination=recipient,
        )
        for recipient in recipients
    )
    post(
        workspace=workspace,
        movements=[
            movement
            for payout in payouts
            for movement in (
                Movement(
                    key=f"test:{payout.public_id}",
                    debit=Place(Account.Kind.EXPENSE, currency),
                    credit=Place(Account.Kind.PAYABLE, currency, payout.customer_id),
                    amount_minor=amount_minor,
                    memo="earned",
                ),
                Movement(
                    key=f"payout:{payout.public_id}:prepare",
                    debit=Place(Account.Kind.PAYABLE, currency, payout.customer_id),
                    credit=Place(Account.Kind.IN_TRANSIT, currency, payout.customer_id),
                    amount_minor=amount_minor,
                    memo="set aside",
                    payout=payout,
                ),
            )
        ],
        at=AT,
    )
    return batch


def payouts(batch: PayoutBatch) -> list[Payout]:
    """Return a batch's payouts in order."""
    return list(Payout.objects.for_workspace(batch.workspace_id).filter(batch=batch).order_by("pk"))


def standings(batch: PayoutBatch) -> list[str]:
    """Return how each payout of a batch stands, in order."""
    return [payout.status for payout in payouts(batch)]


def run_of(batch: PayoutBatch) -> PayoutRun:
    """Return a batch's only run."""
    found: PayoutRun = PayoutRun.objects.for_workspace(batch.workspace_id).get(batch_id=batch.public_id)
    return found


def due_now(workspace: Workspace) -> None:
    """Let the runs' waits and leases be over."""
    PayoutRun.objects.for_workspace(workspace).update(due_at=AT, leased_until=None)


def emails(count: int, *, bad: dict[int, str] | None = None) -> list[str]:
    """Return this many addresses; `bad` ones, by number from 1, begin with a word that the fakes know."""
    return [f"{(bad or {}).get(n, 'person')}{n}@example.com" for n in range(1, count + 1)]
