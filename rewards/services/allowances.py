"""Caps and budgets: taken when a reward is promised, given back as far as it is denied or taken back.

The rows of what is used are locked before anything is promised against them, so that a cap of 100 grants
100 however many ask at once. What was promised once keeps its amount: taken up again, or given back after a
refund that was wrong, it counts in full, also above the limit; the next promise then finds nothing left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from accounts.models import Workspace
from accounts.services import SYSTEM
from core.events import emit
from core.money import POINTS, display
from programs.models import Program
from programs.services import change_program_status
from programs.terms import CapTerms, ProgramTerms
from rewards.exchange import Rate, convert
from rewards.models import Allowance, Reservation, Reward
from rewards.periods import period_key

_STANDING_DOWN = (Reward.Status.DENIED, Reward.Status.REVERSED)
DIVISIBLE = (Reward.Kind.CASH, Reward.Kind.CREDIT)
"""Kinds of which a part can be given where a cap leaves no more; of the others it is all or nothing."""

_Place = tuple[int, str, int | None, str]
"""Program, key of the cap, participant, period."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One cap as it applies to one reward."""

    cap: CapTerms
    place: _Place


def limits_on(reward: Reward, terms: ProgramTerms, occurred_at: datetime, zone: ZoneInfo) -> list[Limit]:
    """Return the caps of a program that a reward counts in, in the terms' order.

    A participant's cap counts what that participant earns as a referrer; the program's counts both sides.
    """
    return [
        Limit(
            cap,
            (
                reward.program_id,
                cap.key,
                reward.participant_id if cap.scope == "participant" else None,
                period_key(cap.period, occurred_at, zone),
            ),
        )
        for cap in terms.caps
        if (not cap.rules or reward.rule_key in cap.rules)
        and (cap.scope == "program" or reward.participant_id is not None)
    ]


class Allowances:
    """The caps that some new rewards count in, locked until the end of the transaction."""

    def __init__(self, workspace: Workspace, wanted: Sequence[tuple[Reward, Sequence[Limit]]]) -> None:
        self._workspace = workspace
        self._limits = {id(reward): limits for reward, limits in wanted}
        self._taken: list[tuple[Reward, Limit]] = []
        self._rows = _locked(
            workspace, {limit.place for _, limits in wanted for limit in limits}, make_missing=True
        )

    def fit(self, reward: Reward) -> None:
        """Cut a reward to what its caps leave, or deny it (`cap_reached`) where they leave nothing."""
        limits = self._limits.get(id(reward), ())
        if not limits or reward.status == Reward.Status.DENIED:
            return
        for limit in limits:
            left = self._left(reward, limit)
            if left is None or left >= max(reward.amount_minor, 1):
                continue
            if left <= 0 or reward.kind not in DIVISIBLE:
                self._refuse(reward, limit)
                return
            cut(reward, left)
            reward.sentence += f" The cap “{limit.cap.key}” leaves {display(left, reward.unit)} of it."
        for limit in limits:
            row = self._rows[limit.place]
            row.used_minor += _money(reward)
            row.used_count += _count(reward)
            self._taken.append((reward, limit))

    def _left(self, reward: Reward, limit: Limit) -> int | None:
        """Return how much a cap leaves for a reward; None where it does not bind it."""
        row, cap = self._rows[limit.place], limit.cap
        if cap.limit_count is not None and _count(reward) and row.used_count >= cap.limit_count:
            return 0
        if cap.limit_minor is None or reward.unit == POINTS:
            return None
        return max(cap.limit_minor - row.used_minor, 0) if reward.amount_minor else None

    def _refuse(self, reward: Reward, limit: Limit) -> None:
        reward.status, reward.reason = Reward.Status.DENIED, "cap_reached"
        cut(reward, 0)
        reward.sentence = f"{cap_text(limit.cap, reward.program)} is used up."

    def room(self, reward: Reward) -> int | None:
        """Return by how much money a reward that counts already may grow; None for without limit."""
        limits = self._limits.get(id(reward), ())
        left = [
            limit.cap.limit_minor - self._rows[limit.place].used_minor
            for limit in limits
            if limit.cap.limit_minor is not None and reward.unit != POINTS
        ]
        return max(min(left), 0) if left else None

    def save(self, *, at: datetime) -> None:
        """Store what was taken, once the rewards have their keys; tell of budgets that are nearly used up."""
        if not self._taken:
            return
        Reservation.objects.bulk_create(
            Reservation(
                workspace=self._workspace,
                allowance=self._rows[limit.place],
                reward=reward,
                amount_minor=_money(reward),
                counted=_count(reward),
            )
            for reward, limit in self._taken
        )
        caps = {limit.place: (limit.cap, reward.program) for reward, limit in self._taken}
        rows = [self._rows[place] for place in caps]
        for place, (cap, program) in caps.items():
            if cap.scope == "program":
                self._tell(self._rows[place], cap, program, at)
        Allowance.objects.for_workspace(self._workspace).bulk_update(
            rows, ["used_minor", "used_count", "warned_80_at", "warned_100_at"], batch_size=500
        )

    def _tell(self, row: Allowance, cap: CapTerms, program: Program, at: datetime) -> None:
        share = used_percent(row, cap)
        for percent, field in ((80, "warned_80_at"), (100, "warned_100_at")):
            if share < percent:
                # A cap that was raised meanwhile is told of anew.
                setattr(row, field, None)
            elif getattr(row, field) is None:
                setattr(row, field, at)
                emit(
                    "budget.reached",
                    at=at,
                    program=program.public_id,
                    cap=cap.key,
                    percent=percent,
                    period=row.period,
                )
        if share >= 100 and cap.pause and program.status == Program.Status.ACTIVE:
            change_program_status(
                program=program,
                status=Program.Status.PAUSED,
                actor=SYSTEM,
                reason=f"{cap_text(cap, program)} is used up.",
                at=at,
            )


def cut(reward: Reward, amount_minor: int) -> None:
    """Make a reward worth this amount, in the workspace's currency too."""
    reward.amount_minor = amount_minor
    if reward.reporting_minor is None:
        return
    if reward.reporting_rate is None or reward.reporting_on is None:
        reward.reporting_minor = amount_minor
        return
    rate = Rate(Fraction(reward.reporting_rate), reward.reporting_source, reward.reporting_on)  # type: ignore[arg-type]
    reward.reporting_minor = convert(amount_minor, reward.unit, reward.reporting_currency, rate)


def used_percent(row: Allowance, cap: CapTerms) -> int:
    """Return how much of a cap is used, in whole percent rounded down; the fuller of money and number."""
    shares = [0]
    if cap.limit_minor is not None:
        shares.append(100 * row.used_minor // cap.limit_minor)
    if cap.limit_count is not None:
        shares.append(100 * row.used_count // cap.limit_count)
    return max(shares)


def cap_text(cap: CapTerms, program: Program) -> str:
    """Name a cap for people: "The program's budget “spring” of this month"."""
    whose = "participant's cap" if cap.scope == "participant" else "program's budget"
    when = "" if cap.period == "lifetime" else f" of this {cap.period}"
    return f"The {whose} “{cap.key}”{when}"


def follow(*, workspace: Workspace, rewards: Iterable[Reward]) -> None:
    """Make what rewards take of their caps equal what they are worth now; repeating it changes nothing.

    The caller holds the rewards. Rewards without a cap cost one statement for all of them.
    """
    by_key = {reward.pk: reward for reward in rewards}
    if not by_key:
        return
    stored = list(
        Reservation.objects.for_workspace(workspace).filter(reward__in=list(by_key)).order_by("allowance_id")
    )
    changed = [each for each in stored if _differs(each, by_key[each.reward_id])]
    if not changed:
        return
    rows = {
        row.pk: row
        for row in Allowance.objects.for_workspace(workspace)
        .select_for_update(no_key=True)
        .filter(pk__in={each.allowance_id for each in changed})
        .order_by("pk")
    }
    for each in changed:
        amount_minor, counted = _wanted(by_key[each.reward_id])
        row = rows[each.allowance_id]
        row.used_minor += amount_minor - each.amount_minor
        row.used_count += counted - each.counted
        each.amount_minor, each.counted = amount_minor, counted
    Reservation.objects.for_workspace(workspace).bulk_update(
        changed, ["amount_minor", "counted"], batch_size=500
    )
    Allowance.objects.for_workspace(workspace).bulk_update(
        rows.values(), ["used_minor", "used_count"], batch_size=500
    )


def _differs(each: Reservation, reward: Reward) -> bool:
    return (each.amount_minor, each.counted) != _wanted(reward)


def _wanted(reward: Reward) -> tuple[int, int]:
    """Return what a reward takes as it stands now, in money and in number."""
    taken_back = reward.amount_minor > 0 and not reward.net_minor
    if reward.status in _STANDING_DOWN or taken_back:
        # What was paid keeps its status when all of it is taken back, and its owner owes it.
        return 0, 0
    return _money(reward), _count(reward)


def _money(reward: Reward) -> int:
    return 0 if reward.unit == POINTS else reward.net_minor


def _count(reward: Reward) -> int:
    # What a tier added afterwards is no reward of its own.
    return 0 if reward.step else 1


def _locked(
    workspace: Workspace, places: set[_Place], *, make_missing: bool = False
) -> dict[_Place, Allowance]:
    """Lock the rows of these places, in the order of their keys; those that are missing are made first."""
    if not places:
        return {}
    rows = Allowance.objects.for_workspace(workspace).filter(
        program__in={place[0] for place in places},
        cap_key__in={place[1] for place in places},
        period__in={place[3] for place in places},
    )
    found = {_place(row): row.pk for row in rows}
    missing = sorted(places - set(found), key=lambda place: (place[0], place[1], place[2] or 0, place[3]))
    if missing and make_missing:
        Allowance.objects.bulk_create(
            (
                Allowance(
                    workspace=workspace,
                    program_id=program_id,
                    cap_key=cap_key,
                    participant_id=participant_id,
                    period=period,
                )
                for program_id, cap_key, participant_id, period in missing
            ),
            ignore_conflicts=True,
        )
        found = {_place(row): row.pk for row in rows.all()}
    locked = (
        Allowance.objects.for_workspace(workspace)
        .select_for_update(no_key=True)
        .filter(pk__in=[pk for place, pk in found.items() if place in places])
        .order_by("pk")
    )
    return {_place(row): row for row in locked}


def _place(row: Allowance) -> _Place:
    return row.program_id, row.cap_key, row.participant_id, row.period
