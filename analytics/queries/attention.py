"""What the overview asks a person to look at, and how far a new workspace has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, JSONField, OuterRef, Q, QuerySet, Subquery

from accounts.models import ApiKey, Workspace
from core.models import EventDelivery
from engagement.models import Message
from integrations.models import Connection, InboxItem, WebhookDelivery, WebhookEndpoint
from programs.models import Participant, Program, ProgramVersion
from rewards.models import PayoutBatch, Reward
from tracking.models import Click


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that waits for a person: a code, how many there are, and where the list of them is.

    `url_name` and `query` address the list.
    """

    code: str
    label: str
    count: int
    url_name: str
    query: str = ""


def matters(workspace: Workspace, *, at: datetime) -> list[Matter]:
    """Return what needs attention at the workspace's time, money first; only what there is."""
    rewards = Reward.objects.for_workspace(workspace)
    ready = rewards.filter(status=Reward.Status.PENDING, available_at__lte=at)
    # Where rewards approve themselves, the scheduled job takes them within seconds.
    by_hand = ready.filter(version__terms__approval="manual", version__workspace_id=workspace.pk)
    programs = Program.objects.for_workspace(workspace)
    deliveries = WebhookDelivery.objects.for_workspace(workspace)
    inbox = InboxItem.objects.for_workspace(workspace)
    aside = Q(state=InboxItem.State.DEAD) | Q(outcome=InboxItem.Outcome.SET_ASIDE)
    asked: list[tuple[str, tuple[str, str], QuerySet[Any], str, str]] = [
        (
            "rewards_held",
            ("reward held for a look", "rewards held for a look"),
            rewards.filter(status="held"),
            "reward_list",
            "status=held",
        ),
        (
            "rewards_to_approve",
            ("reward to approve", "rewards to approve"),
            by_hand,
            "reward_list",
            "status=pending",
        ),
        (
            "batches_to_approve",
            ("payout batch waiting for a second person", "payout batches waiting for a second person"),
            PayoutBatch.objects.for_workspace(workspace).filter(status=PayoutBatch.Status.DRAFT),
            "batch_list",
            "status=draft",
        ),
        (
            "messages_failed",
            ("e-mail that could not be sent", "e-mails that could not be sent"),
            Message.objects.for_workspace(workspace).filter(state=Message.State.DEAD),
            "message_list",
            "state=dead",
        ),
        (
            "inbox_stuck",
            ("message from a shop set aside or failed", "messages from shops set aside or failed"),
            inbox.filter(aside),
            "connection_list",
            "",
        ),
        (
            "webhooks_failed",
            ("webhook given up", "webhooks given up"),
            deliveries.filter(state=WebhookDelivery.State.DEAD),
            "webhook_list",
            "",
        ),
        (
            "webhooks_disabled",
            ("webhook endpoint switched off", "webhook endpoints switched off"),
            WebhookEndpoint.objects.for_workspace(workspace).filter(status=WebhookEndpoint.Status.DISABLED),
            "webhook_list",
            "",
        ),
        (
            "events_failed",
            ("event that was not processed", "events that were not processed"),
            EventDelivery.objects.for_workspace(workspace).filter(state=EventDelivery.State.DEAD),
            "event_log",
            "standing=failed",
        ),
        (
            "drafts",
            ("program with unpublished changes", "programs with unpublished changes"),
            _unpublished(workspace, programs),
            "program_list",
            "",
        ),
        (
            "programs_paused",
            ("program paused", "programs paused"),
            programs.filter(status=Program.Status.PAUSED),
            "program_list",
            "",
        ),
    ]
    found = []
    for code, (one, many), rows, url_name, query in asked:
        count = rows.count()
        if count:
            found.append(Matter(code, one if count == 1 else many, count, url_name, query))
    return found


def _unpublished(workspace: Workspace, programs: QuerySet[Program]) -> QuerySet[Program]:
    """Keep the drafts, and the live programs whose draft differs from the live version."""
    live = ProgramVersion.objects.for_workspace(workspace).filter(
        program_id=OuterRef("pk"), number=OuterRef("live_version")
    )
    return (
        programs.exclude(status=Program.Status.ENDED)
        .annotate(live_terms=Subquery(live.values("terms")[:1], output_field=JSONField()))
        .filter(Q(status=Program.Status.DRAFT) | ~Q(draft=F("live_terms")))
    )


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first steps of a new workspace, each done or not."""

    program: bool
    published: bool
    participant: bool
    connected: bool
    clicked: bool

    @property
    def done(self) -> int:
        """How many of the steps are done."""
        return sum((self.program, self.published, self.participant, self.connected, self.clicked))

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.done == 5


def beginning(workspace: Workspace) -> Beginning:
    """Return how far the workspace has come, in one statement."""
    programs = Program.objects.for_workspace(workspace)
    row = (
        Workspace.objects.for_workspace(workspace)
        .annotate(
            program=Exists(programs),
            published=Exists(programs.filter(live_version__isnull=False)),
            participant=Exists(Participant.objects.for_workspace(workspace)),
            connection=Exists(Connection.objects.for_workspace(workspace)),
            key=Exists(ApiKey.objects.for_workspace(workspace)),
            clicked=Exists(Click.objects.for_workspace(workspace)),
        )
        .values("program", "published", "participant", "connection", "key", "clicked")
        .get()
    )
    return Beginning(
        program=row["program"],
        published=row["published"],
        participant=row["participant"],
        connected=row["connection"] or row["key"],
        clicked=row["clicked"],
    )
