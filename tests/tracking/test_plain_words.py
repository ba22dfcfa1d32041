"""What a participant may read of a decision: exact sentences, and nobody else anywhere in them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracking.attribution_cases import KINDS, MODELS, PURCHASE_AT, rule, touch
from tracking import attribution
from tracking.attribution import (
    AttributionRule,
    Bond,
    ConversionKind,
    Share,
    Touch,
    encode_decision,
    encode_inputs,
    replay,
    wording,
)
from tracking.attribution.wording import _PHRASES
from tracking.classification import ClickReason
from tracking.fraud import DEFAULT_WEIGHTS, Judgement
from tracking.fraud.wording import PARTICIPANT_SENTENCES
from tracking.plain_words import (
    BONDS,
    PHRASES,
    WINDOWS,
    OwnPart,
    check_sentence,
    own_part,
    standing_sentence,
)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
ANA = "prt_ana"


def mine(*, before: timedelta = DAY, kind: Any = "click", disqualified: str | None = None) -> Touch:
    return touch(f"ana{before.total_seconds()}", "ana", before=before, kind=kind, disqualified=disqualified)


def others(
    *, before: timedelta = DAY, kind: Any = "click", who: str = "bob", disqualified: str | None = None
) -> Touch:
    return touch(f"{who}{before.total_seconds()}", who, before=before, kind=kind, disqualified=disqualified)


def bond(*shares: Share, days: int = 200, converted: bool = True) -> Bond:
    since = PURCHASE_AT - days * DAY
    return Bond(shares or (Share(ANA, 1_000_000),), since, since + DAY if converted else None)


def told(
    *touches: Touch,
    by: AttributionRule | None = None,
    bond: Bond | None = None,
    kind: ConversionKind = "purchase",
    who: str = ANA,
) -> OwnPart | None:
    inputs = encode_inputs(
        conversion_at=PURCHASE_AT,
        amount_minor=10_000,
        currency="EUR",
        touches=touches,
        rule=by or rule(),
        bond=bond,
        kind=kind,
    )
    return own_part(inputs, encode_decision(replay(inputs)), who)


def sentence(*touches: Touch, **case: Any) -> str:
    part = told(*touches, **case)
    assert part is not None
    return part.sentence


def test_who_had_no_part_is_told_nothing() -> None:
    assert told() is None
    assert told(others()) is None
    assert told(bond=bond(Share("prt_bob", 1_000_000))) is None


def test_a_whole_order_is_credited_in_one_sentence_with_its_touches() -> None:
    part = told(mine(before=3 * DAY), mine(before=2 * DAY), others(before=5 * DAY))
    assert part is not None
    assert (part.credited, part.share_ppm, part.reason) == (True, 1_000_000, "credited")
    assert part.sentence == "You were credited with the whole order."
    assert [(t.at, t.what, t.sentence, t.reason, t.counts) for t in part.touches] == [
        (
            PURCHASE_AT - 3 * DAY,
            "Your link was opened.",
            "This program counts the last visit only.",
            "not_last_click",
            False,
        ),
        (PURCHASE_AT - 2 * DAY, "Your link was opened.", "It counts.", "credited", True),
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("signup", "You were credited with the whole sign-up."),
        ("custom", "You were credited with the whole step."),
    ],
)
def test_other_deeds_than_orders(kind: ConversionKind, expected: str) -> None:
    assert sentence(mine(), kind=kind) == expected


def test_a_share_is_told_in_per_cent() -> None:
    three = [mine(before=3 * DAY), others(before=2 * DAY), others(who="cem", before=DAY)]
    assert sentence(*three, by=rule("linear")) == (
        "You were credited with 33.33 % of the order, because several invitations led to it."
    )
    assert sentence(*three, by=rule("position_based")) == (
        "You were credited with 40 % of the order, because several invitations led to it."
    )
    assert sentence(*three[:2], by=rule("linear"), kind="signup") == (
        "You were credited with 50 % of the sign-up, because several invitations led to it."
    )


def test_a_bond_says_why_without_any_touch() -> None:
    assert sentence(bond=bond()) == (
        "You were credited with the whole order, because your friend first came through you."
    )


LOST: list[tuple[Sequence[Touch], dict[str, Any], str, str]] = [
    (
        [mine(before=2 * DAY), others()],
        {},
        "not_last_click",
        "Somebody else's more recent link was used before the purchase.",
    ),
    (
        [mine(), others(before=2 * DAY)],
        {"by": rule("first_click")},
        "not_first_click",
        "Somebody else's link was opened before yours, and this program counts the first.",
    ),
    (
        [mine(before=95 * DAY)],
        {},
        "outside_click_window",
        "Your link was opened 95 days before the purchase; this program counts 90 days.",
    ),
    (
        [mine(before=90 * DAY + 3 * HOUR)],
        {},
        "outside_click_window",
        "Your link was opened 90 days and 3 hours before the purchase; this program counts 90 days.",
    ),
    (
        [mine(before=37 * HOUR)],
        {"by": rule(click_window=36 * HOUR)},
        "outside_click_window",
        "Your link was opened 37 hours before the purchase; this program counts 36 hours.",
    ),
    (
        [mine(before=31 * DAY, kind="code")],
        {},
        "outside_code_window",
        "Your code was used 31 days before the purchase; this program counts 30 days.",
    ),
    (
        [mine(before=2 * DAY)],
        {"by": rule(signup_window=DAY), "kind": "signup"},
        "outside_signup_window",
        "Your link was opened 2 days before the sign-up; this program counts 1 day.",
    ),
    (
        [mine(before=-HOUR)],
        {},
        "after_conversion",
        "Your link was opened after the purchase.",
    ),
    (
        [mine(), others(before=2 * DAY, kind="code")],
        {},
        "lower_precedence",
        "Somebody else's code was used for it, and in this program a code comes before a link.",
    ),
    (
        [mine(kind="code"), others(before=2 * DAY, kind="manual")],
        {},
        "lower_precedence",
        "It was assigned to somebody else, and in this program an assignment comes before a code.",
    ),
    (
        [mine(), others(before=2 * DAY, kind="token")],
        {},
        "lower_precedence",
        "Somebody else's personal invitation was used, and in this program that comes before a link.",
    ),
    (
        [mine(), others(before=2 * DAY, kind="email")],
        {"by": rule(precedence=("email", "click"))},
        "lower_precedence",
        "Your friend was recognised from a visit through somebody else.",
    ),
    (
        [mine(kind="email"), others(before=2 * DAY)],
        {},
        "lower_precedence",
        "Your friend was recognised from an earlier visit through you, but something that ranks higher in "
        "this program was used as well.",
    ),
    (
        [mine(before=2 * DAY, kind="code"), others(kind="code")],
        {},
        "lower_precedence",
        "Somebody else's code was used after yours, and the later one counts.",
    ),
    (
        [mine(before=3 * DAY), others(before=2 * DAY), others()],
        {"by": rule("custom", custom_weights=(0, 50, 50))},
        "zero_weight",
        "Your link was opened, but a visit at this point of the way carries no share in this program.",
    ),
    (
        [mine(), others(before=300 * DAY)],
        {"bond": bond(Share("prt_bob", 1_000_000))},
        "bound_to_other",
        "Your friend had come through somebody else's invitation before, and stays with it.",
    ),
    (
        [mine(kind="token")],
        {"by": rule(precedence=("click",))},
        "kind_not_accepted",
        "Your friend came with your personal invitation, but contacts of this kind do not count in this "
        "program.",
    ),
    (
        [mine(disqualified="program_paused")],
        {},
        "program_paused",
        "Your link was opened, but the program was taking a break at that time.",
    ),
    (
        [mine(disqualified="self_referral")],
        {},
        "self_referral",
        "Your link was opened, but the program does not reward your own purchases.",
    ),
    (
        [mine(disqualified="same_device")],
        {},
        "terms",
        "Your link was opened, but this referral does not count under the program's terms.",
    ),
    (
        [mine(disqualified="a_reason_of_tomorrow")],
        {},
        "terms",
        "Your link was opened, but this referral does not count under the program's terms.",
    ),
    (
        # A visit that lost tells more than a later one that was a robot's.
        [mine(before=3 * DAY), others(before=2 * DAY), mine(disqualified="bot")],
        {},
        "not_last_click",
        "Somebody else's more recent link was used before the purchase.",
    ),
    (
        [others()],
        {"bond": bond(), "by": rule(binding="latest")},
        "newer_touch",
        "Your friend first came through you, but somebody else's more recent invitation was used, and this "
        "program follows the more recent one.",
    ),
    (
        [],
        {"bond": bond(days=400), "by": rule(lifetime_months=12)},
        "lifetime_over",
        "The time in which your friend's orders count for you is over: this program counts 12 months.",
    ),
    (
        [],
        {"bond": bond(converted=False), "by": rule(conversion_window=30 * DAY)},
        "outside_conversion_window",
        "Too much time lay between your friend's coming and the purchase: this program counts 30 days.",
    ),
    (
        [],
        {"bond": bond(days=-1)},
        "bond_began_later",
        "Your friend came through you only after the purchase.",
    ),
    (
        [],
        {"bond": bond(Share(ANA, 1_000_000, "participant_inactive"))},
        "participant_inactive",
        "Your friend came through you, but your participation was suspended at that time.",
    ),
]


@pytest.mark.parametrize(("touches", "case", "reason", "expected"), LOST, ids=[each[3][:60] for each in LOST])
def test_why_nothing_was_credited(
    touches: Sequence[Touch], case: dict[str, Any], reason: str, expected: str
) -> None:
    part = told(*touches, **case)
    assert part is not None
    assert (part.credited, part.share_ppm, part.reason) == (False, 0, reason)
    assert part.sentence == expected


REASONS = sorted(
    {*_PHRASES, *(reason for reason in get_args(ClickReason) if reason), *PARTICIPANT_SENTENCES}
    | {*DEFAULT_WEIGHTS, *PHRASES}
)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_words(reason: str) -> None:
    """Also those that are set before the decision: of clicks, of programs, of fraud rules."""
    part = told(mine(disqualified=reason))
    assert part is not None
    (touched,) = part.touches
    for text in (part.sentence, touched.sentence):
        assert re.fullmatch(r"[A-Z][^_{}]+\.", text)
        assert not re.search(r"device|payment|network|fraud|cheat|block list|robot", text)
    assert touched.reason == part.reason
    assert touched.reason == ("terms" if "under the program's terms" in part.sentence else reason)
    known = reason in PHRASES or reason in PARTICIPANT_SENTENCES or reason in DEFAULT_WEIGHTS
    assert known, f"say in PHRASES what a participant reads for {reason!r}"


def test_windows_and_bonds_cover_what_a_decision_can_say() -> None:
    documented = (attribution.Decision.__doc__ or "") + "".join(inspect.getsource(wording.too_old))
    assert set(re.findall(r"`(bond_\w+|lifetime_\w+|outside_\w+|newer_\w+)`", documented)) - {
        "bond_reason"
    } == (set(BONDS))
    assert set(re.findall(r'"(outside_\w+)"', documented)) == set(WINDOWS)


def judged(outcome: Any, reason: str = "same_device") -> Judgement:
    return Judgement(outcome, 60, (), reason, outcome)


@pytest.mark.parametrize(
    ("judgement", "case", "expected"),
    [
        (None, None, ""),
        (judged("allow"), None, ""),
        (judged("hold"), None, "We are checking this referral; this usually takes a few days."),
        (judged("hold"), "open", "We are checking this referral; this usually takes a few days."),
        (judged("hold"), "rejected", "This referral does not count under the program's terms."),
        (judged("hold", "self_referral"), "rejected", "The program does not reward your own purchases."),
        (judged("hold"), "approved", "We checked this referral, and it counts."),
        (judged("deny"), None, "This referral does not count under the program's terms."),
        (judged("deny"), "approved", "We checked this referral, and it counts."),
    ],
)
def test_checking_is_told_without_its_rules(judgement: Judgement | None, case: Any, expected: str) -> None:
    assert check_sentence(judgement, case) == expected


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        ("recorded", "purchase", ""),
        ("partly_refunded", "purchase", "A part of the order was returned since then."),
        ("refunded", "purchase", "The order was returned since then."),
        (
            "rejected",
            "signup",
            "The sign-up itself was taken back or does not count, so it brings no reward.",
        ),
    ],
)
def test_what_became_of_the_conversion(status: str, kind: str, expected: str) -> None:
    assert standing_sentence(status, kind) == expected


_PEOPLE = ("ana", "bob", "cem", "dora")
_CHANNELS = ("zz_channel_a", "zz_channel_b", "zz_channel_c", "zz_channel_d")
_FAULTS = st.none() | st.sampled_from(REASONS)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """A decision in which each person has instants of their own, so that a date tells whose it is."""
    touches = []
    for number in range(draw(st.integers(0, 7))):
        who = draw(st.integers(0, 3))
        before = timedelta(days=draw(st.integers(-2, 120)), seconds=4 * number + who + 1)
        made = touch(
            f"t{number}_{_PEOPLE[who]}",
            _PEOPLE[who],
            before=before,
            kind=draw(st.sampled_from(KINDS)),
            channel=_CHANNELS[who],
            disqualified=draw(_FAULTS),
        )
        touches.append(made)
    tie = None
    if draw(st.booleans()):
        people = draw(st.lists(st.sampled_from(_PEOPLE), min_size=1, max_size=3, unique=True))
        shares = tuple(Share(f"prt_{who}", 1_000_000 // len(people), draw(_FAULTS)) for who in people)
        tie = replace(bond(*shares, days=draw(st.integers(-5, 900))), converted_at=None)
    by = rule(
        draw(st.sampled_from(MODELS)),
        binding=draw(st.sampled_from(("first", "latest"))),
        lifetime_months=draw(st.none() | st.integers(1, 24)),
        conversion_window=draw(st.none() | st.integers(1, 60).map(lambda days: days * DAY)),
        signup_window=draw(st.none() | st.just(7 * DAY)),
        custom_weights=(0, 1),
    )
    return {
        "touches": touches,
        "bond": tie,
        "by": by,
        "kind": draw(st.sampled_from(get_args(ConversionKind))),
    }


@given(cases())
def test_nobody_else_is_ever_in_it(case: dict[str, Any]) -> None:
    part = told(*case.pop("touches"), **case)
    if part is None:
        return
    text = repr(asdict(part))
    assert "prt_" not in text
    assert "zz_channel" not in text
    for who in _PEOPLE[1:]:
        assert who not in text
    # Ana's touches alone lie at seconds of the form 4n + 1 before the purchase.
    assert {int((PURCHASE_AT - each.at).total_seconds()) % 4 for each in part.touches} <= {1}
    assert part.sentence.endswith(".")
    assert part.credited or not part.share_ppm
    assert list(part.touches) == sorted(part.touches, key=lambda each: each.at)
