"""What payout providers add to the ways of being paid: whether one is offered, and where it begins."""

from __future__ import annotations

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock
from integrations.payout_queries import payout_connection_for
from integrations.services.payout_accounts import stripe_link
from rewards.models import PayoutAccount
from rewards.onboarding import Onboarding


def stripe_offered(workspace: Workspace) -> bool:
    """Tell whether somebody can open an account of their own at the workspace's Stripe platform."""
    return payout_connection_for(workspace, "stripe") is not None


def stripe_onboarding(onboarding: Onboarding) -> str:
    """Return where at Stripe the person goes on; empty for an account of another kind."""
    account = onboarding.account
    if account.method != PayoutAccount.Method.STRIPE:
        return ""
    return stripe_link(
        workspace=account.workspace,
        customer=account.customer,
        country=account.customer.country,
        return_url=onboarding.return_url,
        # A link that was used up leads back to the page that gives the next one.
        refresh_url=onboarding.return_url,
        actor=SYSTEM,
        real=clock.now(),
        at=onboarding.at,
    )
