"""A workspace's rules about adjustments, and where its own system hears of rewards it has to give."""

from __future__ import annotations

from typing import Any

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import DomainError, Invalid
from core.http import OutboundRefused, check_url
from core.money import MAX_MINOR
from core.outbound import outbound_policy
from core.text import clean_line
from core.transactions import all_or_nothing
from rewards.models import MoneySettings


@all_or_nothing
def update_money_rules(
    *, workspace: Workspace, adjustment_limit_minor: int, give_url: str, actor: Actor
) -> MoneySettings:
    """Set up to which amount one person adjusts alone, and the address of the own system, or none.

    The same changes nothing. Raises Invalid naming `adjustment_limit_minor` or `give_url`.
    """
    if not 0 <= adjustment_limit_minor <= MAX_MINOR:
        raise Invalid("This is a whole number from 0.", code="out_of_range", param="adjustment_limit_minor")
    url = clean_line(give_url, param="give_url", longest=2000)
    if url:
        try:
            check_url(url, policy=outbound_policy())
        except (OutboundRefused, DomainError) as error:
            raise Invalid(error.message, code="bad_url", param="give_url") from None
    MoneySettings.objects.bulk_create([MoneySettings(workspace=workspace)], ignore_conflicts=True)
    row = MoneySettings.objects.for_workspace(workspace).select_for_update(no_key=True).get()
    before = _shown(row)
    row.adjustment_limit_minor, row.give_url = adjustment_limit_minor, url
    if _shown(row) != before:
        row.save(update_fields=["adjustment_limit_minor", "give_url"])
        record_audit(
            workspace=workspace,
            actor=actor,
            action="money_settings.updated",
            subject=workspace.public_id,
            before=before,
            after=_shown(row),
        )
    return row


def _shown(row: MoneySettings) -> dict[str, Any]:
    return {"adjustment_limit_minor": row.adjustment_limit_minor, "give_url": row.give_url}
