"""What has been made so far while the demo's story is played, by the story's own numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import Workspace
from accounts.services import Actor
from integrations.models import Connection
from programs import services as program_services
from programs.models import Customer, Link, Participant, Program, PromoCode
from referral_platform.demo import cases, cast
from referral_platform.demo.scenes import Buy, SignUp
from rewards.models import PayoutBatch
from tracking import services as tracking_services
from tracking.models import Click, Conversion


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sign-up or a purchase that is yet to be recorded, and when it was."""

    action: SignUp | Buy
    at: datetime


@dataclass(slots=True)
class Stage:
    """The workspace, its people, and everything the scenes to come refer to."""

    workspace: Workspace
    olga: Actor
    finn: Actor
    began: datetime
    programs: dict[str, Program] = field(default_factory=dict)
    links: dict[int, Link] = field(default_factory=dict)
    customers: dict[int, Customer] = field(default_factory=dict)
    clicks: dict[int, Click] = field(default_factory=dict)
    visits: dict[int, tracking_services.LinkRequest] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    codes: dict[int, PromoCode] = field(default_factory=dict)
    orders: dict[int, tuple[Buy, Conversion]] = field(default_factory=dict)
    connection: Connection | None = None
    batch: PayoutBatch | None = None

    def customer(self, person: int, at: datetime, country: str = "DE") -> Customer:
        """Return the person with this number as a customer, known by the shop's own id."""
        if person not in self.customers:
            self.identify([(person, at, country)])
        return self.customers[person]

    def identify(self, people_seen: Iterable[tuple[int, datetime, str]]) -> None:
        """Make customers of the people who are none yet; with each come when and in which country."""
        first: dict[int, tuple[datetime, str]] = {}
        for person, at, country in people_seen:
            if person not in self.customers:
                first.setdefault(person, (at, country))
        people = [
            program_services.Person(
                at=at,
                external_id=f"lumen-{person}",
                email=cases.EMAILS.get(person) or cast.address(person),
                name=cast.full_name(person),
                country=cases.COUNTRIES.get(person, country),
                attributes={"account": "home" if person % cast.CAFES else "cafe"},
            )
            for person, (at, country) in first.items()
        ]
        customers = program_services.identify_customers(workspace=self.workspace, people=people)
        self.customers.update(zip(first, customers, strict=True))

    def click(self, key: int) -> Click:
        """Return the click that a visit became."""
        if key not in self.clicks:
            self.store_visits()
        return self.clicks[key]

    def store_visits(self) -> None:
        """Store the visits that were kept back."""
        clicks = tracking_services.record_clicks(requests=list(self.visits.values()))
        self.clicks.update(zip(self.visits, clicks, strict=True))
        self.visits.clear()

    def as_stored(self, participant: Participant) -> Participant:
        """Read a participant and their program again."""
        rows = Participant.objects.for_workspace(self.workspace).select_related("program")
        stored: Participant = rows.get(pk=participant.pk)
        return stored

    def link_of(self, participant: Participant) -> Link:
        """Return a participant's first link with all that a click needs."""
        link: Link = (
            Link.objects.for_workspace(self.workspace).filter(participant=participant).order_by("pk")[0]
        )
        link.participant = participant
        return link
