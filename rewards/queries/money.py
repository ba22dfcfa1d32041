"""A workspace's own rules about money."""

from __future__ import annotations

from accounts.models import Workspace
from rewards.models import MoneySettings


def money_settings(workspace: Workspace) -> MoneySettings:
    """Return a workspace's rules about money; an unsaved row with the usual ones where it has none."""
    found = MoneySettings.objects.for_workspace(workspace).first()
    return found or MoneySettings(workspace=workspace)
