"""What a participant may read of a decision: their own part of it, in plain words, and nobody else's.

Built from the touches and credits of one participant only. What somebody else did appears as no more than
that there was such a thing: no name, no id, no channel and no date of theirs. Pure: no Django and no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from tracking.fraud.facts import Judgement
from tracking.fraud.wording import PARTICIPANT_SENTENCES, participant_sentence

CaseStatus = Literal["open", "approved", "rejected"]

_REFUSED: Final = "this referral does not count under the program's terms"
_NO_PERSON: Final = "it was a program that looked at it and not a person"
_OPENED_BY_NOBODY: Final = "it was loaded ahead of time and nobody looked at it"

PHRASES: Final[Mapping[str, str]] = {
    "after_conversion": "that was after {event}",
    "kind_not_accepted": "contacts of this kind do not count in this program",
    "bound_to_other": "your friend had come through another invitation before, and stays with it",
    "not_first_click": "this program counts the first visit only",
    "not_last_click": "this program counts the last visit only",
    "lower_precedence": "something that ranks higher in this program was used as well",
    "zero_weight": "a visit at this point of the way carries no share in this program",
    "bot": _NO_PERSON,
    "datacentre": _NO_PERSON,
    "no_user_agent": _NO_PERSON,
    "head": _NO_PERSON,
    "preview": "that was a chat or mail program that showed what the link leads to",
    "prefetch": _OPENED_BY_NOBODY,
    "duplicate": "that repeats an earlier visit by the same person",
    "flood": "there were too many visits at once",
    "rate_limited": "there were too many visits at once",
    "own_link": "the program does not reward your own purchases",
    "program_paused": "the program was taking a break at that time",
    "program_ended": "the program was over by then",
    "program_not_live": "the program had not begun yet",
    "ineligible_segment": "the program's conditions were not met",
    "ineligible": "the program's conditions were not met",
    "participant_inactive": "your participation was suspended at that time",
}
"""Why a contact earned nothing, by its reason, as it goes on after a comma; windows have their own words."""

WINDOWS: Final = ("outside_click_window", "outside_signup_window", "outside_code_window")

BONDS: Final[Mapping[str, str]] = {
    "bond_began_later": "Your friend came through you only after {event}.",
    "lifetime_over": "The time in which your friend's orders count for you is over{lifetime}.",
    "outside_conversion_window": "Too much time lay between your friend's coming and {event}{within}.",
    "bond_disqualified": "Your friend came through you, but {phrase}.",
    "newer_touch": (
        "Your friend first came through you, but somebody else's more recent invitation was used, and this "
        "program follows the more recent one."
    ),
}
"""Why a friend who came by the participant before did not stay theirs, by the decision's `bond_reason`."""

_EVENTS: Final[Mapping[str, str]] = {
    "signup": "the sign-up",
    "purchase": "the purchase",
    "custom": "this step",
}
_WHOLES: Final[Mapping[str, str]] = {"signup": "sign-up", "purchase": "order", "custom": "step"}
_DEEDS: Final[Mapping[str, str]] = {
    "click": "your link was opened",
    "code": "your code was used",
    "manual": "this friend was assigned to you",
    "token": "your friend came with your personal invitation",
    "email": "your friend was recognised from an earlier visit through you",
}
_CLAIMS: Final[Mapping[str, str]] = {
    "manual_claim": "It was assigned to somebody else, and in this program an assignment comes before {own}.",
    "code_claim": "Somebody else's code was used for it, and in this program a code comes before {own}.",
    "token_claim": (
        "Somebody else's personal invitation was used, and in this program that comes before {own}."
    ),
    "email_claim": "Your friend was recognised from a visit through somebody else.",
}
_OWN: Final[Mapping[str, str]] = {
    "click": "a link",
    "code": "a code",
    "manual": "an assignment",
    "token": "a personal invitation",
    "email": "an earlier visit",
}
_LATER: Final[Mapping[str, str]] = {
    "click": "Somebody else's more recent link was used before {event}.",
    "code": "Somebody else's code was used after yours, and the later one counts.",
    "manual": "It was assigned to somebody else later, and the later assignment counts.",
    "token": "Somebody else's personal invitation was used after yours, and the later one counts.",
    "email": "Your friend was recognised from a more recent visit through somebody else.",
}
_BEATEN: Final = frozenset(
    {"bound_to_other", "not_first_click", "not_last_click", "lower_precedence", "zero_weight"}
)
"""Reasons of contacts that would have counted, had there not been another."""
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_WHOLE_PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class OwnTouch:
    """One contact that the participant made: what it was, whether it counts, and why (not).

    `reason` is `credited`, the decision's code, or `terms` where that code would tell which rule spoke.
    """

    at: datetime
    kind: str
    what: str
    sentence: str
    reason: str
    counts: bool


@dataclass(frozen=True, slots=True)
class OwnPart:
    """A decision as one participant may know it; `touches` are their own only, oldest first."""

    credited: bool
    share_ppm: int
    reason: str
    sentence: str
    touches: tuple[OwnTouch, ...]


def own_part(inputs: Mapping[str, Any], result: Mapping[str, Any], participant: str) -> OwnPart | None:
    """Turn a decision record into what one participant may read of it; None if they had no part in it.

    `inputs` and `result` are as stored with the decision, `participant` is a public id.
    """
    told = _Told(inputs, result, participant)
    credit = next((each for each in result["credits"] if each["participant"] == participant), None)
    if credit is None and not told.touches and told.share is None:
        return None
    touches = tuple(told.touch(each) for each in told.touches)
    if credit is not None:
        return OwnPart(True, credit["weight_ppm"], "credited", told.credited(credit["weight_ppm"]), touches)
    reason, sentence = told.not_credited()
    return OwnPart(False, 0, _public(reason), sentence, touches)


def check_sentence(judgement: Judgement | None, case: CaseStatus | None = None) -> str:
    """Say how checking the referral for misuse stands; nothing where there is nothing to tell.

    `case` is what became of the doubt by now; None while there is no case. No rule is named.
    """
    if case == "approved":
        return "We checked this referral, and it counts."
    if judgement is None:
        return ""
    if case == "rejected":
        return participant_sentence(replace(judgement, outcome="deny"))
    return "" if judgement.outcome == "allow" else participant_sentence(judgement)


def standing_sentence(status: str, kind: str) -> str:
    """Say what became of the conversion itself since then; nothing while it stands as it was recorded."""
    whole = _WHOLES[kind]
    if status == "rejected":
        return f"The {whole} itself was taken back or does not count, so it brings no reward."
    if status == "refunded":
        return f"The {whole} was returned since then."
    return f"A part of the {whole} was returned since then." if status == "partly_refunded" else ""


class _Told:
    """One participant's share of a decision record, and the sentences about it."""

    def __init__(self, inputs: Mapping[str, Any], result: Mapping[str, Any], participant: str) -> None:
        self.rule: Mapping[str, Any] = inputs["rule"]
        self.kind: str = inputs["kind"]
        self.at = datetime.fromisoformat(inputs["conversion_at"])
        self.reason: str = result["reason"]
        self.bond_reason: str | None = result["bond_reason"]
        self.touches: Sequence[Mapping[str, Any]] = [
            each for each in inputs["touches"] if each["participant"] == participant
        ]
        self.losses: Mapping[str, str] = {
            each["touch_id"]: each["reason"]
            for each in result["rejected"]
            if each["participant"] == participant
        }
        shares = () if inputs["bond"] is None else inputs["bond"]["shares"]
        self.share: Mapping[str, Any] | None = next(
            (each for each in shares if each["participant"] == participant), None
        )

    @property
    def event(self) -> str:
        return _EVENTS[self.kind]

    def touch(self, touch: Mapping[str, Any]) -> OwnTouch:
        reason = self.losses.get(touch["id"])
        return OwnTouch(
            at=datetime.fromisoformat(touch["occurred_at"]),
            kind=touch["kind"],
            what=_sentence(_DEEDS[touch["kind"]]),
            sentence="It counts." if reason is None else _sentence(self.phrase(touch, reason)),
            reason=_public(reason) if reason else "credited",
            counts=reason is None,
        )

    def credited(self, weight_ppm: int) -> str:
        whole = _WHOLES[self.kind]
        if weight_ppm < _WHOLE_PPM:
            return (
                f"You were credited with {_percent(weight_ppm)} of the {whole}, because several invitations "
                "led to it."
            )
        bound = ", because your friend first came through you" if self.reason == "bound_referrer" else ""
        return f"You were credited with the whole {whole}{bound}."

    def not_credited(self) -> tuple[str, str]:
        """Return the reason and the sentence of what told most against the participant."""
        if self.share is not None and self.share["disqualified"]:
            phrase = self.phrase({}, self.share["disqualified"])
            return self.share["disqualified"], BONDS["bond_disqualified"].format(phrase=phrase)
        bond = None if self.share is None else self.bond_reason
        if bond == "newer_touch":
            return bond, BONDS[bond]
        beaten = [each for each in self.touches if self.losses[each["id"]] in _BEATEN]
        if beaten:
            return self.losses[beaten[-1]["id"]], self._beaten(beaten[-1])
        if bond is not None:
            return bond, self._bond(bond)
        last = self.touches[-1]
        reason = self.losses[last["id"]]
        deed = _sentence(_DEEDS[last["kind"]]).removesuffix(".")
        if reason == "after_conversion":
            return reason, f"{deed} after {self.event}."
        if reason in WINDOWS:
            return reason, f"{deed} {self._too_old(last, reason)}."
        return reason, f"{deed}, but {self.phrase(last, reason)}."

    def phrase(self, touch: Mapping[str, Any], reason: str) -> str:
        """Return why a contact earned nothing; a reason without words of its own is not read out."""
        if reason in WINDOWS:
            return f"that was {self._too_old(touch, reason)}"
        if reason in PHRASES:
            return PHRASES[reason].format(event=self.event)
        denied = PARTICIPANT_SENTENCES.get(reason, ("", ""))[1]
        return denied[:1].lower() + denied[1:].removesuffix(".") if denied else _REFUSED

    def _beaten(self, touch: Mapping[str, Any]) -> str:
        kind, reason = touch["kind"], self.losses[touch["id"]]
        if reason == "bound_to_other":
            return "Your friend had come through somebody else's invitation before, and stays with it."
        if reason == "not_first_click":
            return "Somebody else's link was opened before yours, and this program counts the first."
        if reason == "not_last_click" or self.reason == f"{kind}_claim":
            return _LATER[kind].format(event=self.event)
        if reason == "lower_precedence" and self.reason in _CLAIMS:
            return _CLAIMS[self.reason].format(own=_OWN[kind])
        deed = _sentence(_DEEDS[kind]).removesuffix(".")
        return f"{deed}, but {self.phrase(touch, reason)}."

    def _bond(self, reason: str) -> str:
        months, window = self.rule["lifetime_months"], self.rule["conversion_window_seconds"]
        return BONDS[reason].format(
            event=self.event,
            lifetime="" if months is None else f": this program counts {_number(months, 'month')}",
            within="" if window is None else f": this program counts {_window(window)}",
            phrase=_REFUSED,
        )

    def _too_old(self, touch: Mapping[str, Any], reason: str) -> str:
        window = self.rule[f"{reason.removeprefix('outside_')}_seconds"]
        age = self.at - datetime.fromisoformat(touch["occurred_at"])
        return f"{_age(age, window)} before {self.event}; this program counts {_window(window)}"


def _public(reason: str) -> str:
    """Return the reason's code; one that would tell which rule spoke is `terms`, as its sentence is."""
    own = PARTICIPANT_SENTENCES.get(reason, ("", ""))[1]
    known = reason in PHRASES or reason in WINDOWS or reason in BONDS
    return reason if known or (own and own != _sentence(_REFUSED)) else "terms"


def _sentence(phrase: str) -> str:
    return f"{phrase[:1].upper()}{phrase[1:]}."


def _number(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _window(seconds: int) -> str:
    """Write a window in the largest unit that divides it."""
    unit, size = _UNITS[_unit_of(seconds)]
    return _number(seconds // size, unit)


def _unit_of(seconds: int) -> int:
    return next(place for place, (_, size) in enumerate(_UNITS) if seconds % size == 0)


def _age(age: timedelta, window: int) -> str:
    """Write an age in its shorter window's unit, and in the next where that alone shows no difference."""
    left, parts = age // timedelta(seconds=1), []
    for unit, size in _UNITS[_unit_of(window) :]:
        number, left = divmod(left, size)
        if number:
            parts.append(_number(number, unit))
        if len(parts) == 2 or (parts and number > window // size):
            break
    return " and ".join(parts)


def _percent(ppm: int) -> str:
    """Write a share in per cent with two decimals at most: 400,000 is `40 %`, 333,333 is `33.33 %`."""
    hundredths = (ppm + 50) // 100
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0") + " %" if rest else f"{whole} %"
