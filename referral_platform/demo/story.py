"""What happens in the demo, drawn up from a seed: who is enrolled, clicks, signs up, buys, gives back. Pure.

Times count from the start of the story, so that it can be played up to any day.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

SEED: Final = 20260501
DAYS: Final = 91
"""How long the story is."""

_CHANNELS: Final[tuple[tuple[int, dict[str, Any]], ...]] = (
    (30, {"tags": {"ch": "whatsapp"}}),
    (20, {"referrer": "https://www.instagram.com/"}),
    (14, {"tags": {"utm_medium": "email"}}),
    (12, {}),
    (8, {"referrer": "https://www.facebook.com/"}),
    (6, {"tags": {"ch": "qr"}}),
    (5, {"referrer": "https://coffee-notes.example/best-beans"}),
    (3, {"referrer": "https://www.youtube.com/"}),
    (2, {"referrer": "https://t.co/"}),
)
_PHONE: Final = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
)
_IPHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile"
)
_DESK: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
_BROWSERS: Final = ((45, _PHONE), (35, _IPHONE), (20, _DESK))
_NO_PERSON: Final[tuple[tuple[int, dict[str, Any]], ...]] = (
    (40, {"user_agent": "WhatsApp/2.25.10 A"}),
    (20, {"user_agent": "facebookexternalhit/1.1"}),
    (15, {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}),
    (10, {"user_agent": _PHONE, "purpose": "prefetch"}),
    (8, {"user_agent": "curl/8.9"}),
    (5, {"user_agent": _DESK, "method": "HEAD"}),
    (2, {"user_agent": ""}),
)
_COUNTRIES: Final = ((70, "DE"), (14, "AT"), (9, "CH"), (4, "NL"), (3, "PL"))
_BASKETS: Final = (1_890, 2_490, 2_990, 3_480, 3_980, 4_770, 5_980, 7_450, 11_900, 24_900)

Program = Literal["friends", "creators"]


@dataclass(frozen=True, slots=True)
class Enrol:
    """Person `person` joins a program; `payout` says whether they left an account for their money."""

    person: int
    program: Program
    payout: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody, or something, requests a participant's link."""

    key: int
    participant: int
    visitor: int
    facts: dict[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class SignUp:
    """Visitor becomes a customer; `visit` is the click they came by."""

    person: int
    visit: int
    country: str


@dataclass(frozen=True, slots=True)
class Buy:
    """A customer buys. `visit` or `code_of` (a participant) is how they came, if they say so.

    `shop` orders come in by the shop's webhooks, the others through the API.
    """

    order: int
    person: int
    amount_minor: int
    visit: int | None = None
    code_of: int | None = None
    shop: bool = False


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Some of an order's amount is refunded."""

    order: int
    percent: int


Action = Enrol | Visit | SignUp | Buy | GiveBack


@dataclass(frozen=True, slots=True)
class Scene:
    """One action at its time from the start."""

    after: timedelta
    action: Action


SHOP_FROM: Final = timedelta(days=70)
"""When the shop's own webhooks take over from the API."""

FRIENDS: Final = 48
CREATORS: Final = 12


def story(seed: int = SEED) -> list[Scene]:
    """Return the scenes in order; the same seed gives the same story."""
    return sorted(_Writer(random.Random(seed)).scenes(), key=lambda scene: scene.after)  # noqa: S311


class _Writer:
    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.people = 1_000
        self.visits = 0
        self.orders = 5_000

    def scenes(self) -> Iterator[Scene]:
        for number in range(FRIENDS + CREATORS):
            program: Program = "creators" if number % 5 == 4 else "friends"
            joined = self._joined(number)
            yield Scene(joined, Enrol(number, program, payout=number % 6 != 5))
            yield from self._traffic(number, program, joined)
        yield from self._frauds()

    def _joined(self, number: int) -> timedelta:
        # The first ten start the program; the others come after, most of them in the first weeks.
        if number < 10:
            return timedelta(hours=9 + number * 5)
        share = ((number - 10) / (FRIENDS + CREATORS - 10)) ** 1.4
        return timedelta(days=2 + share * (DAYS - 8), hours=self.dice.randint(0, 10))

    def _pick(self, choices: tuple[tuple[int, Any], ...]) -> Any:
        weights = [weight for weight, _ in choices]
        return self.dice.choices([value for _, value in choices], weights)[0]

    def _traffic(self, number: int, program: Program, joined: timedelta) -> Iterator[Scene]:
        # A few people share a lot, most a little.
        eagerness = (0.52 if program == "creators" else 0.36) / (1 + (number % 12)) ** 0.55
        for day in range(joined.days, DAYS):
            growth = 0.85 + 0.4 * day / DAYS
            weekend = 1.3 if day % 7 in (5, 6) else 1.0
            expected = eagerness * growth * weekend
            while self.dice.random() < expected:
                expected -= 0.5
                at = timedelta(days=day, hours=self._hour(), seconds=self.dice.randint(0, 3_599))
                if at > joined:
                    yield from self._visit(number, program, at)

    def _hour(self) -> int:
        return int(self.dice.triangular(6, 24, 20)) % 24

    def _visit(self, number: int, program: Program, at: timedelta) -> Iterator[Scene]:
        self.visits += 1
        key = self.visits
        if self.dice.random() < 0.18:
            yield Scene(at, Visit(key, number, key, dict(self._pick(_NO_PERSON))))
            return
        country = self._pick(_COUNTRIES)
        facts = {**self._pick(_CHANNELS), "user_agent": self._pick(_BROWSERS), "country": country}
        yield Scene(at, Visit(key, number, key, facts))
        if self.dice.random() < 0.1:
            again = at + timedelta(minutes=self.dice.randint(1, 40))
            self.visits += 1
            yield Scene(again, Visit(self.visits, number, key, facts))
        if self.dice.random() < 0.12:
            later = at + timedelta(hours=self.dice.randint(2, 5))
            self.visits += 1
            yield Scene(later, Visit(self.visits, number, key, facts))
        fate = self.dice.random()
        if fate < 0.13:
            yield from self._customer(number, program, key, country, at)
        elif program == "creators" and fate < 0.2:
            # Watches today, buys with the code another day and in another browser.
            yield from self._order(at + self._days(1, 6), person=self._person(), code_of=number)

    def _customer(
        self, number: int, program: Program, visit: int, country: str, at: timedelta
    ) -> Iterator[Scene]:
        person = self._person()
        joined = at + timedelta(minutes=self.dice.randint(2, 90))
        yield Scene(joined, SignUp(person, visit, country))
        if self.dice.random() < 0.8:
            bought = joined + timedelta(minutes=self.dice.randint(3, 6_000))
            code_of = number if program == "creators" and self.dice.random() < 0.4 else None
            yield from self._order(bought, person=person, code_of=code_of)
            if self.dice.random() < 0.3:
                yield from self._order(bought + self._days(10, 35), person=person)

    def _order(
        self, at: timedelta, *, person: int, visit: int | None = None, code_of: int | None = None
    ) -> Iterator[Scene]:
        self.orders += 1
        order = self.orders
        amount = self.dice.choice(_BASKETS)
        shop = at >= SHOP_FROM
        yield Scene(at, Buy(order, person, amount, visit=visit, code_of=code_of, shop=shop))
        if self.dice.random() < 0.16:
            # Some while the reward is on hold, some long after it was paid.
            later = self._days(2, 11) if self.dice.random() < 0.6 else self._days(25, 50)
            yield Scene(at + later, GiveBack(order, self.dice.choice((25, 50, 100))))

    def _days(self, least: int, most: int) -> timedelta:
        return timedelta(days=self.dice.randint(least, most), minutes=self.dice.randint(0, 600))

    def _person(self) -> int:
        self.people += 1
        return self.people

    def _frauds(self) -> Iterator[Scene]:
        """Two people who order by their own links, and four orders seconds after a click."""
        for number, at in ((1, timedelta(days=33, hours=12)), (6, timedelta(days=66, hours=19))):
            self.visits += 1
            self.orders += 1
            facts = {"user_agent": _DESK, "country": "DE"}
            yield Scene(at, Visit(self.visits, number, self.visits, facts))
            buy = Buy(self.orders, number, 4_770, visit=self.visits)
            yield Scene(at + timedelta(minutes=12), buy)
        for number, day in ((0, 41), (2, 74), (5, 81), (3, 86)):
            self.visits += 1
            self.orders += 1
            at = timedelta(days=day, hours=3, minutes=number)
            facts = {"user_agent": _DESK, "country": "PL"}
            yield Scene(at, Visit(self.visits, number, self.visits, facts))
            yield Scene(
                at + timedelta(seconds=4), Buy(self.orders, self._person(), 11_900, visit=self.visits)
            )
