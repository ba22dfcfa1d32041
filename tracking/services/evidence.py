"""Gathers what the fraud rules are to know of conversions and of each participant who may be credited."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from accounts.models import Workspace
from core.disposable import is_disposable
from programs.models import Customer, Participant
from programs.tombstones import digest_in
from tracking import fraud
from tracking.identifiers import address_hash, digest_of
from tracking.models import Conversion, Credit, FraudListEntry, Referral, Sighting, Touchpoint
from tracking.services.contacts import Contacts

HOUR = timedelta(hours=1)
REFUND_DAYS = 30
"""How far back a participant's refunds are counted: the cost must not grow with the years."""

WIDELY_SHARED = 10
"""From how many customers on a network address says nothing: an office, or a mobile carrier."""

_MOST_SHARED = 2_000
_STRONG = (Sighting.Kind.BROWSER, Sighting.Kind.DEVICE, Sighting.Kind.PAYMENT, Sighting.Kind.POSTAL)


@dataclass(frozen=True, slots=True)
class Suspect:
    """One participant's part in one conversion: the pair that is judged, and their touches, oldest first."""

    conversion: Conversion
    participant: Participant
    touches: Sequence[Touchpoint]


class Evidence:
    """What is known about some suspects, read in a fixed number of statements."""

    def __init__(
        self, workspace: Workspace, suspects: Sequence[Suspect], contacts: Contacts, at: datetime
    ) -> None:
        self._workspace = workspace
        self._contacts = contacts
        self._conversions = {each.conversion.pk: each.conversion for each in suspects}
        self._participants = {each.participant.pk: each.participant for each in suspects}
        self._referrers = {each.participant.customer_id for each in suspects}
        self._referees = {each.conversion.customer_id for each in suspects}
        self._seen = self._sightings()
        self._sharing = self._sharers()
        self._crowds = self._crowd_sizes()
        self._times = _Times(workspace, self._conversions.values(), suspects, self._seen)
        self._refunds = self._refund_counts()
        self._circles = self._circular()
        self._friends = self._other_friends()
        self._bought = self._earlier_buyers()
        self._twins = self._duplicates()
        self._lists = [
            _Entry(entry)
            for entry in FraudListEntry.objects.for_workspace(workspace)
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=at))
            .order_by("pk")
        ]

    def facts(self, suspect: Suspect) -> fraud.Facts:
        """Return what is known about one suspect."""
        conversion, participant = suspect.conversion, suspect.participant
        referee, referrer = conversion.customer, participant.customer
        touch = next((each for each in reversed(suspect.touches) if not each.refusal), None)
        clicked = [each.occurred_at for each in suspect.touches if each.click_id and not each.refusal]
        since = int((conversion.occurred_at - max(clicked)).total_seconds()) if clicked else None
        shared = self._shared(referrer.pk, referee.pk)
        times = self._times
        made, refunded = self._refunds.get(participant.pk, (0, 0))
        own = self._contacts.accounts[referee.pk].own
        addresses = (
            self._seen[referee.pk][Sighting.Kind.ADDRESS] & self._seen[referrer.pk][Sighting.Kind.ADDRESS]
        )
        return fraud.Facts(
            referrer=participant.public_id,
            referee=referee.public_id,
            same_customer=referrer.pk in own,
            referrer_mailbox=_mailbox(referrer),
            referee_mailbox=_mailbox(referee),
            referee_known_as=tuple(sorted(self._bought.get(conversion.pk, ()))),
            shared_devices=shared[Sighting.Kind.BROWSER] + shared[Sighting.Kind.DEVICE],
            shared_addresses=shared[Sighting.Kind.ADDRESS],
            shared_payments=shared[Sighting.Kind.PAYMENT],
            shared_postal=shared[Sighting.Kind.POSTAL],
            address_is_shared_widely=any(self._crowds[digest] >= WIDELY_SHARED for digest in addresses),
            participant_conversions_hour=times.of_participant(suspect),
            address_conversions_hour=times.of_digests(conversion, (Sighting.Kind.ADDRESS,)),
            device_conversions_hour=times.of_digests(
                conversion, (Sighting.Kind.BROWSER, Sighting.Kind.DEVICE)
            ),
            disposable_mail=bool(referee.mailbox) and is_disposable(referee.mailbox),
            seconds_to_conversion=since if since is not None and since >= 0 else None,
            refused_agent=self._agent_of(suspect),
            participant_conversions=made,
            participant_refunded=refunded,
            circular_with=self._circles.get((referee.pk, referrer.pk)),
            source_host=(touch.referrer_host or None) if touch else None,
            click_country=(touch.country or None) if touch else None,
            customer_country=referee.country or None,
            ring=self._ring(participant, referee),
            duplicate_of=self._twins.get(conversion.pk),
            listed_as=tuple(
                entry.shown for entry in self._lists if entry.matches(suspect, self._seen[referee.pk], touch)
            ),
        )

    def _sightings(self) -> dict[int, dict[str, set[str]]]:
        seen: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        rows = Sighting.objects.for_workspace(self._workspace).filter(
            customer__in=self._referrers | self._referees
        )
        for customer_id, kind, digest in rows.values_list("customer_id", "kind", "digest").distinct():
            seen[customer_id][kind].add(digest)
        return seen

    def _sharers(self) -> dict[int, set[int]]:
        """Return who else was seen with a strong identifier of each referee."""
        wanted: dict[str, set[int]] = defaultdict(set)
        for customer_id in self._referees:
            for kind in _STRONG:
                for digest in self._seen[customer_id][kind]:
                    wanted[digest].add(customer_id)
        sharing: dict[int, set[int]] = defaultdict(set)
        if not wanted:
            return sharing
        rows = Sighting.objects.for_workspace(self._workspace).filter(kind__in=_STRONG, digest__in=wanted)
        for customer_id, digest in rows.values_list("customer_id", "digest").distinct()[:_MOST_SHARED]:
            for referee in wanted[digest] - {customer_id}:
                sharing[referee].add(customer_id)
        return sharing

    def _crowd_sizes(self) -> Counter[str]:
        """Count the customers of the network addresses that referees have in common with a referrer."""
        kind = Sighting.Kind.ADDRESS
        known = {digest for pk in self._referrers for digest in self._seen[pk][kind]}
        common = known & {digest for pk in self._referees for digest in self._seen[pk][kind]}
        if not common:
            return Counter()
        rows = (
            Sighting.objects.for_workspace(self._workspace)
            .filter(kind=kind, digest__in=common)
            .order_by()
            .values_list("digest")
            .annotate(people=Count("customer_id", distinct=True))
        )
        return Counter(dict(rows))

    def _shared(self, referrer: int, referee: int) -> Counter[str]:
        if referrer == referee:
            return Counter()
        return Counter(
            {kind: len(digests & self._seen[referrer][kind]) for kind, digests in self._seen[referee].items()}
        )

    def _refund_counts(self) -> dict[int, tuple[int, int]]:
        latest = max(conversion.occurred_at for conversion in self._conversions.values())
        rows = (
            Credit.objects.for_workspace(self._workspace)
            .filter(
                participant__in=self._participants,
                occurred_at__gt=latest - timedelta(days=REFUND_DAYS),
                occurred_at__lte=latest,
                conversion__kind=Conversion.Kind.PURCHASE,
            )
            .order_by()
            .values_list("participant_id")
            .annotate(made=Count("pk"), back=Count("pk", filter=Q(conversion__refunded_minor__gt=0)))
        )
        return {participant_id: (made, back) for participant_id, made, back in rows}

    def _circular(self) -> dict[tuple[int, int], str]:
        """Return the referrals in which a referee, as a participant, brought a referrer."""
        rows = Referral.objects.for_workspace(self._workspace).filter(
            customer__in=self._referrers, participant__customer__in=self._referees
        )
        found = rows.exclude(status=Referral.Status.REJECTED).order_by("pk")
        return {
            (brought_by, customer): public_id
            for brought_by, customer, public_id in found.values_list(
                "participant__customer_id", "customer_id", "public_id"
            )
        }

    def _other_friends(self) -> dict[int, dict[int, str]]:
        """Return, of those who share an identifier with a referee, who are whose friends."""
        sharing = {customer for found in self._sharing.values() for customer in found}
        friends: dict[int, dict[int, str]] = defaultdict(dict)
        if sharing:
            rows = Referral.objects.for_workspace(self._workspace).filter(
                participant__in=self._participants, customer__in=sharing
            )
            for participant_id, customer_id, public_id in rows.values_list(
                "participant_id", "customer_id", "customer__public_id"
            ):
                friends[participant_id][customer_id] = public_id
        return friends

    def _ring(self, participant: Participant, referee: Customer) -> tuple[str, ...]:
        own = self._contacts.accounts[referee.pk].own
        friends = self._friends.get(participant.pk, {})
        return tuple(sorted(friends[pk] for pk in self._sharing[referee.pk] - own if pk in friends))

    def _earlier_buyers(self) -> dict[int, set[str]]:
        """Return, by conversion, the other customers with the same address who had converted before."""
        alike = {pk for referee in self._referees for pk in self._contacts.accounts[referee].alike}
        if not alike:
            return {}
        rows = Conversion.objects.for_workspace(self._workspace).filter(customer__in=alike)
        earliest: dict[int, datetime] = {}
        for customer_id, at in rows.exclude(status=Conversion.Status.REJECTED).values_list(
            "customer_id", "occurred_at"
        ):
            earliest[customer_id] = min(at, earliest.get(customer_id, at))
        return {
            conversion.pk: {
                self._contacts.people[pk].public_id
                for pk in self._contacts.accounts[conversion.customer_id].alike
                if pk in earliest and earliest[pk] < conversion.occurred_at
            }
            for conversion in self._conversions.values()
        }

    def _duplicates(self) -> dict[int, str]:
        """Return the conversion that stands already for an order which another source told too."""
        orders = [each for each in self._conversions.values() if each.kind == Conversion.Kind.PURCHASE]
        if not orders:
            return {}
        rows = (
            Conversion.objects.for_workspace(self._workspace)
            .filter(
                customer__in={order.customer_id for order in orders},
                kind=Conversion.Kind.PURCHASE,
                source_key__in={order.source_key for order in orders},
            )
            .exclude(status=Conversion.Status.REJECTED)
            .order_by("pk")
        )
        told = list(rows)
        return {
            order.pk: twin.public_id
            for order in orders
            for twin in reversed(told)
            if twin.pk < order.pk
            and (twin.customer_id, twin.source_key) == (order.customer_id, order.source_key)
            and (twin.amount_minor, twin.currency) == (order.amount_minor, order.currency)
            and twin.source != order.source
        }

    def _agent_of(self, suspect: Suspect) -> str | None:
        own = self._times.agents.get(suspect.conversion.pk)
        if own:
            return own
        refusals = {touch.refusal for touch in suspect.touches}
        if "datacentre" in refusals:
            return "data_centre"
        return "robot" if refusals & {"bot", "no_user_agent"} else None


class _Times:
    """When the participants at hand were credited, and when identifiers converted, around the conversions."""

    def __init__(
        self,
        workspace: Workspace,
        conversions: Collection[Conversion],
        suspects: Sequence[Suspect],
        seen: Mapping[int, Mapping[str, set[str]]],
    ) -> None:
        first = min(each.occurred_at for each in conversions) - HOUR
        last = max(each.occurred_at for each in conversions)
        self._credited: dict[int, dict[int, datetime]] = defaultdict(dict)
        credits = Credit.objects.for_workspace(workspace).filter(
            participant__in={each.participant.pk for each in suspects},
            occurred_at__gt=first,
            occurred_at__lte=last,
        )
        for participant_id, conversion_id, at in credits.values_list(
            "participant_id", "conversion_id", "occurred_at"
        ):
            self._credited[participant_id][conversion_id] = at
        for each in suspects:
            self._credited[each.participant.pk][each.conversion.pk] = each.conversion.occurred_at
        kinds = (Sighting.Kind.ADDRESS, Sighting.Kind.BROWSER, Sighting.Kind.DEVICE)
        customers = {each.customer_id for each in conversions}
        digests = {digest for pk in customers for kind in kinds for digest in seen[pk][kind]}
        self._sighted: dict[tuple[str, str], dict[int, datetime]] = defaultdict(dict)
        self._of: dict[int, set[tuple[str, str]]] = defaultdict(set)
        self.agents: dict[int, str] = {}
        rows = Sighting.objects.for_workspace(workspace).filter(
            Q(kind__in=kinds, digest__in=digests, at__gt=first, at__lte=last)
            | Q(kind=Sighting.Kind.AGENT, conversion__in=[each.pk for each in conversions]),
            conversion__isnull=False,
        )
        for kind, digest, conversion_id, at in rows.values_list("kind", "digest", "conversion_id", "at"):
            if kind == Sighting.Kind.AGENT:
                self.agents[conversion_id] = digest
            else:
                self._sighted[kind, digest][conversion_id] = at
                self._of[conversion_id].add((kind, digest))

    def of_participant(self, suspect: Suspect) -> int:
        """Count the participant's conversions within the hour up to this one."""
        return _within_an_hour(
            self._credited[suspect.participant.pk].values(), suspect.conversion.occurred_at
        )

    def of_digests(self, conversion: Conversion, kinds: Iterable[str]) -> int | None:
        """Count the conversions of the busiest of its identifiers within the hour; None where it has none."""
        wanted = [key for key in self._of[conversion.pk] if key[0] in kinds]
        counts = [
            _within_an_hour(self._sighted[key].values(), conversion.occurred_at) for key in sorted(wanted)
        ]
        return max(counts, default=None)


def _within_an_hour(times: Iterable[datetime], at: datetime) -> int:
    return sum(1 for each in times if at - HOUR < each <= at)


class _Entry:
    """An entry of the lists, ready to be compared."""

    def __init__(self, entry: FraudListEntry) -> None:
        self._entry = entry
        self._by_month: dict[tuple[int, int], frozenset[str]] = {}
        named = entry.kind in ("email", "address", "device", "customer")
        self.shown = (entry.mode, entry.kind, entry.public_id if named else entry.pattern)

    def matches(self, suspect: Suspect, seen: Mapping[str, set[str]], touch: Touchpoint | None) -> bool:
        """Tell whether the entry is about this suspect."""
        referee, pattern = suspect.conversion.customer, self._entry.pattern
        match self._entry.kind:
            case "email":
                return any(fraud.matches(pattern, text) for text in (referee.mailbox, referee.email) if text)
            case "domain":
                return any(
                    fraud.matches(pattern, text.rpartition("@")[2])
                    for text in (referee.mailbox, referee.email)
                    if text
                )
            case "customer":
                return bool(referee.external_id) and fraud.matches(pattern, referee.external_id or "")
            case "participant":
                return suspect.participant.public_id == pattern
            case "country":
                return pattern in (referee.country, touch.country if touch else "")
            case "source":
                return bool(touch and touch.referrer_host) and any(
                    fraud.source_matches(pattern, each.referrer_host)
                    for each in suspect.touches
                    if each.referrer_host
                )
            case "device":
                return digest_of("device", pattern) in seen[Sighting.Kind.DEVICE]
            case _:
                return bool(self._addresses(suspect) & seen[Sighting.Kind.ADDRESS])

    def _addresses(self, suspect: Suspect) -> frozenset[str]:
        """Return the digests the entry's addresses have in the months the customer was seen in."""
        times = [suspect.conversion.occurred_at, *(touch.occurred_at for touch in suspect.touches)]
        return frozenset().union(*(self._in_month(at) for at in times))

    def _in_month(self, at: datetime) -> frozenset[str]:
        key = (at.year, at.month)
        if key not in self._by_month:
            addresses = fraud.expand_address(self._entry.pattern)
            self._by_month[key] = frozenset(address_hash(address, at) for address in addresses)
        return self._by_month[key]


def _mailbox(customer: Customer) -> str | None:
    if not customer.mailbox:
        return None
    # What is left of an erased person's is that very digest.
    return digest_in(customer.mailbox) or digest_of("mailbox", customer.mailbox)
