"""The check of the books: everything that is kept twice is added up again and compared.

Each check is a small function that lets the database compare and yields only what differs. A new kind of
money movement gets its own function here and a line in `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from accounts.models import Workspace
from rewards.queries.books import accounts, allowances, payouts, rewards, spending
from rewards.queries.books.accounts import Sums, sums
from rewards.queries.books.shapes import Check, Difference

__all__ = [
    "CHECKS",
    "SHOWN",
    "Check",
    "Checked",
    "Difference",
    "Sums",
    "check_books",
    "differences",
    "run_check",
    "sums",
]

SHOWN: Final = 100
"""So many differences of each check are told one by one; the others are counted."""

CHECKS: Final[tuple[Check, ...]] = (
    Check(
        "units", "All balances in a unit sum to zero.", rows=accounts.units, wrong=accounts.unbalanced_units
    ),
    Check(
        "mixed_units",
        "Each transfer counts in the unit of both its accounts.",
        rows=accounts.all_transfers,
        wrong=accounts.mixed_transfers,
    ),
    Check(
        "repeated",
        "No transfer was made twice.",
        rows=accounts.all_transfers,
        wrong=accounts.repeated_transfers,
    ),
    Check(
        "balances",
        "Each account's balance is the sum of its transfers.",
        rows=accounts.all_accounts,
        wrong=accounts.wrong_balances,
    ),
    Check(
        "rewards",
        "Each reward's value stands where its status says.",
        rows=rewards.all_rewards,
        wrong=rewards.misplaced_rewards,
    ),
    Check(
        "spent",
        "What counts as spent of a reward is what redemptions took of it.",
        rows=rewards.spendable_rewards,
        wrong=rewards.wrongly_spent_rewards,
    ),
    Check(
        "redemptions",
        "Each redemption took its amount, or gave it back when it was cancelled.",
        rows=spending.all_redemptions,
        wrong=spending.misplaced_redemptions,
    ),
    Check(
        "credited",
        "Points that were redeemed for store credit gave as much as was promised.",
        rows=spending.redemptions_for_credit,
        wrong=spending.miscredited_redemptions,
    ),
    Check(
        "redemption_parts",
        "A redemption's parts are never more than the redemption.",
        rows=spending.all_redemptions,
        wrong=spending.overfull_redemptions,
    ),
    Check(
        "adjustments",
        "Each adjustment moved what was applied, and nothing before.",
        rows=spending.all_adjustments,
        wrong=spending.misplaced_adjustments,
    ),
    Check(
        "payouts",
        "Each payout's money stands where its status says.",
        rows=payouts.all_payouts,
        wrong=payouts.misplaced_payouts,
    ),
    Check(
        "batches",
        "Each batch's totals are those of its payouts: in all, paid and failed.",
        rows=payouts.all_batches,
        wrong=payouts.wrong_batches,
    ),
    Check(
        "allowances",
        "What a cap counts as used is the sum of its reservations.",
        rows=allowances.all_allowances,
        wrong=allowances.wrong_allowances,
    ),
    Check(
        "reservations",
        "No reward takes more of a cap than is left of it.",
        rows=allowances.all_reservations,
        wrong=allowances.excessive_reservations,
    ),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found: how many rows it looked at, how many differences there are, and the first."""

    key: str
    sentence: str
    checked: int
    differing: int
    shown: tuple[Difference, ...]


def check_books(workspace: Workspace, *, each: Callable[[Checked], None] | None = None) -> list[Checked]:
    """Run every check over a workspace's books; `each` hears of every one as it is done."""
    found = []
    for check in CHECKS:
        done = run_check(check, workspace)
        found.append(done)
        if each is not None:
            each(done)
    return found


def run_check(check: Check, workspace: Workspace) -> Checked:
    """Run one check over a workspace's books."""
    wrong = check.wrong(workspace)
    shown = tuple(islice(wrong, SHOWN))
    more = sum(1 for _ in wrong)
    return Checked(check.key, check.sentence, check.rows(workspace).count(), len(shown) + more, shown)


def differences(workspace: Workspace) -> list[Difference]:
    """Return what does not add up in a workspace's books, at most `SHOWN` of each check; empty when right."""
    return list(_all(workspace))


def _all(workspace: Workspace) -> Iterator[Difference]:
    for check in CHECKS:
        yield from islice(check.wrong(workspace), SHOWN)
