"""What rewards hold about one person."""

from __future__ import annotations

from typing import Any

from programs.models import Customer
from rewards.models import Account, Adjustment, Payout, Reward
from rewards.queries.destinations import open_details, payout_accounts_of
from rewards.queries.tax import open_number, tax_details_of


def held_about(customer: Customer) -> dict[str, Any]:
    """Return a person's rewards, balances and payouts as JSON values; amounts in minor units.

    With them go the payout accounts and tax details in full, and what was adjusted by hand.
    """
    workspace = customer.workspace
    rewards = Reward.objects.for_workspace(workspace).filter(customer=customer).order_by("pk")
    accounts = Account.objects.for_workspace(workspace).filter(customer=customer).order_by("pk")
    accounts_to = payout_accounts_of(customer)
    taxed = tax_details_of(customer)
    adjustments = Adjustment.objects.for_workspace(workspace).filter(customer=customer).order_by("pk")
    payouts = Payout.objects.for_workspace(workspace).filter(customer=customer).order_by("pk")
    return {
        "rewards": [
            {
                "id": reward.public_id,
                "kind": reward.kind,
                "side": reward.side,
                "status": reward.status,
                "amount_minor": reward.amount_minor,
                "reversed_minor": reward.reversed_minor,
                "unit": reward.unit,
                "fulfilment": reward.fulfilment,
                "created_at": reward.created_at.isoformat(),
            }
            for reward in rewards
        ],
        "balances": [
            {"kind": account.kind, "unit": account.unit, "balance_minor": account.balance_minor}
            for account in accounts
        ],
        "payouts": [
            {
                "id": payout.public_id,
                "status": payout.status,
                "amount_minor": payout.amount_minor,
                "currency": payout.currency,
                "destination": payout.destination,
                "reference": payout.provider_reference,
                "settled_at": payout.settled_at and payout.settled_at.isoformat(),
            }
            for payout in payouts
        ],
        "payout_accounts": [
            {
                "id": account.public_id,
                "method": account.method,
                "status": account.status,
                "note": account.note,
                "details": open_details(account),
                "chosen_at": account.chosen_at.isoformat(),
            }
            for account in accounts_to
        ],
        "tax_details": taxed
        and {
            "id": taxed.public_id,
            "country": taxed.country,
            "legal_name": taxed.legal_name,
            "form": taxed.form,
            "number": open_number(taxed),
            "status": taxed.status,
            "note": taxed.note,
            "submitted_at": taxed.submitted_at.isoformat(),
        },
        "adjustments": [
            {
                "id": each.public_id,
                "place": each.place,
                "unit": each.unit,
                "amount_minor": each.amount_minor,
                "reason": each.reason,
                "status": each.status,
                "created_at": each.created_at.isoformat(),
            }
            for each in adjustments
        ],
    }
