"""Payout accounts that are set up at the provider: the provider's part of the answer, given from above.

An app that knows the provider adds two functions to the table of answer parts, each under the method's name:
`payout_methods` tells of a workspace whether it offers the method, `payout_onboarding` of an `Onboarding`
returns the address at the provider where the person goes on, and notes the result with
`rewards.services.note_onboarding`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Workspace
from core.answers import parts_of
from core.errors import Conflict
from rewards.models import PayoutAccount


@dataclass(frozen=True, slots=True)
class Onboarding:
    """An account that is being set up, and where the provider sends the person back to."""

    account: PayoutAccount
    return_url: str
    at: datetime


def is_offered(workspace: Workspace, method: str) -> bool:
    """Tell whether somebody can set up an account of this method at its provider."""
    return bool(parts_of("payout_methods", workspace).get(method))


def onboarding_address(onboarding: Onboarding) -> str:
    """Return where at the provider the person goes on. Raises Conflict (`not_offered`)."""
    address = parts_of("payout_onboarding", onboarding).get(onboarding.account.method)
    if not address:
        raise Conflict(
            "This way of being paid cannot be set up here now.", code="not_offered", param="method"
        )
    return str(address)
