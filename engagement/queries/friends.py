"""A participant's friends: where each stands, what comes next, and where the reward is.

The answers are read off the stored decisions and rewards and put gently: no other person is named, and no
suspicion is spoken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.core.paginator import Page
from django.db.models import QuerySet

from core.money import display
from engagement.queries.offers import is_worth_telling
from engagement.queries.people import SOMEBODY, friend_name
from programs.models import Customer, Participant
from programs.terms import ProgramTerms
from rewards.models import Reward
from rewards.queries import Destination, destination_of
from tracking.appeal_queries import OwnExplanation
from tracking.models import Attribution, Conversion, Credit, Referral

FRIEND_WORDS: Final[Mapping[str, str]] = {
    Referral.Status.STARTED: "Joined, no purchase yet",
    Referral.Status.QUALIFIED: "Joined and confirmed",
    Referral.Status.CONVERTED: "Purchased",
    Referral.Status.ENDED: "Finished",
    Referral.Status.REJECTED: "Not counted",
}
ANSWERS_EACH: Final = 3
_NO_REWARD: Final = "Counted for you. This step itself carries no reward."
_MOST_ROWS: Final = 200

_NOT_EARNED: Final[Mapping[str, str]] = {
    "not_first": "Only the first one is rewarded, and this was a later one.",
    "not_first_purchase": "Only the first purchase is rewarded, and this was a later one.",
    "outside_duration": "The months in which this friend's orders are rewarded are over.",
    "below_minimum_order": "The order was smaller than the offer asks for.",
    "not_new_customer": "The offer is for people who are new, and your friend had bought before.",
    "country_unknown": "The offer holds in certain countries only, and this order's country is not known.",
    "country_not_allowed": "The offer does not hold in the country of this order.",
    "conditions_not_met": "The offer has conditions, and one of them was not met.",
    "zero_amount": "The reward for so small an order comes to nothing.",
    "credited_elsewhere": "Several invitations led to this order, and the largest part went to another one.",
}
"""Why a reward was not given, by its stored reason."""

_NOT_COUNTED: Final[Mapping[str, str]] = {
    "after_conversion": "Your link was opened after this order.",
    "outside_click_window": "The visit through your link was too long before this order.",
    "outside_code_window": "Your code was used too long before this order.",
    "bound_to_other": "Your friend had come through another invitation before.",
    "own_link": "Orders of one's own do not count.",
    "self_referral": "Orders of one's own do not count.",
    "program_paused": "The program was taking a break at that time.",
    "program_ended": "The program was over at that time.",
    "participant_inactive": "Your participation was suspended at that time.",
}
"""Why a visit or a code did not count for an order, by the reason in the stored decision."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the reward for one thing a friend did is, in a sentence; `conversion` is its public id."""

    about: str
    at: datetime
    sentence: str
    conversion: str


@dataclass(frozen=True, slots=True)
class Friend:
    """A friend as the referrer may see them; `gains` is what they brought, `following` what comes next."""

    name: str
    status: str
    words: str
    since: datetime
    gains: tuple[str, ...]
    following: str
    answers: tuple[Answer, ...]

    @property
    def initial(self) -> str:
        """The letter in the friend's circle."""
        return self.name[0].upper()


def referrals_of(participant: Participant) -> QuerySet[Referral]:
    """Return the participant's referrals with the friends, newest first."""
    rows: QuerySet[Referral] = Referral.objects.for_workspace(participant.workspace_id)
    return rows.filter(participant=participant).select_related("customer").order_by("-started_at", "-pk")


def friend_lines(
    page: Page[Referral],
    participant: Participant,
    terms: ProgramTerms,
    *,
    paid_to: Destination | None,
    at: datetime,
) -> tuple[Friend, ...]:
    """Return a page of referrals in words, in three queries however long it is."""
    shown = list(page)
    rewards: defaultdict[int, list[Reward]] = defaultdict(list)
    for reward in _rewards(participant, shown):
        rewards[reward.referral_id].append(reward)
    credited: defaultdict[int, dict[int, Conversion]] = defaultdict(dict)
    for credit in _credits(participant, shown):
        credited[credit.referral_id][credit.conversion_id] = credit.conversion
    decided: defaultdict[int, list[Attribution]] = defaultdict(list)
    for decision in _decisions(participant, shown):
        decided[decision.conversion.customer_id].append(decision)
    return tuple(
        _friend(
            referral,
            _Facts(
                participant=participant,
                terms=terms,
                at=at,
                paid_to=paid_to,
                rewards=rewards[referral.pk],
                credited=credited[referral.pk],
                decided=decided[referral.customer_id],
            ),
        )
        for referral in shown
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """All that is stored about one friend, newest first."""

    participant: Participant
    terms: ProgramTerms
    at: datetime
    paid_to: Destination | None
    rewards: Sequence[Reward]
    credited: Mapping[int, Conversion]
    decided: Sequence[Attribution]


def _rewards(participant: Participant, shown: Sequence[Referral]) -> QuerySet[Reward]:
    rows: QuerySet[Reward] = Reward.objects.for_workspace(participant.workspace_id)
    return (
        rows.filter(referral__in=shown, participant=participant, side=Reward.Side.REFERRER)
        .select_related("conversion")
        .order_by("-pk")[:_MOST_ROWS]
    )


def _credits(participant: Participant, shown: Sequence[Referral]) -> QuerySet[Credit]:
    rows: QuerySet[Credit] = Credit.objects.for_workspace(participant.workspace_id)
    return (
        rows.filter(referral__in=shown, participant=participant)
        .select_related("conversion")
        .order_by("-conversion__occurred_at", "-pk")[:_MOST_ROWS]
    )


def _decisions(participant: Participant, shown: Sequence[Referral]) -> QuerySet[Attribution]:
    rows: QuerySet[Attribution] = Attribution.objects.for_workspace(participant.workspace_id)
    return (
        rows.filter(
            program_id=participant.program_id,
            conversion__customer_id__in=[referral.customer_id for referral in shown],
        )
        .select_related("conversion")
        .order_by("-conversion__occurred_at", "-pk")[:_MOST_ROWS]
    )


def _friend(referral: Referral, facts: _Facts) -> Friend:
    return Friend(
        name=friend_name(referral.customer),
        status=referral.status,
        words=FRIEND_WORDS[referral.status],
        since=referral.started_at,
        gains=_gains(facts.rewards),
        following=_following(referral, facts.terms),
        answers=_answers(facts),
    )


def _gains(rewards: Sequence[Reward]) -> tuple[str, ...]:
    totals: defaultdict[str, int] = defaultdict(int)
    for reward in rewards:
        if reward.status not in (Reward.Status.DENIED, Reward.Status.REVERSED, Reward.Status.EXPIRED):
            totals[reward.unit] += reward.net_minor
    return tuple(f"+{display(minor, unit)}" for unit, minor in sorted(totals.items()) if minor)


def _following(referral: Referral, terms: ProgramTerms) -> str:
    """Say what the friend can still bring; nothing when that is over."""
    rules = [rule for rule in terms.rewards if rule.side == "referrer"]
    if not rules or referral.status in (Referral.Status.REJECTED, Referral.Status.ENDED):
        return ""
    paid = {rule.event for rule in rules}
    if referral.status == Referral.Status.CONVERTED:
        goes_on = any(rule.event == "purchase" and not rule.first_only for rule in rules)
        return "Each further purchase counts, too." if goes_on else ""
    if "purchase" in paid:
        return "Next: the first purchase, which brings your reward."
    named = next((rule.event_name for rule in rules if rule.event == "custom"), None)
    return f"Next: “{named}”, which brings your reward." if named else ""


def _answers(facts: _Facts) -> tuple[Answer, ...]:
    by_conversion: dict[int, Conversion] = dict(facts.credited)
    for decision in facts.decided:
        by_conversion.setdefault(decision.conversion_id, decision.conversion)
    latest = sorted(by_conversion.values(), key=lambda each: (each.occurred_at, each.pk), reverse=True)
    found = []
    for conversion in latest:
        sentence = _sentence(conversion, facts)
        if sentence:
            found.append(
                Answer(
                    about=deed_of(conversion),
                    at=conversion.occurred_at,
                    sentence=sentence,
                    conversion=conversion.public_id,
                )
            )
    return tuple(found[:ANSWERS_EACH])


def deed_of(conversion: Conversion) -> str:
    """Return what the friend did, in a word."""
    return {
        Conversion.Kind.SIGNUP: "Sign-up",
        Conversion.Kind.PURCHASE: "Purchase",
    }.get(Conversion.Kind(conversion.kind), conversion.event_name.replace("_", " ").capitalize() or "Event")


def _sentence(conversion: Conversion, facts: _Facts) -> str:
    """Return where the reward for a conversion is; nothing when the participant had no part in it."""
    if conversion.pk in facts.credited:
        if conversion.status == Conversion.Status.REJECTED:
            return f"{facts.participant.workspace.name} does not count it, so it brings no reward."
        own = [reward for reward in facts.rewards if reward.conversion_id == conversion.pk]
        if own:
            # A reward that is on its way says more than one that was not given beside it.
            chosen = min(own, key=lambda reward: reward.status == Reward.Status.DENIED)
            return _standing(chosen, facts.participant, facts.paid_to, facts.at)
        return _NO_REWARD
    own_id = facts.participant.public_id
    decision = next(each for each in facts.decided if each.conversion_id == conversion.pk)
    lost = [each for each in decision.result.get("rejected", ()) if each["participant"] == own_id]
    if not lost:
        return ""
    return _NOT_COUNTED.get(
        lost[-1]["reason"], "By the rules of the program, this order counted for another invitation."
    )


def rewards_in_words(explanation: OwnExplanation) -> list[dict[str, str]]:
    """Return where the participant's own rewards for a conversion are: `status` and `sentence` of each.

    One without a status where nothing was promised; nothing at all where they were not credited.
    """
    participant = explanation.participant
    rows: QuerySet[Reward] = Reward.objects.for_workspace(participant.workspace_id)
    paid_to = destination_of(participant.customer)
    found = [
        {"status": reward.status, "sentence": _standing(reward, participant, paid_to, explanation.at)}
        for reward in rows.filter(
            conversion=explanation.conversion, participant=participant, side=Reward.Side.REFERRER
        ).order_by("pk")
    ]
    return found or ([{"status": "", "sentence": _NO_REWARD}] if explanation.part.credited else [])


def named_friend(participant: Participant, customer: Customer) -> str:
    """Return a friend's name as the participant sees it; of somebody who is not theirs, no name at all."""
    brought = Referral.objects.for_workspace(participant.workspace_id)
    theirs = brought.filter(participant=participant, customer=customer).exists()
    return friend_name(customer) if theirs else SOMEBODY


def _standing(reward: Reward, participant: Participant, paid_to: Destination | None, at: datetime) -> str:
    shop = participant.workspace.name
    cash = reward.kind == Reward.Kind.CASH
    match Reward.Status(reward.status):
        case Reward.Status.PENDING:
            if reward.available_at <= at:
                return f"The waiting time is over. {shop} confirms it next."
            return (
                f"It is on hold until {_day(reward, participant)}, because orders can be returned until then."
            )
        case Reward.Status.HELD:
            if reward.reason == "currency_differs":
                return f"The order was paid in another currency. {shop} works out your reward by hand."
            return f"{shop} takes a closer look before it is confirmed. You need not do anything."
        case Reward.Status.APPROVED | Reward.Status.ISSUED:
            return _confirmed(reward, paid_to, cash=cash)
        case Reward.Status.PAID:
            return "It was paid out."
        case Reward.Status.REDEEMED:
            return "You have used it."
        case Reward.Status.REVERSED:
            return "The order was returned, so the reward was taken back."
        case Reward.Status.EXPIRED:
            return "It has expired."
        case Reward.Status.DENIED:
            return _NOT_EARNED.get(
                reward.reason,
                f"By the terms it brings no reward. If you think that is wrong, ask {shop}.",
            )


def _confirmed(reward: Reward, paid_to: Destination | None, *, cash: bool) -> str:
    if not cash:
        return "It is confirmed and yours." if is_worth_telling(reward) else "It was taken back."
    if reward.payout_id is not None:
        return "It is part of a payout that is on its way."
    if paid_to is None or paid_to.refused:
        return "It is confirmed. To pay it out, we need to know where to send your money."
    return "It is confirmed and part of the next payout."


def _day(reward: Reward, participant: Participant) -> str:
    local = reward.available_at.astimezone(ZoneInfo(participant.workspace.time_zone))
    return f"{local.day} {local:%B %Y}"
