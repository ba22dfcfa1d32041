"""Who hands over what: the connection that was chosen for a kind, the oldest that can, or a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from accounts.models import Workspace
from core.errors import Invalid
from rewards.models import Fulfilment, MoneySettings, Reward
from rewards.queries.giving import PERSON, deliverers_of

ROUTED: Final = (Reward.Kind.DISCOUNT, Reward.Kind.PRODUCT, Reward.Kind.GIFT_CARD, Reward.Kind.CUSTOM)
"""The kinds that somebody else may hand over."""


def routes_of(workspace: Workspace) -> dict[str, str]:
    """Return who hands over which kind: a connection's public id, or "" for the workspace's own system.

    A kind is missing where a person does it: nobody else can, or it was chosen so, or the connection that
    was chosen is gone.
    """
    settings = MoneySettings.objects.for_workspace(workspace).first()
    chosen = settings.deliverers if settings is not None else {}
    routes: dict[str, str] = {}
    for kind, able in deliverers_of(workspace).items():
        wanted = chosen.get(kind) or able[0][0]
        if any(public_id == wanted for public_id, _ in able):
            routes[kind] = wanted
    if settings is not None and settings.give_url:
        routes[Fulfilment.Kind.CUSTOM.value] = ""
    return routes


def checked_deliverers(workspace: Workspace, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return a choice without its empty parts; raises Invalid (`unknown_deliverer`) naming `deliverers`."""
    able = deliverers_of(workspace)
    chosen = {kind: who for kind, who in wanted.items() if who}
    for kind, who in chosen.items():
        if who != PERSON and who not in {public_id for public_id, _ in able.get(kind, ())}:
            raise Invalid(
                f"No connection {who[:40]} hands over the kind {kind[:20]}.",
                code="unknown_deliverer",
                param="deliverers",
            )
        if who == PERSON and kind not in ROUTED:
            raise Invalid(f"There is no kind {kind[:20]}.", code="unknown_deliverer", param="deliverers")
    return dict(sorted(chosen.items()))
