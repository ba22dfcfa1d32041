"""A simple model of what rewards owe: plain dictionaries and sums, no locks, no keys, no database.

The program it knows: 10 % in cash, 20 % for everything from the third friend on; 3.00 of store credit for the
friend; 20.00 for the third friend. The whole program may promise 90.00, one participant five rewards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

FRIENDS, BONUS, THANKS, BUDGET, MOST = 3, 2000, 300, 9000, 5

RULES: list[dict[str, Any]] = [
    {
        "key": "commission",
        "side": "referrer",
        "event": "purchase",
        "kind": "cash",
        "amount": {"type": "percentage", "bps": 1000},
        "tiers": [{"at_least": FRIENDS, "amount": {"type": "percentage", "bps": 2000}}],
        "tier_mode": "retroactive",
    },
    {
        "key": "thanks",
        "side": "referee",
        "event": "purchase",
        "kind": "credit",
        "amount": {"type": "fixed", "minor": THANKS},
    },
    {
        "key": "third",
        "side": "referrer",
        "event": "milestone",
        "kind": "cash",
        "amount": {"type": "fixed", "minor": BONUS},
        "milestone": {"basis": "friends", "at_least": FRIENDS, "repeat": False},
    },
]

_LIMIT: dict[str, Any] = {"limit_minor": None, "limit_count": None, "rules": [], "pause": False}
CAPS: list[dict[str, Any]] = [
    {**_LIMIT, "key": "budget", "scope": "program", "period": "lifetime", "limit_minor": BUDGET},
    {**_LIMIT, "key": "person", "scope": "participant", "period": "lifetime", "limit_count": MOST},
]


def part(amount: int, numerator: int, denominator: int) -> int:
    """Return a proportion rounded half-even."""
    low = amount * numerator // denominator
    rest = 2 * (amount * numerator - low * denominator)
    return low + (1 if rest > denominator or (rest == denominator and low % 2) else 0)


@dataclass
class Sale:
    """A purchase of a participant's friend; sales are numbered in the order of their time."""

    number: int
    who: int
    friend: int
    amount: int
    refunded: int = 0
    rejected: bool = False

    @property
    def undone(self) -> bool:
        return self.rejected or self.refunded == self.amount


@dataclass
class Owed:
    """One reward: whose, for which sale and rule, and what became of it."""

    sale: Sale
    rule: str
    step: int
    owner: str
    amount: int
    tier: int = 0
    back: int = 0
    status: str = "pending"
    before: str = "pending"
    payout: int | None = None

    @property
    def net(self) -> int:
        return self.amount - self.back

    @property
    def counts(self) -> bool:
        return self.status not in ("denied", "reversed") and (self.net > 0 or not self.amount)


@dataclass
class Payout:
    """Money of one participant in a batch."""

    owner: str
    amount: int
    status: str = "pending"


@dataclass
class Model:
    """All that is owed."""

    sales: list[Sale] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)
    spent: dict[str, int] = field(default_factory=dict)
    reached: list[int] = field(default_factory=list)

    # What counts.

    def friends(self, who: int) -> dict[int, int]:
        """Return the friends who keep something they bought, each with the number of their first sale."""
        mine = [sale for sale in self.sales if sale.who == who]
        kept = {sale.friend for sale in mine if not sale.undone}
        return {friend: min(s.number for s in mine if s.friend == friend) for friend in kept}

    def used(self) -> int:
        return sum(each.net for each in self.owed if each.counts)

    def number_of(self, who: int) -> int:
        return sum(each.counts for each in self.owed if each.owner == f"p{who}" and not each.step)

    # What happens.

    def settle(self, *sales: Sale) -> None:
        """Make what is owed match these sales, and then what a tier reached by them adds to earlier ones."""
        self.take_in(*sales)
        self.hear()

    def take_in(self, *sales: Sale) -> None:
        """Make what is owed match these sales, as one group."""
        fresh = [each for sale in sales for each in self._fresh(sale)]
        bonus: set[int] = set()
        for each in list(fresh):
            if each.rule == "third":
                if each.sale.who in bonus:
                    fresh.remove(each)
                bonus.add(each.sale.who)
        for each in fresh:
            self._fit(each)
            self.owed.append(each)
        for sale in sales:
            for each in [each for each in self.owed if each.sale is sale]:
                self._take_back(each)
        for who in {sale.who for sale in sales}:
            reached = [each for each in self._commissions(who) if each.tier]
            if reached and all(each in fresh for each in reached):
                self.reached.append(who)

    def hear(self) -> None:
        """Settle what came before a tier that was reached."""
        while self.reached:
            who = self.reached.pop(0)
            below = [each.sale for each in self._commissions(who) if not each.tier and not each.step]
            self.take_in(*sorted(below, key=lambda sale: sale.number))

    def _commissions(self, who: int) -> list[Owed]:
        return [
            each
            for each in self.owed
            if each.rule == "commission" and each.sale.who == who and each.status != "denied"
        ]

    def _fresh(self, sale: Sale) -> Iterator[Owed]:
        known = {(each.rule, each.step): each for each in self.owed if each.sale is sale}
        friends = self.friends(sale.who)
        now = len(friends)
        after = sum(first <= sale.number for first in friends.values())
        before = after - (friends.get(sale.friend) == sale.number)
        referrer = f"p{sale.who}"
        low, high = part(sale.amount, 10, 100), part(sale.amount, 20, 100)
        made = known.get(("commission", 0))
        if made is None:
            tier = int(max(now, after) >= FRIENDS)
            yield Owed(sale, "commission", 0, referrer, high if tier else low, tier)
        elif (
            made.status != "denied"
            and not made.tier
            and not sale.undone
            and now >= FRIENDS
            and ("commission", 1) not in known
        ):
            yield Owed(sale, "commission", 1, referrer, high - low, 1)
        if ("thanks", 0) not in known:
            yield Owed(sale, "thanks", 0, f"f{sale.who}.{sale.friend}", THANKS)
        if not sale.undone and ("third", 0) not in known and not self._has_bonus(sale.who):
            again = any(each.rule == "third" and each.sale.who == sale.who for each in self.owed)
            if before < FRIENDS <= now or (again and now >= FRIENDS):
                yield Owed(sale, "third", 0, referrer, BONUS)

    def _has_bonus(self, who: int, but: Sale | None = None) -> bool:
        return any(
            each.rule == "third" and each.sale.who == who and each.status != "reversed"
            for each in self.owed
            if each.sale is not but
        )

    def _fit(self, each: Owed) -> None:
        """Cut a promise to what is left of the budget and of the participant's number."""
        left = BUDGET - self.used()
        full = each.owner.startswith("p") and not each.step and self.number_of(each.sale.who) >= MOST
        if full or left <= 0:
            each.status, each.amount, each.tier = "denied", 0, each.tier
        else:
            each.amount = min(each.amount, left)

    def _take_back(self, each: Owed) -> None:
        if each.status == "denied":
            return
        sale = each.sale
        gone = sale.undone or (
            each.rule == "third" and each.status == "reversed" and self._has_bonus(sale.who, but=sale)
        )
        if gone:
            back = each.amount
        elif each.rule == "third":
            back = 0
        else:
            back = part(each.amount, sale.refunded, sale.amount)
        gone = back == each.amount
        stays = each.status == "paid" or each.payout is not None
        if gone and not stays and each.status != "reversed":
            each.before, each.status = each.status, "reversed"
        elif each.status == "reversed" and not gone:
            each.status = each.before
        each.back = back

    def approve(self, each: Owed) -> None:
        each.status = "approved" if each.rule != "thanks" else "issued"

    def deny(self, each: Owed) -> None:
        each.status = "denied"

    def payable(self, who: int) -> int:
        owner = f"p{who}"
        earned = sum(e.net for e in self.owed if e.owner == owner and e.status in ("approved", "paid"))
        return earned - sum(p.amount for p in self.payouts if p.owner == owner and p.status != "failed")

    def prepare(self, people: int) -> list[int]:
        """Put everybody's payable money into payouts; returns their numbers."""
        made = []
        for who in range(people):
            if self.payable(who) > 0:
                self.payouts.append(Payout(f"p{who}", self.payable(who)))
                made.append(len(self.payouts) - 1)
                for each in self.owed:
                    if each.owner == f"p{who}" and each.status == "approved" and each.payout is None:
                        each.payout = made[-1]
        return made

    def report(self, number: int, status: str) -> None:
        """Settle a payout as paid or failed."""
        self.payouts[number].status = status
        for each in self.owed:
            if each.payout == number:
                if status == "paid":
                    each.status = "paid"
                else:
                    each.payout = None
                    if each.net:
                        each.status = "approved"
                    else:
                        each.before, each.status = each.status, "reversed"

    def credit(self, owner: str) -> int:
        given = sum(e.net for e in self.owed if e.owner == owner and e.status == "issued")
        return given - self.spent.get(owner, 0)

    # What it comes to.

    def balances(self, people: int) -> dict[str, int]:
        """Return every balance that is not zero, by purpose and person."""
        found: dict[str, int] = {}
        for each in self.owed:
            if each.status == "pending":
                found[f"pending {each.owner}"] = found.get(f"pending {each.owner}", 0) + each.net
        for who in range(people):
            found[f"payable p{who}"] = self.payable(who)
            for status, name in (("pending", "in_transit"), ("paid", "paid_out")):
                found[f"{name} p{who}"] = sum(
                    p.amount for p in self.payouts if p.owner == f"p{who}" and p.status == status
                )
        for owner in {each.owner for each in self.owed if each.rule == "thanks"}:
            found[f"credit {owner}"] = self.credit(owner)
            found[f"redeemed {owner}"] = self.spent.get(owner, 0)
        return {name: amount for name, amount in found.items() if amount}

    def rewards(self) -> dict[tuple[int, str, int], tuple[str, int]]:
        """Return each reward's status and what is left of it."""
        return {
            (each.sale.number, each.rule, each.step): (
                each.status,
                0 if each.status == "denied" else each.net,
            )
            for each in self.owed
        }
