"""What the overview asks a person to look at, and how far a new workspace has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import (
    Count,
    Exists,
    F,
    IntegerField,
    JSONField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Coalesce

from accounts.models import ApiKey, Workspace
from core.compiled import CompiledQuery
from core.models import EventDelivery
from engagement.models import Message
from integrations.models import Connection, InboxItem, WebhookDelivery, WebhookEndpoint
from programs.models import Participant, Program, ProgramVersion
from rewards.models import Adjustment, BooksCheck, Fulfilment, PayoutBatch, Reward, TaxDetails
from rewards.queries import due_for_a_person
from tracking.models import Appeal, Click, FraudCase


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that waits for a person: a code, how many there are, and where the list of them is.

    `url_name` and `query` address the list; `icon` is the name of a picture.
    """

    code: str
    label: str
    count: int
    url_name: str
    query: str = ""
    icon: str = "alert-circle"


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


@dataclass(frozen=True, slots=True)
class Standing:
    """How a workspace stands now: its first steps, and what waits for a person, money first."""

    beginning: Beginning
    matters: tuple[Matter, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    code: str
    icon: str
    one: str
    many: str
    rows: Callable[[int, datetime], QuerySet[Any]]
    url_name: str
    query: str = ""


def standing(workspace: Workspace, *, at: datetime) -> Standing:
    """Return how the workspace stands at its time, all of it counted in one statement."""
    [row] = _STANDING.rows(workspace_id=workspace.pk, at=at)
    return Standing(
        beginning=Beginning(
            program=row["program"],
            published=row["published"],
            participant=row["participant"],
            connected=row["connection"] or row["api_key"],
            clicked=row["clicked"],
        ),
        matters=tuple(
            Matter(
                code=question.code,
                label=question.one if row[question.code] == 1 else question.many,
                count=row[question.code],
                url_name=question.url_name,
                query=question.query,
                icon=question.icon,
            )
            for question in _QUESTIONS
            if row[question.code]
        ),
    )


def _standing(workspace: int, at: datetime) -> QuerySet[Any]:
    programs = Program.objects.for_workspace(workspace)
    rows: QuerySet[Any] = (
        Workspace.objects.for_workspace(workspace)
        .annotate(
            program=Exists(programs),
            published=Exists(programs.filter(live_version__isnull=False)),
            participant=Exists(Participant.objects.for_workspace(workspace)),
            connection=Exists(Connection.objects.for_workspace(workspace)),
            api_key=Exists(ApiKey.objects.for_workspace(workspace)),
            clicked=Exists(Click.objects.for_workspace(workspace)),
            **{question.code: _number_of(question.rows(workspace, at)) for question in _QUESTIONS},
        )
        .values(
            "program",
            "published",
            "participant",
            "connection",
            "api_key",
            "clicked",
            *(question.code for question in _QUESTIONS),
        )
    )
    return rows


_STANDING: Final = CompiledQuery(_standing)


def _number_of(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("workspace_id").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _rewards_to_approve(workspace: int, at: datetime) -> QuerySet[Any]:
    # Where rewards approve themselves, the scheduled job takes them within seconds.
    rows: QuerySet[Any] = due_for_a_person(workspace, at=at)
    return rows


def _books_off(workspace: int, at: datetime) -> QuerySet[Any]:
    """Find the newest finished check of the books where it found something."""
    done = BooksCheck.objects.for_workspace(workspace).filter(state=BooksCheck.State.DONE)
    newest = done.order_by("-pk").values("pk")[:1]
    return BooksCheck.objects.for_workspace(workspace).filter(differing__gt=0, pk=Subquery(newest))


def _inbox_stuck(workspace: int, at: datetime) -> QuerySet[Any]:
    return InboxItem.objects.for_workspace(workspace).filter(
        Q(state=InboxItem.State.DEAD) | Q(outcome=InboxItem.Outcome.SET_ASIDE)
    )


def _rows_that(model: Any, **conditions: Any) -> Callable[[int, datetime], QuerySet[Any]]:
    """Return what finds a workspace's rows with these values."""

    def rows(workspace: int, at: datetime) -> QuerySet[Any]:
        found: QuerySet[Any] = model.objects.for_workspace(workspace).filter(**conditions)
        return found

    return rows


def _unpublished(workspace: int, at: datetime) -> QuerySet[Any]:
    """Keep the drafts, and the live programs whose draft differs from the live version."""
    live = ProgramVersion.objects.for_workspace(workspace).filter(
        program_id=OuterRef("pk"), number=OuterRef("live_version")
    )
    return (
        Program.objects.for_workspace(workspace)
        .exclude(status=Program.Status.ENDED)
        .annotate(live_terms=Subquery(live.values("terms")[:1], output_field=JSONField()))
        .filter(Q(status=Program.Status.DRAFT) | ~Q(draft=F("live_terms")))
    )


_QUESTIONS: Final = (
    _Question(
        "books_differ",
        icon="scale",
        one="check of the books found a difference",
        many="checks of the books found differences",
        rows=_books_off,
        url_name="books",
    ),
    _Question(
        "fraud_cases",
        icon="shield-search",
        one="fraud case to look at",
        many="fraud cases to look at",
        rows=_rows_that(FraudCase, status=FraudCase.Status.OPEN),
        url_name="fraud_queue",
    ),
    _Question(
        "rewards_held",
        icon="shield-exclamation",
        one="reward held for want of an exchange rate",
        many="rewards held for want of an exchange rate",
        # What a doubt holds is behind its case, and what a check holds waits for somebody else.
        rows=_rows_that(Reward, status=Reward.Status.HELD, reason="currency_differs"),
        url_name="reward_list",
        query="status=held&reason=currency_differs",
    ),
    _Question(
        "rewards_to_approve",
        icon="gift",
        one="reward to approve",
        many="rewards to approve",
        rows=_rewards_to_approve,
        url_name="reward_list",
        query="waits_for=person",
    ),
    _Question(
        "fulfilments_failed",
        icon="package",
        one="reward that could not be handed over",
        many="rewards that could not be handed over",
        rows=_rows_that(Fulfilment, status=Fulfilment.Status.FAILED),
        url_name="fulfilment_list",
        query="status=failed",
    ),
    _Question(
        "fulfilments_kept",
        icon="package",
        one="reward that is over, but could not be taken back",
        many="rewards that are over, but could not be taken back",
        rows=_rows_that(Fulfilment, status=Fulfilment.Status.KEPT),
        url_name="fulfilment_list",
        query="status=kept",
    ),
    _Question(
        "fulfilments_to_do",
        icon="package",
        one="reward to hand over",
        many="rewards to hand over",
        rows=_rows_that(Fulfilment, status=Fulfilment.Status.TODO),
        url_name="fulfilment_list",
        query="status=todo",
    ),
    _Question(
        "appeals_open",
        icon="lifebuoy",
        one="participant asks to have something looked at",
        many="participants ask to have something looked at",
        rows=_rows_that(Appeal, status=Appeal.Status.OPEN),
        url_name="appeal_list",
        query="status=open",
    ),
    _Question(
        "batches_to_approve",
        icon="wallet",
        one="payout batch waiting for a second person",
        many="payout batches waiting for a second person",
        rows=_rows_that(PayoutBatch, status=PayoutBatch.Status.DRAFT),
        url_name="batch_list",
        query="status=draft",
    ),
    _Question(
        "adjustments_waiting",
        icon="adjustments",
        one="adjustment waiting for a second person",
        many="adjustments waiting for a second person",
        rows=_rows_that(Adjustment, status=Adjustment.Status.WAITING),
        url_name="adjustment_list",
        query="status=waiting",
    ),
    _Question(
        "tax_to_verify",
        icon="file-certificate",
        one="person's tax details to look at",
        many="people's tax details to look at",
        rows=_rows_that(TaxDetails, status=TaxDetails.Status.SUBMITTED),
        url_name="tax_list",
        query="status=submitted",
    ),
    _Question(
        "messages_failed",
        icon="mail-exclamation",
        one="e-mail that could not be sent",
        many="e-mails that could not be sent",
        rows=_rows_that(Message, state=Message.State.DEAD),
        url_name="message_list",
        query="state=dead",
    ),
    _Question(
        "inbox_stuck",
        icon="inbox",
        one="message from a shop set aside or failed",
        many="messages from shops set aside or failed",
        rows=_inbox_stuck,
        url_name="connection_list",
    ),
    _Question(
        "webhooks_failed",
        icon="webhook",
        one="webhook given up",
        many="webhooks given up",
        rows=_rows_that(WebhookDelivery, state=WebhookDelivery.State.DEAD),
        url_name="webhook_list",
    ),
    _Question(
        "webhooks_disabled",
        icon="plug-x",
        one="webhook endpoint switched off",
        many="webhook endpoints switched off",
        rows=_rows_that(WebhookEndpoint, status=WebhookEndpoint.Status.DISABLED),
        url_name="webhook_list",
    ),
    _Question(
        "events_failed",
        icon="bolt-off",
        one="event that was not processed",
        many="events that were not processed",
        rows=_rows_that(EventDelivery, state=EventDelivery.State.DEAD),
        url_name="event_log",
        query="standing=failed",
    ),
    _Question(
        "drafts",
        icon="pencil",
        one="program with unpublished changes",
        many="programs with unpublished changes",
        rows=_unpublished,
        url_name="program_list",
    ),
    _Question(
        "programs_paused",
        icon="player-pause",
        one="program paused",
        many="programs paused",
        rows=_rows_that(Program, status=Program.Status.PAUSED),
        url_name="program_list",
    ),
)
