"""Requests of links."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel, Workspace
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Link, Participant, Program


class ClickAgent(models.Model):
    """A browser, system and device that clicks came from: a dictionary for all workspaces, of nobody's."""

    browser = models.CharField(max_length=40)
    system = models.CharField(max_length=40)
    device = models.CharField(max_length=10)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["browser", "system", "device"], name="click_agent_once")
        ]

    def __str__(self) -> str:
        return f"{self.browser}, {self.system}"


class Click(TenantModel):
    """One request of a link. Every one is kept; `reason` names why one does not count (empty: it does).

    The table is split by month and checks no foreign keys: it takes thousands of rows a second, and old
    months are archived as a whole.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    public_id = PublicIdField(prefix="clk")
    link = TenantForeignKey(Link, related_name="clicks", tied=False)
    participant = TenantForeignKey(Participant, related_name="clicks", tied=False)
    program = TenantForeignKey(Program, related_name="clicks", tied=False)
    agent = models.ForeignKey(
        ClickAgent, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    visitor_id = models.CharField(max_length=40)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    counted = models.BooleanField()
    reason = models.CharField(max_length=30, blank=True, default="")
    channel = models.CharField(max_length=30)
    referrer_host = models.CharField(max_length=255, blank=True, default="")
    address_hash = models.CharField(max_length=32, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["workspace", "visitor_id", "occurred_at"], name="click_ws_visitor_idx"),
            models.Index(fields=["workspace", "link", "occurred_at"], name="click_ws_link_idx"),
            models.Index(fields=["workspace", "participant"], name="click_ws_participant_idx"),
            models.Index(fields=["workspace", "occurred_at"], name="click_ws_time_idx"),
        ]

    def __str__(self) -> str:
        return self.public_id


class ClickLoss(TenantModel):
    """Clicks that were answered and could not be stored anywhere: how many, and when."""

    clicks = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [models.Index(fields=["workspace", "-last_at"], name="click_loss_ws_idx")]

    def __str__(self) -> str:
        return f"{self.clicks} clicks lost until {self.last_at}"
