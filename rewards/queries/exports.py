"""What rewards hold about one person."""

from __future__ import annotations

from typing import Any

from programs.models import Customer
from rewards.models import Account, Payout, Reward


def held_about(customer: Customer) -> dict[str, Any]:
    """Return a person's rewards, balances and payouts as JSON values; amounts in minor units."""
    workspace = customer.workspace
    rewards = Reward.objects.for_workspace(workspace).filter(customer=customer).order_by("pk")
    accounts = Account.objects.for_workspace(workspace).filter(customer=customer).order_by("pk")
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
    }
