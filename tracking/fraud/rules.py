"""The rules, each a function of facts and settings: why it exists, and what innocent thing it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tracking.fraud.facts import Facts, FraudSettings, Signal
from tracking.fraud.lists import source_matches

# More ids in one finding are no more evidence.
_MOST_NAMED = 10
# These name nobody; patterns of other kinds of entries may.
_SHOWN_KINDS: Final = frozenset({"domain", "source", "country", "participant"})
_AGENTS: Final = {"robot": "a robot", "data_centre": "a program in a data centre"}


def same_customer(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a referrer who is the buyer: a program rewards bringing others.

    Nothing innocent looks like this; a person who tries out an own link loses only that reward.
    """
    if not facts.same_customer:
        return None
    sentence = "The referrer and the referred customer are the same customer."
    return _signal("same_customer", settings, sentence, *_both(facts))


def same_mailbox(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find two e-mail addresses that reach the same mailbox: the usual way to become one's own friend.

    A couple may share a mailbox; the allow list is for them.
    """
    if not facts.referrer_mailbox or facts.referrer_mailbox != facts.referee_mailbox:
        return None
    sentence = "The referrer's and the referred customer's e-mail addresses reach the same mailbox."
    return _signal("same_mailbox", settings, sentence, *_both(facts))


def duplicate_order(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find an order that another conversion stands for: it would be paid twice.

    A shop that is connected in two ways reports each order twice; the first report keeps its reward.
    """
    if not facts.duplicate_of:
        return None
    sentence = "Another conversion already stands for this order."
    return _signal("duplicate_order", settings, sentence, ("conversion", facts.duplicate_of))


def known_person(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a friend who bought before as another customer: programs pay for new people.

    Shops give a guest a new id at each checkout, and people forget that they have an account.
    """
    if not facts.referee_known_as:
        return None
    sentence = f"The referred customer bought before as {_count(facts.referee_known_as, 'other customer')}."
    return _signal("known_person", settings, sentence, ("customers", _listed(facts.referee_known_as)))


def same_device(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a referrer and a customer on one device or browser: one person in two roles.

    Families share a tablet, and a friend may buy on the referrer's own phone.
    """
    if facts.shared_devices < 1:
        return None
    sentence = "The referrer and the referred customer used the same device or browser."
    return _signal("same_device", settings, sentence, *_both(facts), ("devices", str(facts.shared_devices)))


def same_payment(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a referrer and a customer who paid by the same means: the money comes from one person.

    Couples share a card, and a parent pays for a child.
    """
    if facts.shared_payments < 1:
        return None
    sentence = "The referrer and the referred customer paid by the same card or account."
    return _signal(
        "same_payment", settings, sentence, *_both(facts), ("payments", str(facts.shared_payments))
    )


def same_postal(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a shared postal address: goods for one person under two names.

    Families, shared flats, halls of residence and parcel shops have one address; alone it holds nothing.
    """
    if facts.shared_postal < 1:
        return None
    sentence = "The referrer and the referred customer use the same postal address."
    return _signal("same_postal", settings, sentence, *_both(facts), ("addresses", str(facts.shared_postal)))


def same_ip(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a shared network address: evidence beside other findings.

    Every household has one, so by default it holds nothing by itself; an office or a mobile carrier has one
    for many, and then it weighs nothing.
    """
    if facts.shared_addresses < 1:
        return None
    evidence = (*_both(facts), ("addresses", str(facts.shared_addresses)))
    if facts.address_is_shared_widely:
        sentence = "They used the same network address, one that many customers use; it counts nothing."
        found = _signal("same_ip", settings, sentence, *evidence, ("used_by_many", "yes"))
        return Signal(found.rule, 0, found.sentence, found.evidence, found.shadow)
    sentence = "The referrer and the referred customer used the same network address."
    return _signal("same_ip", settings, sentence, *evidence)


def velocity_participant(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a participant who brings more buyers in an hour than people do: made-up customers come in rows.

    A newsletter, a video or a stand at a fair brings many at once too.
    """
    return _velocity(
        "velocity_participant",
        settings,
        "The participant brought",
        facts.participant_conversions_hour,
        settings.participant_per_hour,
    )


def velocity_address(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a network address with many conversions in an hour: one machine that plays many buyers.

    Offices, schools and mobile carriers put many people behind one address. That an address is known to be
    shared widely lifts nothing here, as many made-up customers would bring just that about.
    """
    return _velocity(
        "velocity_address",
        settings,
        "The buyer's network address made",
        facts.address_conversions_hour,
        settings.address_per_hour,
    )


def velocity_device(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a device with many conversions in an hour: one person who plays many buyers.

    A shop's own till or a tablet at a fair lets many people buy on one device.
    """
    return _velocity(
        "velocity_device",
        settings,
        "The buyer's device made",
        facts.device_conversions_hour,
        settings.device_per_hour,
    )


def disposable_mail(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a customer with an e-mail address made to be thrown away: new friends for nothing.

    Careful people use one so that a shop cannot write to them; alone it holds nothing.
    """
    if not facts.disposable_mail:
        return None
    sentence = "The referred customer's e-mail address is from a provider of throw-away addresses."
    return _signal("disposable_mail", settings, sentence, ("referee", facts.referee))


def too_fast(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a conversion that followed its click faster than a person acts: a script, or a link stuffed in.

    Someone who had filled the basket before may click the link last and pay at once.
    """
    seconds, limit = facts.seconds_to_conversion, settings.too_fast_seconds
    if seconds is None or seconds >= limit:
        return None
    sentence = f"The conversion came {seconds} s after the click; under {limit} s is held for a look."
    return _signal("too_fast", settings, sentence, ("seconds", str(seconds)), ("limit_seconds", str(limit)))


def refused_agent(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a robot's or a server's browser seen for this buyer: scripts that click and buy.

    Company networks and some privacy services fetch pages for people from a data centre.
    """
    if not facts.refused_agent:
        return None
    what = _AGENTS.get(facts.refused_agent, "a program")
    sentence = f"Visits of this buyer came from {what}, not from a person's browser."
    return _signal("refused_agent", settings, sentence, ("agent", facts.refused_agent))


def refund_rate(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a participant whose friends give most orders back: bought for the reward, then returned.

    Shoes and clothes are returned often; a shop that sells them sets the limit higher.
    """
    bought, refunded = facts.participant_conversions, facts.participant_refunded
    limit = settings.refund_rate_percent
    if bought < settings.refund_rate_least or refunded * 100 < bought * limit:
        return None
    sentence = f"{refunded} of {bought} purchases brought by this participant were refunded."
    return _signal(
        "refund_rate",
        settings,
        sentence,
        ("purchases", str(bought)),
        ("refunded", str(refunded)),
        ("limit_percent", str(limit)),
    )


def circular(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a referrer whom this friend had brought: two people who take turns.

    Two friends who each tell the other of a different product do this in good faith.
    """
    if not facts.circular_with:
        return None
    sentence = "The referred customer had brought the referrer: the referrals go in a circle."
    return _signal("circular", settings, sentence, ("referral", facts.circular_with))


def banned_source(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a click from a site the program does not reward, such as coupon sites: those buyers came anyway.

    A friend may have found the participant's own blog on a host that a wide pattern also names.
    """
    host = facts.source_host
    if not host:
        return None
    pattern = next((each for each in settings.banned_sources if source_matches(each, host)), None)
    if pattern is None:
        return None
    sentence = f"The visitor came from {host}, a site that this program does not reward."
    return _signal("banned_source", settings, sentence, ("host", host), ("pattern", pattern))


def country_mismatch(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find a click from another country than the customer's: bought clicks come from far away.

    Travellers, commuters across a border and VPN users do this every day; alone it holds nothing.
    """
    clicked, lives = facts.click_country, facts.customer_country
    if not clicked or not lives or clicked == lives:
        return None
    sentence = f"The click came from {clicked}, and the customer is in {lives}."
    return _signal("country_mismatch", settings, sentence, ("click", clicked), ("customer", lives))


def ring(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find friends of one participant who share devices, payments or postal addresses with each other.

    One person with many names looks like this; so do a family and a shared flat, once each.
    """
    if not facts.ring or len(facts.ring) < settings.ring_size:
        return None
    sentence = (
        f"This customer shares a device, a payment or a postal address with"
        f" {_count(facts.ring, 'other friend')} of the same participant."
    )
    return _signal(
        "ring", settings, sentence, ("friends", str(len(facts.ring))), ("customers", _listed(facts.ring))
    )


def block_list(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find an entry of the block list: someone of the staff decided so beforehand.

    A wide pattern may catch others than it was meant for.
    """
    return _entries("block", "block_list", "This matches the block list", facts, settings)


def allow_list(facts: Facts, settings: FraudSettings) -> Signal | None:
    """Find an entry of the allow list: someone of the staff trusts this, and doubts do not hold it.

    It weighs nothing; `judge` knows what it lifts.
    """
    return _entries("allow", "allow_list", "This matches the allow list", facts, settings)


RULES: Final[tuple[Callable[[Facts, FraudSettings], Signal | None], ...]] = (
    same_customer,
    same_mailbox,
    duplicate_order,
    block_list,
    ring,
    known_person,
    same_device,
    same_payment,
    circular,
    velocity_participant,
    velocity_device,
    too_fast,
    banned_source,
    velocity_address,
    refused_agent,
    refund_rate,
    same_postal,
    disposable_mail,
    same_ip,
    country_mismatch,
    allow_list,
)


def _signal(rule: str, settings: FraudSettings, sentence: str, *evidence: tuple[str, str]) -> Signal:
    return Signal(rule, settings.weight(rule), sentence, evidence, rule in settings.shadow)


def _both(facts: Facts) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("referrer", facts.referrer), ("referee", facts.referee)


def _velocity(
    rule: str, settings: FraudSettings, beginning: str, conversions: int | None, limit: int
) -> Signal | None:
    if conversions is None or conversions <= limit:
        return None
    sentence = f"{beginning} {conversions} conversions within an hour; more than {limit} are held for a look."
    return _signal(rule, settings, sentence, ("conversions", str(conversions)), ("limit", str(limit)))


def _entries(which: str, rule: str, beginning: str, facts: Facts, settings: FraudSettings) -> Signal | None:
    found = sorted({(kind, pattern) for name, kind, pattern in facts.listed_as if name == which})
    if not found:
        return None
    kinds = list(dict.fromkeys(kind for kind, _ in found))
    shown = [pattern for kind, pattern in found if kind in _SHOWN_KINDS]
    evidence = [("entries", str(len(found))), ("kinds", ", ".join(kinds))]
    if shown:
        evidence.append(("patterns", _listed(shown)))
    return _signal(rule, settings, f"{beginning}: {', '.join(kinds)}.", *evidence)


def _listed(names: Iterable[str]) -> str:
    every = sorted(names)
    more = len(every) - _MOST_NAMED
    return ", ".join(every[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _count(names: tuple[str, ...], what: str) -> str:
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}"
