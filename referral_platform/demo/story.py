"""What happens in the demo, drawn up from a seed: who is enrolled, clicks, signs up, buys, gives back. Pure.

Times count from the start of the story, so that it can be played up to any day. `portrait` holds what the
participant whose portal is shown goes through, friend by friend; `cases` holds the frauds and those who look
like them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from referral_platform.demo import cases, portrait
from referral_platform.demo.scenes import Action as Action
from referral_platform.demo.scenes import Buy, Enrol, GiveBack, Program, Scene, SignUp, Visit
from referral_platform.demo.traffic import BROWSERS, CHANNELS, COUNTRIES, NO_PERSON

SEED: Final = 20260501
DAYS: Final = 182
"""How long the story is: half a year."""

SHOP_FROM: Final = timedelta(days=154)
"""When the shop's own webhooks take over from the API."""

PARTICIPANTS: Final = 400
CREATORS_EVERY: Final = 8
"""Every eighth participant is a creator, the others are customers of the shop."""

TASTERS: Final = (480, 481, 482, 483)
"""The numbers of those in the program that was paused."""

TASTING_ENDS: Final = timedelta(days=40, hours=10)

STRANGERS_FROM: Final = 500
"""The number of the first person who is no participant."""

_BASKETS: Final = (1_890, 2_490, 2_990, 3_480, 3_980, 4_770, 5_980, 7_450, 11_900, 24_900)
_BASKET_WEIGHTS: Final = (14, 18, 16, 13, 11, 10, 8, 6, 3, 1)


def story(seed: int = SEED, *, first_weekday: int = 0) -> list[Scene]:
    """Return the scenes in order; the same seed and first weekday (0 is Monday) give the same story."""
    writer = _Writer(random.Random(seed), first_weekday)  # noqa: S311
    return sorted(writer.scenes(), key=lambda scene: scene.after)


class _Writer:
    def __init__(self, dice: random.Random, first_weekday: int) -> None:
        self.dice = dice
        self.first_weekday = first_weekday
        self.people = STRANGERS_FROM
        self.visits = 0
        self.orders = 5_000

    def scenes(self) -> Iterator[Scene]:
        yield Scene(portrait.JOINED, Enrol(portrait.PERSON, "friends", payout=True))
        for friend in portrait.FRIENDS:
            yield from self._friend(friend)
        for number in range(1, PARTICIPANTS):
            program: Program = "creators" if number % CREATORS_EVERY == CREATORS_EVERY - 1 else "friends"
            joined = self._joined(number)
            yield Scene(joined, Enrol(number, program, payout=number % 6 != 5))
            yield from self._traffic(number, program, joined)
        for number in TASTERS:
            joined = timedelta(hours=10 + number - TASTERS[0])
            yield Scene(joined, Enrol(number, "tasting", payout=False))
            for day in range(2, TASTING_ENDS.days + 12, 4):
                at = timedelta(days=day, hours=self._hour(), minutes=self.dice.randint(0, 59))
                yield from self._visit(number, "tasting", at)
        yield from cases.scenes()

    def _joined(self, number: int) -> timedelta:
        # The first ten start the program; the others come after, week by week.
        if number < 10:
            return timedelta(hours=9 + number * 5)
        share = ((number - 10) / (PARTICIPANTS - 10)) ** 1.15
        return timedelta(
            days=int(2 + share * (DAYS - 4)), hours=self._hour(), minutes=self.dice.randint(0, 59)
        )

    def _pick(self, choices: tuple[tuple[int, Any], ...]) -> Any:
        weights = [weight for weight, _ in choices]
        return self.dice.choices([value for _, value in choices], weights)[0]

    def _traffic(self, number: int, program: Program, joined: timedelta) -> Iterator[Scene]:
        # A few people share a lot, most a little, and everybody most just after they joined.
        eagerness = (0.44 if program == "creators" else 0.125) / (1 + (number % 11)) ** 0.75
        for day in range(joined.days, DAYS):
            weekday = (self.first_weekday + day) % 7
            busy = (0.9, 0.85, 0.9, 1.0, 1.1, 1.45, 1.35)[weekday]
            fresh = 2.2 if day - joined.days < 7 else 1.0
            expected = eagerness * busy * fresh * (0.8 + 0.5 * day / DAYS)
            while self.dice.random() < expected:
                expected -= 0.5
                at = timedelta(days=day, hours=self._hour(), seconds=self.dice.randint(0, 3_599))
                if at > joined:
                    yield from self._visit(number, program, at)

    def _hour(self) -> int:
        return int(self.dice.triangular(6, 24, 20)) % 24

    def _facts(self, country: str) -> dict[str, Any]:
        return {**self._pick(CHANNELS), "user_agent": self._pick(BROWSERS), "country": country}

    def _key(self) -> int:
        self.visits += 1
        return self.visits

    def _visit(self, number: int, program: Program, at: timedelta) -> Iterator[Scene]:
        key = self._key()
        if self.dice.random() < 0.18:
            yield Scene(at, Visit(key, number, key, dict(self._pick(NO_PERSON))))
            return
        country = self._pick(COUNTRIES)
        facts = self._facts(country)
        yield Scene(at, Visit(key, number, key, facts))
        if self.dice.random() < 0.1:
            again = at + timedelta(minutes=self.dice.randint(1, 40))
            yield Scene(again, Visit(self._key(), number, key, facts))
        if self.dice.random() < 0.12:
            later = at + timedelta(hours=self.dice.randint(2, 5))
            yield Scene(later, Visit(self._key(), number, key, facts))
        fate = self.dice.random()
        if fate < 0.2:
            yield from self._customer(number, program, key, country, at)
        elif program == "creators" and fate < 0.25:
            # Watches today, buys with the code another day and in another browser.
            yield from self._order(at + self._days(1, 6), person=self._person(), code_of=number)

    def _customer(
        self, number: int, program: Program, visit: int, country: str, at: timedelta
    ) -> Iterator[Scene]:
        person = self._person()
        joined = at + timedelta(minutes=self.dice.randint(2, 90), seconds=self.dice.randint(0, 59))
        yield Scene(joined, SignUp(person, visit, country))
        if self.dice.random() < 0.76:
            bought = joined + timedelta(minutes=self.dice.randint(3, 6_000), seconds=self.dice.randint(0, 59))
            code_of = number if program == "creators" and self.dice.random() < 0.4 else None
            yield from self._order(bought, person=person, code_of=code_of)
            if self.dice.random() < 0.36:
                yield from self._order(bought + self._days(10, 35), person=person)

    def _order(
        self, at: timedelta, *, person: int, visit: int | None = None, code_of: int | None = None
    ) -> Iterator[Scene]:
        amount = self.dice.choices(_BASKETS, _BASKET_WEIGHTS)[0]
        buy = self._buy(at, person, amount, visit=visit, code_of=code_of)
        yield buy
        assert isinstance(buy.action, Buy)
        if self.dice.random() < 0.08:
            # Some while the reward is on hold, some long after it was paid.
            later = self._days(2, 11) if self.dice.random() < 0.6 else self._days(25, 50)
            yield Scene(at + later, GiveBack(buy.action.order, self.dice.choice((25, 50, 100))))

    def _buy(
        self, at: timedelta, person: int, amount: int, *, visit: int | None = None, code_of: int | None = None
    ) -> Scene:
        self.orders += 1
        return Scene(at, Buy(self.orders, person, amount, visit=visit, code_of=code_of, shop=at >= SHOP_FROM))

    def _days(self, least: int, most: int) -> timedelta:
        return timedelta(days=self.dice.randint(least, most), minutes=self.dice.randint(0, 600))

    def _person(self) -> int:
        self.people += 1
        return self.people

    def _friend(self, friend: portrait.Friend) -> Iterator[Scene]:
        """One of the friends in the portal that is shown."""
        clicked = timedelta(days=friend.clicked_on, hours=friend.hour, minutes=12)
        facts = {**friend.channel, "user_agent": self._pick(BROWSERS), "country": "DE"}
        key = self._key()
        yield Scene(clicked, Visit(key, portrait.PERSON, key, facts))
        if not friend.signs_up:
            return
        person = self._person()
        joined = clicked + timedelta(minutes=9)
        yield Scene(joined, SignUp(person, key, "DE"))
        for after_days, amount, returned in friend.orders:
            # Straight on from the sign-up, so that a purchase does not slip past the day of the reader.
            at = joined + (timedelta(days=after_days) if after_days else timedelta(minutes=14))
            buy = self._buy(at, person, amount)
            yield buy
            assert isinstance(buy.action, Buy)
            if returned:
                yield Scene(at + timedelta(days=6), GiveBack(buy.action.order, returned))
