"""What rewards hold about an erased person. Rewards, transfers and balances stay as they are."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Workspace
from programs.models import Customer
from rewards.models import Payout, PayoutAccount, TaxDetails


@transaction.atomic(savepoint=False)
def forget_customer(*, workspace: Workspace, customer: Customer) -> int:
    """Delete where an erased person's payouts went, and what was said of those that failed.

    The payout accounts go. Of the tax details name and number go; country, form and state stay, which the
    yearly totals need. Amounts, states and the bank's references stay: the books must add up and can be
    checked with the bank. Returns how many payouts there were; repeating it changes nothing.
    """
    accounts = PayoutAccount.objects.for_workspace(workspace).filter(customer=customer)
    Payout.objects.for_workspace(workspace).filter(account__in=accounts).update(account=None)
    accounts.delete()
    TaxDetails.objects.for_workspace(workspace).filter(customer=customer).update(
        legal_name="", sealed_number="", number_end="", note=""
    )
    payouts = Payout.objects.for_workspace(workspace).filter(customer=customer)
    return int(payouts.exclude(destination="", failure="").update(destination="", failure=""))
