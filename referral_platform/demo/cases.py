"""The demo's frauds and the innocent people who look like them, each with the truth about it. Pure.

Every order here says by its label whether it is fraud or fine, so that the rules can be measured against it.
Some frauds are of a kind that the rules let through, and some honest orders of a kind that they hold: a
measure without mistakes would measure nothing. Persons from 1,500 on, orders from 4,001 on and visits from
90,001 on are this module's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from referral_platform.demo.cast import full_name
from referral_platform.demo.scenes import Buy, GiveBack, Label, Scene, Visit
from referral_platform.demo.traffic import DESK

_FIRST_PERSON: Final = 1_500
_FIRST_VISIT: Final = 90_001

_MAILBOX, _DEVICE, _CARD, _RING, _BURST, _THROWN = 41, 18, 21, 25, 28, 33
_COUPONS = (15, 39)
_CIRCLE = (36, 37)
_RETURNS, _SCRIPT, _DOORSTEP = 54, 45, 49
_HOUSEHOLD, _FLAT, _TABLET, _TRAVELS, _QUICK, _CAREFUL, _LAUNCH = 42, 43, 44, 46, 50, 51, 23

TOO_FAST: Final = ((4, 41), (2, 74), (5, 109), (9, 150), (8, 163), (3, 170), (10, 176), (2, 178))
"""Participant and day of each order seconds after a click."""

TRUSTED_TOO_FAST: Final = 4_032
"""The one of them that an honest buyer made, who had filled the basket before."""


def _at_gmail(number: int, spelling: str) -> str:
    # Longer than the 30 letters that Gmail lets a name have, so that it reaches nobody.
    first, last = full_name(number).lower().split()
    return spelling.format(first=first, last=last)


EMAILS: Final[Mapping[int, str]] = {
    _MAILBOX: _at_gmail(_MAILBOX, "{first}.{last}.of.the.lumen.coffee.demo.data@gmail.com"),
    1_500: _at_gmail(_MAILBOX, "{first}{last}.ofthelumencoffeedemodata@gmail.com"),
    1_501: _at_gmail(_MAILBOX, "{first}.{last}.of.the.lumen.coffee.demo.data+beans@gmail.com"),
    1_502: _at_gmail(_MAILBOX, "{first}.{last}of.the.lumen.coffee.demodata+2@googlemail.com"),
    **{1_520 + number: f"bean-lover-{number + 11}@mailinator.com" for number in range(8)},
    **{1_530 + number: f"new.here.{number + 40}@mailinator.com" for number in range(3)},
    1_590: "no.newsletters.please.7@mailinator.com",
}
"""Who has an address of another kind than the rest of the cast."""

COUNTRIES: Final[Mapping[int, str]] = {1_580: "AT", 1_581: "DE"}
"""Who is not from where the shop is."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the staff makes of an order's case, how long after the start, and why."""

    after: timedelta
    order: int
    status: Literal["approved", "rejected"]
    reason: str


def _ruled(
    day: int, status: Literal["approved", "rejected"], reason: str, *orders: int
) -> tuple[Ruling, ...]:
    return tuple(Ruling(timedelta(days=day, hours=13), order, status, reason) for order in orders)


RULINGS: Final = (
    *_ruled(108, "rejected", "One phone, two names; they never answered.", 4_121),
    *_ruled(108, "rejected", "Paid by the referrer's own card.", 4_131),
    *_ruled(108, "rejected", "Came from a coupon site.", 4_181),
    *_ruled(108, "approved", "A family with one tablet; the mother called.", 4_241, 4_242),
    *_ruled(108, "approved", "Two students in one flat, both known to us.", 4_233),
    *_ruled(151, "rejected", "Four names on one device.", 4_142, 4_143),
    *_ruled(151, "rejected", "Eight orders in an hour, all from one place.", 4_155, 4_156, 4_157),
    *_ruled(151, "rejected", "Came from a coupon site.", 4_182),
)
"""What the staff has decided by now; the later cases are open."""


def scenes() -> Iterator[Scene]:
    """Return the scenes of all cases."""
    yield from _Cases().scenes()


class _Cases:
    def __init__(self) -> None:
        self.visits = _FIRST_VISIT

    def scenes(self) -> Iterator[Scene]:
        yield from self._old_tricks()
        yield from self._one_person()
        yield from self._many_names()
        yield from self._bought_traffic()
        yield from self._look_alikes()

    def _old_tricks(self) -> Iterator[Scene]:
        """Orders by one's own link, and orders seconds after a click."""
        own = ((1, 33, 12), (6, 66, 19), (12, 118, 21), (3, 171, 18))
        for place, (number, day, hour) in enumerate(own):
            at = timedelta(days=day, hours=hour)
            yield from self._sale(4_001 + place, number, number, at, wait=720, amount=4_770)
        for place, (number, day) in enumerate(TOO_FAST):
            order = 4_031 + place
            at = timedelta(days=day, hours=3, minutes=number)
            label: Label = "fine" if order == TRUSTED_TOO_FAST else "fraud"
            yield from self._sale(order, number, 1_503 + place, at, wait=4, amount=11_900, label=label)

    def _one_person(self) -> Iterator[Scene]:
        """One person in two roles: another spelling of a mailbox, one phone, one card, one doorstep."""
        for place, day in enumerate((52, 88, 167)):
            yield from self._sale(4_111 + place, _MAILBOX, 1_500 + place, _noon(day))
        yield self._own(4_120, _DEVICE, _noon(22), device="pixel-9-4471")
        for place, day in enumerate((71, 166)):
            yield from self._sale(4_121 + place, _DEVICE, 1_511 + place, _noon(day), device="pixel-9-4471")
        yield self._own(4_130, _CARD, _noon(24), payment="card-5520-11")
        for place, day in enumerate((99, 172)):
            yield from self._sale(4_131 + place, _CARD, 1_513 + place, _noon(day), payment="card-5520-11")
        home: dict[str, Any] = {"address": "198.51.100.77", "postal": "Am Hang 4, 04109 Leipzig"}
        yield self._own(4_135, _DOORSTEP, _noon(173), **home)
        yield from self._sale(4_136, _DOORSTEP, 1_515, _noon(173, 40), **home)
        # Two who take turns: nothing speaks against the first.
        first, second = _CIRCLE
        yield from self._sale(4_161, second, first, _noon(58))
        yield from self._sale(4_162, first, second, _noon(174))

    def _many_names(self) -> Iterator[Scene]:
        """One person with many names: a ring, a rush from one address, throw-away mail, returned orders."""
        for place, day in enumerate((126, 131, 136, 141)):
            at = _noon(day)
            yield from self._sale(4_140 + place, _RING, 1_516 + place, at, device="tab-a9-0815")
        for place in range(8):
            at = timedelta(days=145, hours=11, minutes=6 * place)
            yield from self._sale(
                4_150 + place, _BURST, 1_520 + place, at, wait=41, amount=2_490, address="203.0.113.24"
            )
        home: dict[str, Any] = {"address": "198.51.100.14"}
        yield self._own(4_170, _THROWN, _noon(177), **home)
        for place in range(3):
            trail: dict[str, Any] = home if place else {}
            at = _noon(177, 30 + 20 * place)
            yield from self._sale(4_171 + place, _THROWN, 1_530 + place, at, amount=2_490, **trail)
        for place, day in enumerate((152, 154, 156, 158, 160, 169, 175)):
            order = 4_191 + place
            facts = {"country": "RO"} if place > 4 else {}
            yield from self._sale(order, _RETURNS, 1_540 + place, _noon(day), amount=7_450, facts=facts)
            if place < 4:
                yield Scene(_noon(day) + timedelta(days=6), GiveBack(order, 100))

    def _bought_traffic(self) -> Iterator[Scene]:
        """Clicks that nobody was won by: coupon sites, and a script in a data centre."""
        coupons = {"referrer": "https://best.coupons.example/lumen-coffee"}
        for place, (number, day) in enumerate(((_COUPONS[0], 100), (_COUPONS[1], 148), (_COUPONS[0], 176))):
            yield from self._sale(4_181 + place, number, 1_550 + place, _noon(day), facts=coupons)
        for place, day in enumerate((161, 177)):
            at = timedelta(days=day, hours=4)
            script: dict[str, Any] = {"user_agent": "python-requests/2.32.3"}
            yield from self._sale(
                4_184 + place, _SCRIPT, 1_553 + place, at, facts={"country": "VN"}, amount=1_890, **script
            )

    def _look_alikes(self) -> Iterator[Scene]:
        """Honest people who share what frauds share."""
        home: dict[str, Any] = {"address": "198.51.100.201"}
        yield self._own(4_220, _HOUSEHOLD, _noon(81), **home)
        for place in range(2):
            yield from self._honest(
                4_221 + place, _HOUSEHOLD, 1_560 + place, _noon(81, 50 + place * 30), **home
            )
        flat: dict[str, Any] = {"postal": "Karl-Heine-Str. 93, 04229 Leipzig"}
        yield self._own(4_230, _FLAT, _noon(92), **flat, address="198.51.100.202")
        for place in range(3):
            # The last one also orders by the flat's own network.
            trail: dict[str, Any] = {**flat, "address": "198.51.100.202"} if place == 2 else flat
            yield from self._honest(4_231 + place, _FLAT, 1_565 + place, _noon(92, 30 * place + 20), **trail)
        tablet: dict[str, Any] = {"device": "ipad-mini-2207"}
        yield self._own(4_240, _TABLET, _noon(44), **tablet)
        for place, day in enumerate((62, 86)):
            yield from self._honest(4_241 + place, _TABLET, 1_570 + place, _noon(day), **tablet)
        for place, (day, country) in enumerate(((104, "IT"), (168, "FR"))):
            facts = {"country": country}
            yield from self._honest(4_251 + place, _TRAVELS, 1_580 + place, _noon(day), facts=facts)
        yield from self._honest(4_260, _QUICK, 1_583, _noon(112), wait=15)
        yield from self._honest(4_261, _CAREFUL, 1_590, _noon(127))
        for place in range(15):
            at = timedelta(days=164, hours=19, minutes=3 * place + 2)
            own: dict[str, Any] = {"address": f"192.0.2.{10 + place}"}
            yield from self._honest(
                4_270 + place, _LAUNCH, 1_600 + place, at, wait=60 + 7 * place, amount=2_990, **own
            )

    def _honest(
        self, order: int, participant: int, person: int, at: timedelta, **more: Any
    ) -> Iterator[Scene]:
        return self._sale(order, participant, person, at, label="fine", **more)

    def _sale(
        self,
        order: int,
        participant: int,
        person: int,
        at: timedelta,
        *,
        wait: int = 900,
        amount: int = 3_980,
        label: Label = "fraud",
        facts: Mapping[str, Any] | None = None,
        **traces: str,
    ) -> Iterator[Scene]:
        """A visit of a participant's link, and an order by it `wait` seconds later."""
        visit = self.visits
        self.visits += 1
        seen = {"user_agent": DESK, "country": COUNTRIES.get(person, "DE"), **(facts or {})}
        yield Scene(at, Visit(visit, participant, visit, seen))
        buy = Buy(order, person, amount, visit=visit, label=label, traces=traces)
        yield Scene(at + timedelta(seconds=wait), buy)

    def _own(self, order: int, participant: int, at: timedelta, **traces: str) -> Scene:
        """A participant's own order, by nobody's link: what makes their device or card known."""
        return Scene(at, Buy(order, participant, 2_990, traces=traces))


def _noon(day: int, minutes: int = 0) -> timedelta:
    return timedelta(days=day, hours=12, minutes=minutes)
