"""Who plays in the demo: the shop's people, its customers' names, its programs' terms. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from programs.conditions import Condition, Group
from programs.terms import (
    AttributionTerms,
    CapTerms,
    EligibilityTerms,
    FixedAmount,
    FraudTerms,
    PercentageAmount,
    ProgramTerms,
    RewardRule,
    Tier,
    dump_terms,
)

WORKSPACE: Final = "Lumen Coffee"
SLUG: Final = "lumen-coffee"
CURRENCY: Final = "EUR"
TIME_ZONE: Final = "Europe/Berlin"
PASSWORD: Final = "lumen-coffee-demo"  # noqa: S105 - printed for everybody, and for this data only
SHOP: Final = "https://shop.lumen-coffee.example/welcome"


@dataclass(frozen=True, slots=True)
class Login:
    """One of the shop's people."""

    email: str
    name: str
    role: str


OWNER: Final = Login("olga@demo.example", "Olga Brandt", "owner")
FINANCE: Final = Login("finn@demo.example", "Finn Petersen", "finance")
READER: Final = Login("rita@demo.example", "Rita Sommer", "read_only")
LOGINS: Final = (OWNER, FINANCE, READER)

_FIRST_NAMES: Final = (
    "Ana Ben Clara David Elif Felix Greta Hannes Ida Jonas Katja Levin Mila Noah Olivia Paul Rosa "
    "Samuel Theo Ulla Vera Wim Yara Zoe Aron Britta Cem Dana Emil Frida Gustav Helena Ivo Jule Kilian "
    "Lotte Malik Nina Oskar Pia Quentin Ronja Silas Tessa Uwe Valentin Wanda Xenia Yunus Zita "
)
_LAST_NAMES: Final = (
    "Albers Becker Conrad Demir Engel Fischer Graf Huber Ivanov Jansen Keller Lorenz Meyer Neumann "
    "Otto Pohl Quast Richter Schulz Tran Ullmann Vogel Wagner Yilmaz Zimmer Arnold Busch Claus "
    "Dietrich Ebert Franke Gross Hartmann Jung Kaya Lange Maier Nowak Oehler Peters "
)
_HOSTS: Final = ("mail.example", "post.example", "inbox.example")
_CHANNEL_NAMES: Final = (
    "{} brews",
    "Coffee with {}",
    "{}'s kitchen",
    "Slow mornings with {}",
    "{} on the road",
    "The filter files",
    "{} bakes",
)
CAFES: Final = 12
"""Every so many people buy for a café."""
FIRST_NAMES: Final = tuple(_FIRST_NAMES.split())
LAST_NAMES: Final = tuple(_LAST_NAMES.split())

_RULES: Final = AttributionTerms(click_window_hours=60 * 24, code_window_hours=60 * 24)
_BASE: Final = ProgramTerms(
    currency=CURRENCY,
    destination_url=SHOP,
    allowed_hosts=("shop.lumen-coffee.example",),
    attribution=_RULES,
    hold_days=14,
    fraud=FraudTerms(banned_sources=("*.coupons.example",)),
    payout_minimum_minor=500,
    terms_text="One account for each person. Orders that are returned earn nothing.",
)

FRIENDS: Final = replace(
    _BASE,
    rewards=(
        RewardRule(
            key="referrer-cash",
            side="referrer",
            event="purchase",
            kind="cash",
            amount=PercentageAmount(bps=1000),
            duration_months=12,
        ),
        RewardRule(
            key="friend-credit",
            side="referee",
            event="purchase",
            kind="credit",
            amount=FixedAmount(minor=500),
            first_only=True,
            minimum_order_minor=2_000,
        ),
    ),
    eligibility=EligibilityTerms(new_customers_only=True),
)
FRIENDS_WITH_TIERS: Final = replace(
    FRIENDS,
    offer_text="Give a friend €5, get 10 % of what they buy",
    rewards=(
        replace(
            FRIENDS.rewards[0],
            tiers=(Tier(5, PercentageAmount(bps=1200)), Tier(15, PercentageAmount(bps=1500))),
        ),
        FRIENDS.rewards[1],
    ),
)
"""The same promise from the second version on: the more friends bought, the more a referrer gets."""

CREATORS: Final = replace(
    _BASE,
    approval="manual",
    # On trial: what it would hold is recorded, and nothing is held.
    fraud=replace(_BASE.fraud, shadow=("velocity_participant",), participant_per_hour=10),
    payout_minimum_minor=1_000,
    rewards=(
        RewardRule(
            key="creator-commission",
            side="referrer",
            event="purchase",
            kind="cash",
            amount=PercentageAmount(bps=1200),
            duration_months=12,
        ),
        RewardRule(
            key="creator-points",
            side="referrer",
            event="purchase",
            kind="points",
            amount=PercentageAmount(bps=100),
            # Cafés buy by the sack at prices of their own.
            conditions=Group("none", (Condition("customer.attributes.account", "is", "cafe"),)),
        ),
    ),
)
TASTING: Final = replace(
    _BASE,
    fraud=FraudTerms(verify_email=True),
    rewards=(
        RewardRule(
            key="tasting-credit",
            side="referrer",
            event="purchase",
            kind="credit",
            amount=FixedAmount(minor=300),
            first_only=True,
        ),
    ),
)


def club(rules: tuple[RewardRule, ...], caps: tuple[CapTerms, ...]) -> ProgramTerms:
    """Return the terms of the club, which gives at once, and has a budget."""
    return replace(_BASE, hold_days=0, rewards=rules, caps=caps)


def document(terms: ProgramTerms) -> dict[str, Any]:
    """Return terms as the document that a program's draft holds."""
    return dict(dump_terms(terms))


def full_name(number: int) -> str:
    """Return the name of the person with this number; the first 2,000 differ."""
    # A step without a common divisor with their number, so that neighbours are not sorted by name.
    place = number * 733 % (len(FIRST_NAMES) * len(LAST_NAMES))
    first = FIRST_NAMES[place % len(FIRST_NAMES)]
    # Each round through the first names shifts the last ones.
    last = LAST_NAMES[(place * 7 + place // len(FIRST_NAMES)) % len(LAST_NAMES)]
    return f"{first} {last}"


def address(number: int) -> str:
    """Return the e-mail address of the person with this number; the first 2,000 differ."""
    host = _HOSTS[number % len(_HOSTS)]
    return f"{full_name(number).lower().replace(' ', '.')}@{host}"


def channel_name(number: int) -> str:
    """Return the name under which the creator with this number is known."""
    first = full_name(number).partition(" ")[0]
    return _CHANNEL_NAMES[number % len(_CHANNEL_NAMES)].format(first)


def promo_code(number: int) -> str:
    """Return the code that the creator with this number tells people."""
    return f"{full_name(number).partition(' ')[0].upper()}{10 + number}"


def iban(number: int) -> str:
    """Return an account of the person with this number: an IBAN by its check digits, which no bank issued."""
    account = f"50010517{5_400_000_000 + number:010d}"
    # D is 13 and E is 14 in the sum that the check digits bring to 1 modulo 97.
    return f"DE{98 - int(f'{account}131400') % 97:02d}{account}"
