"""What engagement holds about an erased person: mails to them, mails that name them, sign-in links."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Workspace
from engagement.models import MagicLink, Message
from programs.models import Customer, Participant
from rewards.models import Adjustment, Payout, Redemption, Reward
from tracking.models import Referral

ERASED_TEXT: Final = "This text was deleted together with the person's data.\n"
NOT_SENT: Final = "Not sent: somebody it was to or about was erased before."
_BLANK: Final = {"subject": "(erased)", "text": ERASED_TEXT, "html": ""}
_BATCH: Final = 1_000


@transaction.atomic(savepoint=False)
def forget_customer(*, workspace: Workspace, customer: Customer) -> None:
    """Empty the mails to an erased person, address included, and those to others that may name them.

    That a mail went out, when and on which occasion stays. What was still waiting is not sent. Sign-in links
    are deleted. Repeating it changes nothing.
    """
    for about, to_them in (
        (_occasions_of(workspace, customer), True),
        (_occasions_with(workspace, customer), False),
    ):
        for start in range(0, len(about), _BATCH):
            rows = Message.objects.for_workspace(workspace).filter(about__in=about[start : start + _BATCH])
            # First, so that none of them is handed over emptied.
            rows.filter(state=Message.State.PENDING).update(
                state=Message.State.DEAD, leased_until=None, last_error=NOT_SENT
            )
            rows.update(**_BLANK, **({"to_email": ""} if to_them else {}))
    own = Participant.objects.for_workspace(workspace).filter(customer=customer)
    MagicLink.objects.for_workspace(workspace).filter(participant__in=own).delete()


def _occasions_of(workspace: Workspace, customer: Customer) -> list[str]:
    """Return the public ids of all that the person was written to about."""
    return [
        customer.public_id,
        *_ids(Participant.objects.for_workspace(workspace).filter(customer=customer)),
        *_ids(Referral.objects.for_workspace(workspace).filter(participant__customer=customer)),
        *_ids(Reward.objects.for_workspace(workspace).filter(customer=customer)),
        *_ids(Payout.objects.for_workspace(workspace).filter(customer=customer)),
        *_ids(Redemption.objects.for_workspace(workspace).filter(customer=customer)),
        *_ids(Adjustment.objects.for_workspace(workspace).filter(customer=customer)),
    ]


def _occasions_with(workspace: Workspace, customer: Customer) -> list[str]:
    """Return the public ids of what others were written to about and may have read the person's name in."""
    referrals = Referral.objects.for_workspace(workspace)
    brought = referrals.filter(participant__customer=customer).select_related("customer")
    rewards = Reward.objects.for_workspace(workspace).exclude(customer=customer)
    return [
        *_ids(referrals.filter(customer=customer)),
        # The welcome of a friend names who invited them.
        *brought.values_list("customer__public_id", flat=True),
        *_ids(rewards.filter(Q(referral__customer=customer) | Q(referral__participant__customer=customer))),
    ]


def _ids(rows: QuerySet[Any]) -> list[str]:
    return list(rows.order_by("pk").values_list("public_id", flat=True))
