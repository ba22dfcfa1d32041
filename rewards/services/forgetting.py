"""What rewards hold about an erased person. Rewards, transfers and balances stay as they are."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Workspace
from programs.models import Customer
from rewards.models import Payout


@transaction.atomic(savepoint=False)
def forget_customer(*, workspace: Workspace, customer: Customer) -> int:
    """Delete where an erased person's payouts went, and what was said of those that failed.

    Amounts, states and the bank's references stay: the books must add up and can be checked with the bank.
    Returns how many payouts there were; repeating it changes nothing.
    """
    payouts = Payout.objects.for_workspace(workspace).filter(customer=customer)
    return int(payouts.exclude(destination="", failure="").update(destination="", failure=""))
