"""Facts written down by hand: clicks, credited conversions, refunds and rewards at chosen instants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import User, Workspace
from core.tenancy import tenant
from programs.models import Customer, Link, Participant, Program, ProgramVersion
from rewards.models import Reward, RewardChange
from tests import factories
from tests.conftest import make_workspace
from tracking.models import Attribution, Click, Conversion, Credit, Referral, Refund, Touchpoint
from tracking.services.decisions import decide_conversions


def instant(text: str) -> datetime:
    """Return an instant written as `2026-03-29 22:30` in UTC."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


@pytest.fixture
def workspace(owner: User) -> Iterator[Workspace]:
    """A workspace that counts its days in Berlin."""
    made = make_workspace(owner)
    with tenant(made):
        Workspace.objects.for_workspace(made).update(time_zone="Europe/Berlin")
        made.time_zone = "Europe/Berlin"
        yield made


class Facts:
    """Writes facts into one workspace, with as many participants as are asked for."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.links: dict[int, Link] = {}

    def program(self, name: str = "Refer a friend", **fields: Any) -> Program:
        """Make an active program."""
        return factories.ProgramFactory.create(workspace=self.workspace, name=name, **fields)

    def participant(self, program: Program, enrolled: str = "2026-01-01 12:00") -> Participant:
        """Enrol somebody, with a link."""
        made = factories.ParticipantFactory.create(
            workspace=self.workspace, program=program, enrolled_at=instant(enrolled)
        )
        self.links[made.pk] = factories.LinkFactory.create(
            workspace=self.workspace, participant=made, code=f"code-{made.pk}"
        )
        return made

    def click(self, participant: Participant, at: str, *, visitor: str = "vis_a", reason: str = "") -> Click:
        """Store a click; with a reason it does not count."""
        return Click.objects.create(
            workspace=self.workspace,
            link=self.links[participant.pk],
            participant=participant,
            program_id=participant.program_id,
            visitor_id=visitor,
            occurred_at=instant(at),
            received_at=instant(at),
            counted=not reason,
            reason=reason,
            channel="link",
        )

    def conversion(
        self,
        at: str,
        *participants: Participant,
        kind: str = "purchase",
        amount: int = 10_000,
        currency: str = "EUR",
        **fields: Any,
    ) -> Conversion:
        """Store a conversion that the programs of these participants credit, each to its participant."""
        money = {"amount_minor": amount, "currency": currency} if kind != "signup" else {}
        made: Conversion = factories.ConversionFactory.create(
            workspace=self.workspace,
            kind=kind,
            occurred_at=instant(at),
            received_at=instant(at),
            **{"amount_minor": 0, "currency": "", **money, **fields},
        )
        for participant in participants:
            self.credit(made, participant)
        return made

    def decide(self, conversion: Conversion, program: Program, **fields: Any) -> Attribution:
        """Store a program's decision about a conversion, crediting nobody."""
        version = ProgramVersion.objects.for_workspace(self.workspace).get(program=program)
        return Attribution.objects.create(
            workspace=self.workspace,
            conversion=conversion,
            program=program,
            version=version,
            decided_at=conversion.occurred_at,
            **{
                "model": "last_click",
                "reason": "last_click",
                "inputs": {},
                "result": {},
                "digest": "",
                **fields,
            },
        )

    def credit(self, conversion: Conversion, participant: Participant) -> Credit:
        """Credit a conversion to a participant, by a decision of the participant's program."""
        decision = Attribution.objects.for_workspace(self.workspace).filter(
            conversion=conversion, program_id=participant.program_id
        ).first() or self.decide(conversion, participant.program)
        referral, _ = Referral.objects.for_workspace(self.workspace).get_or_create(
            workspace=self.workspace,
            program_id=participant.program_id,
            participant=participant,
            customer_id=conversion.customer_id,
            defaults={"status": "started", "started_at": conversion.occurred_at},
        )
        return Credit.objects.create(
            workspace=self.workspace,
            attribution=decision,
            conversion=conversion,
            participant=participant,
            referral=referral,
            weight_ppm=1_000_000,
            amount_minor=conversion.amount_minor,
            currency=conversion.currency,
            confidence="certain",
            occurred_at=conversion.occurred_at,
        )

    def touch(
        self, participant: Participant, customer: Customer, at: str, channel: str = "email"
    ) -> Touchpoint:
        """Store a contact of a customer with a participant, as a click that counted leaves it."""
        return Touchpoint.objects.create(
            workspace=self.workspace,
            kind=Touchpoint.Kind.CLICK,
            program_id=participant.program_id,
            participant=participant,
            customer=customer,
            channel=channel,
            occurred_at=instant(at),
        )

    def decided(self, customer: Customer, at: str, **fields: Any) -> Conversion:
        """Store a conversion and have every program that the customer had contact with decide it."""
        made = self.conversion(at, customer=customer, **fields)
        decide_conversions(workspace=self.workspace, due=[(made, instant(at))])
        return made

    def refund(self, conversion: Conversion, at: str, amount: int) -> Refund:
        """Give some of a conversion back."""
        count = Refund.objects.for_workspace(self.workspace).filter(conversion=conversion).count()
        return Refund.objects.create(
            workspace=self.workspace,
            conversion=conversion,
            source_key=f"refund-{count + 1}",
            amount_minor=amount,
            occurred_at=instant(at),
            received_at=instant(at),
        )

    def reward(self, credit: Credit, unit: str, *steps: tuple[str, str, int], reason: str = "") -> Reward:
        """Store a reward that went through these steps: (instant, status, what it moved)."""
        first, last = steps[0], steps[-1]
        made = Reward.objects.create(
            workspace=self.workspace,
            program_id=credit.participant.program_id,
            version=credit.attribution.version,
            conversion=credit.conversion,
            referral=credit.referral,
            side="referrer",
            customer_id=credit.participant.customer_id,
            participant=credit.participant,
            rule_key=f"rule-{unit}",
            kind="points" if unit == "PTS" else "cash",
            unit=unit,
            base_minor=0,
            amount_minor=first[2],
            status=last[1],
            reason=reason,
            available_at=instant(first[0]),
            created_at=instant(first[0]),
        )
        before = ""
        for at, after, amount in steps:
            RewardChange.objects.create(
                workspace=self.workspace,
                reward=made,
                before=before,
                after=after,
                actor="system",
                amount_minor=amount,
                at=instant(at),
            )
            before = after
        return made


@pytest.fixture
def facts(workspace: Workspace) -> Facts:
    """Write facts into the workspace."""
    return Facts(workspace)


@pytest.fixture
def facts_in() -> Callable[[Workspace], Facts]:
    """Write facts into any workspace: `with tenant(other): facts_in(other)`."""
    return Facts
