"""Recording sign-ups, purchases and custom events: store the facts, decide, and tell, in one go.

Facts come in groups, each statement serving all of a group: what a fact costs is mostly the statements.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Q

from accounts.models import Workspace
from core import money
from core.errors import Conflict, DomainError, Invalid
from core.events import emit, together
from core.transactions import all_or_nothing
from programs.models import Customer, Participant, PromoCode
from tracking.identifiers import Traces, digest_of
from tracking.lines import Line, check_lines, cost_of
from tracking.models import Click, Conversion, Sighting, Touchpoint
from tracking.services.clicks import bind_visitors
from tracking.services.decisions import decide_conversions
from tracking.services.forgetting import unname_conversions, unnamed_key
from tracking.services.redecisions import redecide_late

MAX_METADATA = 10_000
NO_TRACES = Traces()


@dataclass(frozen=True, slots=True)
class ConversionFact:
    """What somebody says happened: who did what, worth how much, when, and how we heard of it.

    `amount_minor` is the net value in the minor unit of `currency`. The pair of source and source key names
    the fact. `at` is when we heard of it; a time of the event after that is taken as `at`. A source that
    edits its facts gives `source_modified_at`. `traces` tells of the browser, device and address it was done
    from, and what it was paid with, as far as the source knows. `token_of` are the participants whose
    referral token was shown, each with the time it was made. `cost_minor` is what all of it cost.
    """

    kind: str
    customer: Customer
    source: str
    source_key: str
    occurred_at: datetime
    at: datetime
    amount_minor: int = 0
    currency: str = ""
    click: Click | None = None
    promo_codes: Sequence[PromoCode] = ()
    event_name: str = ""
    metadata: Mapping[str, Any] | None = None
    source_modified_at: datetime | None = None
    traces: Traces = NO_TRACES
    token_of: Sequence[tuple[Participant, datetime]] = ()
    lines: Sequence[Line] = ()
    cost_minor: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes a second telling of the fact a repetition."""
        return self.kind, self.source, self.source_key

    @property
    def counted_with(self) -> tuple[int, str, str]:
        """Whose conversions of which sort it is numbered among.

        Custom events have nothing but their name in common: the first booking is no second visit.
        """
        name = self.event_name if self.kind == Conversion.Kind.CUSTOM else ""
        return self.customer.pk, self.kind, name


@dataclass(frozen=True, slots=True)
class RecordedConversion:
    """The conversion, and whether this call stored it (False: it was known already)."""

    conversion: Conversion
    created: bool


def record_conversion(*, workspace: Workspace, fact: ConversionFact) -> RecordedConversion:
    """Store a conversion once, decide who is credited, and emit `lead.created` or `conversion.created`.

    A repetition returns the stored conversion unchanged. The same key with another amount, currency or
    customer raises Conflict (`duplicate_order`), unless the source edits its facts. Raises Invalid naming the
    field.
    """
    recorded = record_conversions(workspace=workspace, facts=[fact])[0]
    if isinstance(recorded, DomainError):
        raise recorded
    return recorded


@all_or_nothing
def record_conversions(
    *, workspace: Workspace, facts: Sequence[ConversionFact]
) -> list[RecordedConversion | DomainError]:
    """Record many facts of a workspace as `record_conversion` would one after another.

    In some twenty statements however many there are, unless one person has several: their facts are recorded
    one after another. Answers in the order given; in the place of a fact that is refused stands the error,
    and nothing of it is stored.
    """
    results: dict[int, RecordedConversion | DomainError] = {}
    waiting: list[tuple[int, ConversionFact]] = []
    for place, fact in enumerate(facts):
        try:
            _validate(fact)
            waiting.append((place, fact))
        except DomainError as error:
            results[place] = error
    people = _locked(workspace, {fact.customer.pk for _, fact in waiting})
    for person in people.values():
        if person.erased_at is not None:
            unname_conversions(person)
    waiting = [(place, _unnamed(fact, people[fact.customer.pk])) for place, fact in waiting]
    with together():
        while waiting:
            wave, waiting = _wave(waiting)
            recorded = _record(workspace, [fact for _, fact in wave], people)
            results |= zip((place for place, _ in wave), recorded, strict=True)
    return [results[place] for place in range(len(facts))]


def _locked(workspace: Workspace, people: Iterable[int]) -> dict[int, Customer]:
    """Lock the customers: the conversions of one are numbered and decided one after another."""
    rows = Customer.objects.for_workspace(workspace).select_for_update(no_key=True).order_by("pk")
    return {customer.pk: customer for customer in rows.filter(pk__in=set(people))}


def _unnamed(fact: ConversionFact, person: Customer) -> ConversionFact:
    """Leave out of a fact what would tell who an erased person is; what it counts for stays."""
    if person.erased_at is None:
        return fact
    key = unnamed_key(fact.source_key, person)
    return replace(fact, customer=person, source_key=key, metadata=None, traces=NO_TRACES)


def _wave(
    waiting: Sequence[tuple[int, ConversionFact]],
) -> tuple[list[tuple[int, ConversionFact]], list[tuple[int, ConversionFact]]]:
    """Split off the first fact of each person and of each key; what is left depends on them."""
    people: set[int] = set()
    keys: set[tuple[str, str, str]] = set()
    wave: list[tuple[int, ConversionFact]] = []
    later: list[tuple[int, ConversionFact]] = []
    for item in waiting:
        fact = item[1]
        chosen = wave if fact.customer.pk not in people and fact.key not in keys else later
        chosen.append(item)
        people.add(fact.customer.pk)
        keys.add(fact.key)
    return wave, later


def _validate(fact: ConversionFact) -> None:
    if fact.kind not in Conversion.Kind.values:
        raise Invalid(f"{fact.kind!r} is not a kind of conversion.", param="kind")
    if not 1 <= len(fact.source_key) <= 255 or not fact.source_key.isprintable():
        raise Invalid("The key is 1 to 255 printable characters.", param="source_key")
    if not 0 <= fact.amount_minor <= money.MAX_MINOR:
        raise Invalid(f"The amount is 0 to {money.MAX_MINOR} minor units.", param="amount")
    priced = fact.currency or fact.amount_minor or fact.kind == Conversion.Kind.PURCHASE
    if priced and not money.is_currency(fact.currency):
        raise Invalid(f"{fact.currency!r} is not an ISO 4217 currency code.", param="currency")
    if len(fact.event_name) > 80 or not fact.event_name.isprintable():
        raise Invalid("The event's name is at most 80 printable characters.", param="event_name")
    if fact.kind == Conversion.Kind.CUSTOM and not fact.event_name:
        raise Invalid("A custom conversion needs the event's name.", param="event_name")
    if fact.metadata is not None and len(json.dumps(fact.metadata, default=str)) > MAX_METADATA:
        raise Invalid(f"Metadata is at most {MAX_METADATA} bytes of JSON.", param="metadata")
    check_lines(fact.lines, amount_minor=fact.amount_minor, cost_minor=fact.cost_minor)
    if fact.occurred_at.utcoffset() is None:
        raise Invalid("The time needs a time zone.", param="occurred_at")


def _record(
    workspace: Workspace, facts: Sequence[ConversionFact], people: Mapping[int, Customer]
) -> list[RecordedConversion | DomainError]:
    """Record facts of different people."""
    before, latest = _known_before(workspace, facts)
    stored = _stored(workspace, facts, before)
    results: list[RecordedConversion | DomainError] = []
    fresh: list[tuple[ConversionFact, Conversion]] = []
    for fact in facts:
        conversion, created = stored[fact.key]
        error = None if created else _difference(conversion, fact)
        results.append(error or RecordedConversion(conversion, created))
        # They are at hand, and would be read anew otherwise.
        conversion.workspace = workspace
        if conversion.customer_id == fact.customer.pk:
            conversion.customer = people[fact.customer.pk]
        if created:
            fresh.append((fact, conversion))
    bound = bind_visitors(
        found=[(each.customer, fact.click) for fact, each in fresh if fact.click is not None]
    )
    _use_codes(fresh)
    _note_traces(fresh)
    decide_conversions(workspace=workspace, due=[(each, fact.at) for fact, each in fresh])
    _put_in_order(workspace, fresh, bound.since, latest)
    for fact, each in fresh:
        kind = "lead.created" if fact.kind == Conversion.Kind.SIGNUP else "conversion.created"
        emit(kind, at=fact.at, conversion=each.public_id, customer=each.customer.public_id)
    return results


def _stored(
    workspace: Workspace, facts: Sequence[ConversionFact], before: Counter[tuple[int, str, str]]
) -> dict[tuple[str, str, str], tuple[Conversion, bool]]:
    """Store what is not known yet; returns each fact's conversion, locked, and whether it is new."""
    wanted = [
        Conversion(
            workspace=workspace,
            kind=fact.kind,
            event_name=fact.event_name,
            customer=fact.customer,
            source=fact.source,
            source_key=fact.source_key,
            amount_minor=fact.amount_minor,
            currency=fact.currency,
            cost_minor=cost_of(fact.lines) if fact.cost_minor is None else fact.cost_minor,
            lines=[line.document for line in fact.lines],
            metadata=_exact(fact.metadata or {}),
            sequence=before[fact.counted_with] + 1,
            source_modified_at=fact.source_modified_at,
            occurred_at=min(fact.occurred_at, fact.at),
            received_at=fact.at,
            reporting_minor=fact.amount_minor if fact.currency == workspace.currency else None,
            reporting_currency=fact.currency if fact.currency == workspace.currency else "",
        )
        # In one order everywhere, so that two who tell the same facts do not wait for each other.
        for fact in sorted(facts, key=lambda fact: fact.key)
    ]
    # Known ones are left alone, those included that come in elsewhere at this very moment.
    Conversion.objects.bulk_create(wanted, ignore_conflicts=True)
    new = {conversion.public_id for conversion in wanted}
    return {
        (row.kind, row.source, row.source_key): (row, row.public_id in new)
        for row in Conversion.objects.for_workspace(workspace)
        .select_for_update(no_key=True)
        .filter(_any_key(facts))
        .order_by("pk")
    }


def _any_key(facts: Iterable[ConversionFact]) -> Q:
    keys = defaultdict(list)
    for fact in facts:
        keys[fact.kind, fact.source].append(fact.source_key)
    found = Q()
    for (kind, source), source_keys in keys.items():
        found |= Q(kind=kind, source=source, source_key__in=source_keys)
    return found


def _known_before(
    workspace: Workspace, facts: Iterable[ConversionFact]
) -> tuple[Counter[tuple[int, str, str]], dict[int, datetime]]:
    """Count what each fact is numbered among, and find each customer's latest conversion.

    What was rejected does not count.
    """
    rows = (
        Conversion.objects.for_workspace(workspace)
        .filter(customer__in={fact.customer.pk for fact in facts})
        .exclude(status=Conversion.Status.REJECTED)
        .order_by()
        .values_list("customer_id", "kind", "event_name")
        .annotate(times=Count("pk"), latest=Max("occurred_at"))
    )
    before: Counter[tuple[int, str, str]] = Counter()
    latest: dict[int, datetime] = {}
    for customer_id, kind, event_name, times, at in rows:
        before[customer_id, kind, event_name if kind == Conversion.Kind.CUSTOM else ""] += times
        latest[customer_id] = max(at, latest.get(customer_id, at))
    return before, latest


def _put_in_order(
    workspace: Workspace,
    fresh: Sequence[tuple[ConversionFact, Conversion]],
    bound: Mapping[int, datetime],
    latest: Mapping[int, datetime],
) -> None:
    """Decide anew what lies after facts that came too late for it."""
    since: dict[int, datetime] = {}
    for _, conversion in fresh:
        customer_id = conversion.customer_id
        earliest = min(conversion.occurred_at, bound.get(customer_id, conversion.occurred_at))
        if customer_id in latest and latest[customer_id] > earliest:
            since[customer_id] = earliest
    if since:
        redecide_late(
            workspace=workspace,
            since=since,
            apart={conversion.pk for _, conversion in fresh},
            cause="Something that happened before it became known after it.",
            at=max(fact.at for fact, _ in fresh),
        )


def _note_traces(fresh: Iterable[tuple[ConversionFact, Conversion]]) -> None:
    """Keep the identifiers a conversion came with, those of the click included, as keyed hashes."""
    rows = []
    for fact, conversion in fresh:
        if conversion.customer.erased_at is not None:
            continue
        seen = {(kind, digest) for kind, digest in fact.traces.digests(conversion.occurred_at).items()}
        if fact.click is not None:
            seen.add((Sighting.Kind.BROWSER, digest_of("browser", fact.click.visitor_id)))
            if fact.click.address_hash:
                seen.add((Sighting.Kind.ADDRESS, fact.click.address_hash))
        rows += [
            Sighting(
                workspace_id=conversion.workspace_id,
                customer_id=conversion.customer_id,
                kind=kind,
                digest=digest,
                conversion=conversion,
                at=conversion.occurred_at,
            )
            for kind, digest in sorted(seen)
        ]
    Sighting.objects.bulk_create(rows, ignore_conflicts=True)


def _exact(value: Any) -> Any:
    """Return metadata as JSON can keep it: numbers with a fraction become text, so that none is rounded."""
    if isinstance(value, Mapping):
        return {str(key): _exact(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(inner) for inner in value]
    return str(value) if isinstance(value, Decimal) else value


def _difference(known: Conversion, fact: ConversionFact) -> Conflict | None:
    """Return the refusal of a fact that was told before in another way."""
    if fact.source_modified_at is not None:
        return None
    for field, before, now in (
        ("customer", known.customer_id, fact.customer.pk),
        ("amount", known.amount_minor, fact.amount_minor),
        ("currency", known.currency, fact.currency),
    ):
        if before != now:
            return Conflict(
                f"{known.source_key} was recorded before with another {field}.",
                code="duplicate_order",
                param=field,
                details={"conversion": known.public_id},
            )
    return None


def _use_codes(fresh: Iterable[tuple[ConversionFact, Conversion]]) -> None:
    """Keep the codes typed at a conversion, and the referral tokens shown with it, as contacts."""
    touches = []
    for fact, conversion in fresh:
        touches += [
            _claim(
                conversion,
                code.participant,
                kind=Touchpoint.Kind.CODE,
                promo_code=code,
                conversion=conversion,
                occurred_at=conversion.occurred_at,
            )
            for code in fact.promo_codes
        ]
        touches += [
            _claim(
                conversion,
                participant,
                kind=Touchpoint.Kind.TOKEN,
                occurred_at=min(made, conversion.occurred_at),
            )
            for participant, made in fact.token_of
        ]
    Touchpoint.objects.bulk_create(touches, ignore_conflicts=True)


def _claim(about: Conversion, participant: Participant, *, kind: str, **more: Any) -> Touchpoint:
    return Touchpoint(
        workspace_id=about.workspace_id,
        kind=kind,
        program_id=participant.program_id,
        participant_id=participant.pk,
        customer_id=about.customer_id,
        channel=kind,
        **more,
    )
