"""What conditions ask for, read for many conversions at once and only as far as a program asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Workspace
from programs.conditions import Facts
from programs.models import Customer
from programs.utm import filled_utm
from rewards.exchange import Rate, convert
from rewards.queries.circumstances import (
    Purchase,
    codes_used_on,
    contacts_of,
    friends_before,
    links_of_contacts,
    purchases_by,
)
from rewards.queries.rates import rates_for
from tracking.models import CODES_USED, Attribution, Conversion, Credit, Touchpoint

_REVENUE = "customer.revenue_minor"
_OF_LINK = frozenset({"source.utm_source", "source.campaign"})


@dataclass(frozen=True, slots=True)
class Part:
    """One credited participant's part in a conversion, under one program's decision."""

    fact: Conversion
    decision: Attribution
    credit: Credit


@dataclass(frozen=True, slots=True)
class Worth:
    """An order's value in the program's `currency`; None without an order, or while it waits for a rate."""

    currency: str
    order_minor: int | None
    waits: bool = False


class Circumstances:
    """The facts about some conversions' credits; each kind is read once, when it is first asked for.

    However many there are, they take a constant number of statements.
    """

    def __init__(self, workspace: Workspace, parts: Sequence[Part]) -> None:
        self._workspace, self._parts = workspace, parts
        self._found: dict[tuple[int, frozenset[str]], Facts] = {}
        self._rates_into: dict[str, Mapping[tuple[str, str, date], Rate | None]] = {}

    def facts(self, part: Part, asked: frozenset[str], *, worth: Worth, new_customer: bool | None) -> Facts:
        """Return what is known of the facts that are asked for."""
        key = (part.credit.pk, asked)
        if key not in self._found:
            self._found[key] = self._gathered(part, asked, worth, new_customer)
        return self._found[key]

    def _gathered(self, part: Part, asked: frozenset[str], worth: Worth, new_customer: bool | None) -> Facts:
        customer, waiting = part.fact.customer, set()
        lines, partial = _of_lines(part.fact)
        known: dict[str, Any] = {
            "customer.country": customer.country or None,
            "customer.is_new": new_customer,
            "order.amount_minor": worth.order_minor,
            **_attributes("customer", customer),
            **lines,
        }
        if worth.waits:
            waiting.add("order.amount_minor")
        if "order.coupons" in asked:
            known["order.coupons"] = self._coupons(part.fact)
        if asked & {"customer.purchases", _REVENUE}:
            known["customer.purchases"], known[_REVENUE] = self._earlier(part.fact, worth.currency)
            if known[_REVENUE] is None:
                waiting.add(_REVENUE)
        if any(name.startswith("source.") for name in asked):
            known |= self._source(part, asked)
        if any(name.startswith("referrer.") for name in asked):
            known |= self._referrer(part, asked)
        return Facts({name: known[name] for name in asked & known.keys()}, partial, frozenset(waiting))

    def _coupons(self, fact: Conversion) -> tuple[str, ...]:
        told = fact.metadata.get(CODES_USED)
        # What a page says of itself proves nothing.
        if not isinstance(told, list) or fact.metadata.get("reported_by") == "page":
            told = []
        return tuple(dict.fromkeys([*map(str, told), *self._codes.get(fact.pk, ())]))

    def _earlier(self, fact: Conversion, currency: str) -> tuple[int, int | None]:
        """Count the purchases before a conversion, and add them up: None where a rate is missing."""
        before = [
            each
            for each in self._purchases.get(fact.customer_id, ())
            if (each.occurred_at, each.pk) < (fact.occurred_at, fact.pk)
        ]
        amounts = [self._in_currency(each, currency) for each in before]
        known = [amount for amount in amounts if amount is not None]
        return len(before), sum(known) if len(known) == len(amounts) else None

    def _in_currency(self, purchase: Purchase, currency: str) -> int | None:
        if purchase.currency == currency:
            return purchase.net_minor
        if currency not in self._rates_into:
            pairs = {
                (each.currency, currency, each.occurred_at.date())
                for rows in self._purchases.values()
                for each in rows
                if each.currency != currency
            }
            self._rates_into[currency] = rates_for(self._workspace, pairs)
        rate = self._rates_into[currency][purchase.currency, currency, purchase.occurred_at.date()]
        return None if rate is None else convert(purchase.net_minor, purchase.currency, currency, rate)

    def _source(self, part: Part, asked: frozenset[str]) -> dict[str, Any]:
        """Return how the friend came: the last contact credited, else the last before the referral."""
        referral = part.credit.referral
        touch_id, kind, channel = self._contact(part)
        found = {"source.kind": kind or None, "source.channel": channel or referral.channel or None}
        link = self._links.get(touch_id) if asked & _OF_LINK else None
        if link is not None:
            filled = filled_utm(link["utm"], code=link["code"], channel=channel, campaign=link["campaign"])
            found["source.utm_source"] = filled.get("utm_source")
            found["source.campaign"] = link["campaign"] or None
        return found

    def _contact(self, part: Part) -> tuple[str, str, str]:
        """Return public id, kind and channel of a contact; nothing where there is none."""
        credited = self._credited_contact(part)
        if credited is not None:
            return credited["id"], credited["kind"], credited["channel"]
        mine = self._contacts.get((part.fact.customer_id, part.credit.participant_id), ())
        earlier = [touch for touch in mine if touch.occurred_at <= part.credit.referral.started_at]
        return (earlier[-1].public_id, earlier[-1].kind, earlier[-1].channel) if earlier else ("", "", "")

    def _referrer(self, part: Part, asked: frozenset[str]) -> dict[str, Any]:
        participant = part.credit.participant
        zone = ZoneInfo(self._workspace.time_zone)
        day = participant.enrolled_at.astimezone(zone).date()
        found: dict[str, Any] = {"referrer.enrolled_on": day.isoformat()}
        if "referrer.friends" in asked:
            found["referrer.friends"] = self._friends[part.credit.pk]
        if any(name.startswith(("referrer.country", "referrer.attributes.")) for name in asked):
            person = self.referrer(part)
            found |= {"referrer.country": person.country or None, **_attributes("referrer", person)}
        return found

    def referrer(self, part: Part) -> Customer:
        """Return the credited participant as a person."""
        return self._referrers[part.credit.participant.customer_id]

    @cached_property
    def _codes(self) -> Mapping[int, Sequence[str]]:
        return codes_used_on(self._workspace, {part.fact.pk for part in self._parts})

    @cached_property
    def _purchases(self) -> Mapping[int, Sequence[Purchase]]:
        return purchases_by(self._workspace, {part.fact.customer_id for part in self._parts})

    @cached_property
    def _friends(self) -> Mapping[int, int]:
        return friends_before(self._workspace, [part.credit.pk for part in self._parts])

    @cached_property
    def _referrers(self) -> Mapping[int, Customer]:
        found: dict[int, Customer] = Customer.objects.for_workspace(self._workspace).in_bulk(
            {part.credit.participant.customer_id for part in self._parts}
        )
        return found

    def _credited_contact(self, part: Part) -> Mapping[str, Any] | None:
        """Return the last contact that a stored decision credits a participant for."""
        mine = part.credit.participant.public_id
        inputs, result = self._documents[part.decision.pk]
        credits = [each for each in result.get("credits", ()) if each["participant"] == mine]
        ids = [touch for each in credits for touch in each["touch_ids"]]
        touches = {touch["id"]: touch for touch in inputs.get("touches", ())}
        return touches.get(ids[-1]) if ids else None

    @cached_property
    def _documents(self) -> Mapping[int, tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """What the decisions were made from and what they say; long, so they are not read without need."""
        rows = Attribution.objects.for_workspace(self._workspace).filter(
            pk__in={part.decision.pk for part in self._parts}
        )
        return {pk: (inputs, result) for pk, inputs, result in rows.values_list("pk", "inputs", "result")}

    @cached_property
    def _contacts(self) -> Mapping[tuple[int, int], Sequence[Touchpoint]]:
        bound = [part for part in self._parts if self._credited_contact(part) is None]
        return contacts_of(
            self._workspace,
            {part.fact.customer_id for part in bound},
            {part.credit.participant_id for part in bound},
        )

    @cached_property
    def _links(self) -> Mapping[str, Mapping[str, Any]]:
        ids = {self._contact(part)[0] for part in self._parts} - {""}
        return links_of_contacts(self._workspace, ids)


def _attributes(whose: str, person: Customer) -> dict[str, Any]:
    return {f"{whose}.attributes.{key}": value for key, value in person.attributes.items()}


def _of_lines(fact: Conversion) -> tuple[dict[str, Any], frozenset[str]]:
    """Return what an order's lines tell, and which of it some lines leave open; nothing without lines."""
    if not fact.lines:
        return {}, frozenset()
    known: dict[str, Any] = {"order.quantity": sum(int(line.get("quantity", 1)) for line in fact.lines)}
    partial = set()
    for name, key in (("order.skus", "sku"), ("order.categories", "category")):
        texts = [str(line.get(key) or "") for line in fact.lines]
        known[name] = tuple(dict.fromkeys(text for text in texts if text)) or None
        if "" in texts:
            partial.add(name)
    return known, frozenset(partial)
