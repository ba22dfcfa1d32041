"""Who had contact with customers: their accounts, touches, referrals, and the participants these name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import Workspace
from programs import queries as program_queries
from programs.models import Customer, Participant, Program, ProgramVersion
from programs.tombstones import spellings, tombstone
from tracking.models import Conversion, Touchpoint
from tracking.services.referrals import ReferralBook


@dataclass(frozen=True, slots=True)
class Accounts:
    """One person's customers: those merged with each other, those matched by a verified e-mail address, and
    those that merely give the same address.
    """

    own: frozenset[int]
    matched: frozenset[int]
    alike: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        """Those whose touches and referrals count."""
        return self.own | self.matched


@dataclass(slots=True)
class Contacts:
    """What decisions about some conversions are made from, read in a fixed number of statements."""

    accounts: dict[int, Accounts]
    people: dict[int, Customer]
    touches: dict[int, list[Touchpoint]]
    referrals: ReferralBook
    participants: dict[int, Participant]
    versions: dict[int, ProgramVersion]

    def touches_before(self, conversion: Conversion) -> dict[int, list[Touchpoint]]:
        """Return the touches of the conversion's customer, with those of their other accounts, by program."""
        found: dict[int, list[Touchpoint]] = defaultdict(list)
        for account in sorted(self.accounts[conversion.customer_id].all):
            for touch in self.touches.get(account, ()):
                # A code typed at one checkout is a claim on that order, not on the others.
                if touch.conversion_id in (None, conversion.pk):
                    found[touch.program_id].append(touch)
        return found

    def is_matched(self, conversion: Conversion, touch: Touchpoint) -> bool:
        """Tell whether a touch is of an account known by its e-mail address alone."""
        return touch.customer_id not in self.accounts[conversion.customer_id].own


def contacts_of(workspace: Workspace, conversions: Collection[Conversion]) -> Contacts:
    """Read the contacts of these conversions' customers, who are locked."""
    customers = {conversion.customer_id: conversion.customer for conversion in conversions}
    accounts, people = _accounts(workspace, customers)
    wanted = {account for each in accounts.values() for account in each.all}
    touches: dict[int, list[Touchpoint]] = defaultdict(list)
    # Read one after another: Postgres takes longer to plan a join of guarded tables than to run all of them.
    for touch in Touchpoint.objects.for_workspace(workspace).filter(customer__in=wanted):
        touches[touch.customer_id].append(touch)
    referrals = ReferralBook(workspace, {pk: each.all for pk, each in accounts.items()})
    ids = {touch.participant_id for found in touches.values() for touch in found} | referrals.participants
    participants: dict[int, Participant] = {}
    versions: dict[int, ProgramVersion] = {}
    if ids:
        rows = Participant.objects.for_workspace(workspace).select_related("customer")
        participants = {row.pk: row for row in rows.filter(pk__in=ids)}
        programs = Program.objects.for_workspace(workspace).in_bulk(
            {row.program_id for row in participants.values()}
        )
        for row in participants.values():
            row.program = programs[row.program_id]
        versions = program_queries.live_versions(workspace, programs.values())
    return Contacts(accounts, people, touches, referrals, participants, versions)


def _accounts(
    workspace: Workspace, customers: dict[int, Customer]
) -> tuple[dict[int, Accounts], dict[int, Customer]]:
    """Return each customer's accounts, and all customers these are."""
    roots = {pk: customer.same_person_id or pk for pk, customer in customers.items()}
    mailboxes = {customer.mailbox for customer in customers.values() if customer.mailbox}
    wanted = Q(same_person__in=set(roots.values())) | Q(pk__in=set(roots.values()))
    if mailboxes:
        wanted |= Q(mailbox__in=spellings("mailbox", mailboxes))
    others = Customer.objects.for_workspace(workspace).filter(wanted).exclude(pk__in=customers)
    people = {customer.pk: customer for customer in [*others.order_by("pk"), *customers.values()]}
    by_root, by_mailbox = defaultdict(set), defaultdict(set)
    for pk, customer in people.items():
        by_root[customer.same_person_id or pk].add(pk)
        if customer.mailbox:
            by_mailbox[tombstone("mailbox", customer.mailbox)].add(pk)
    found = {}
    for pk, customer in customers.items():
        own = frozenset(by_root[roots[pk]])
        alike = (
            frozenset(by_mailbox[tombstone("mailbox", customer.mailbox)] if customer.mailbox else ()) - own
        )
        found[pk] = Accounts(own, _verified(alike, people), alike)
    return found, people


def _verified(accounts: Iterable[int], people: dict[int, Customer]) -> frozenset[int]:
    """Return those who proved that the address is theirs: anybody can type somebody else's at a sign-up."""
    return frozenset(pk for pk in accounts if people[pk].email_verified_at is not None)
