"""Decides whether facts meet a tree of conditions, and says which one failed. Pure: no Django, no clock.

Three truth values. A leaf about a fact that is not known is neither true nor false but unknown; `all`, `any`
and `none` follow Kleene: unknown is kept wherever knowing the fact could change the answer. A tree holds only
if it is true, so a missing fact lets nobody pass, not through `none` either. Only `is_known` and `is_unknown`
ask for the knowledge itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final, Literal

from programs.condition_facts import Operator, Value

Joint = Literal["all", "any", "none"]
Truth = bool | None
UnmetReason = Literal["conditions_not_met", "currency_differs"]

MAX_DEPTH: Final = 3
MAX_LEAVES: Final = 30


@dataclass(frozen=True, slots=True)
class Condition:
    """One leaf: what is asked of a fact. `value` is None for `is_known` and `is_unknown`.

    A tuple for `one_of`, `between`, `has_any` and `has_none`; money in the minor unit, a date in ISO 8601.
    """

    fact: str
    op: Operator
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions of which all, any or none must hold; at least one, in at most `MAX_DEPTH` levels."""

    joint: Joint
    of: tuple[Condition | Group, ...]

    def leaves(self) -> Iterator[Condition]:
        """Give the conditions, from the first to the last."""
        for each in self.of:
            if isinstance(each, Group):
                yield from each.leaves()
            else:
                yield each

    def facts(self) -> frozenset[str]:
        """Return the names of the facts that are asked for."""
        return frozenset(leaf.fact for leaf in self.leaves())


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known, by the facts' names; what is absent, or None, is not known.

    A list of texts named in `partial` may hold more than is known. What is named in `waiting` is not known
    only until there is an exchange rate.
    """

    known: Mapping[str, Value | None] = field(default_factory=dict)
    partial: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unmet:
    """Why conditions do not hold: `currency_differs` asks for a rate, after which they may."""

    reason: UnmetReason
    failed: Condition | Group
    """The part that says why: a leaf, or the group of which none holds."""


def unmet(conditions: Group | None, facts: Facts) -> Unmet | None:
    """Return what keeps conditions from holding, None where they hold; no conditions always hold."""
    if conditions is None or truth(conditions, facts):
        return None
    waits = bool(facts.waiting) and may_hold(conditions, facts, open_facts=facts.waiting)
    return Unmet("currency_differs" if waits else "conditions_not_met", _to_blame(conditions, facts))


def truth(node: Condition | Group, facts: Facts) -> Truth:
    """Return whether a condition or a group holds; None where the facts do not tell."""
    if isinstance(node, Condition):
        return _asked(node, facts)
    return _joined(node.joint, [truth(each, facts) for each in node.of])


def may_hold(node: Group, facts: Facts, *, open_facts: frozenset[str]) -> bool:
    """Tell whether a group could hold once the facts named in `open_facts` are known."""
    return True in _possible(node, facts, open_facts)


def _possible(node: Condition | Group, facts: Facts, open_facts: frozenset[str]) -> frozenset[Truth]:
    if isinstance(node, Condition):
        if node.fact in open_facts and facts.known.get(node.fact) is None:
            return frozenset((True, False, None))
        return frozenset((_asked(node, facts),))
    joint: Joint = "all" if node.joint == "all" else "any"
    found: frozenset[Truth] = frozenset((joint == "all",))
    for each in node.of:
        found = frozenset(_joined(joint, pair) for pair in product(found, _possible(each, facts, open_facts)))
    return frozenset(map(_negated, found)) if node.joint == "none" else found


def _joined(joint: Joint, truths: Sequence[Truth]) -> Truth:
    if joint == "all":
        return False if False in truths else None if None in truths else True
    found = True if True in truths else None if None in truths else False
    return _negated(found) if joint == "none" else found


def _negated(found: Truth) -> Truth:
    return None if found is None else not found


def _asked(leaf: Condition, facts: Facts) -> Truth:
    known, partial = facts.known.get(leaf.fact), leaf.fact in facts.partial
    if leaf.op == "is_known":
        return known is not None
    if leaf.op == "is_unknown":
        return known is None
    if known is None or leaf.value is None:
        return None
    if isinstance(known, tuple):
        return _of_list(leaf, known, partial)
    return _of_one(leaf, known)


def _of_list(leaf: Condition, known: tuple[str | int, ...], partial: bool) -> Truth:
    wanted = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    has = not {_plain(each) for each in known}.isdisjoint({_plain(each) for each in wanted})
    if not has and partial:
        return None
    return has if leaf.op == "has_any" else not has


def _of_one(leaf: Condition, known: str | int | bool) -> Truth:
    value = leaf.value
    wanted = value if isinstance(value, tuple) else (value,)
    # An attribute is what somebody else made it: of another sort than is asked for, it says nothing.
    if any(type(known) is not type(each) for each in wanted):
        return None
    if leaf.op == "contains":
        return str(_plain(wanted[0])) in str(_plain(known))
    if leaf.op in ("at_least", "at_most", "between"):
        return _within(leaf.op, known, wanted[0], wanted[-1])
    found = _plain(known) in {_plain(each) for each in wanted}
    return not found if leaf.op == "is_not" else found


def _within(op: Operator, known: Any, low: Any, high: Any) -> bool:
    """Compare a number with numbers, or a day in ISO 8601 with such days."""
    return (op == "at_most" or known >= low) and (op == "at_least" or known <= high)


def _plain(value: object) -> object:
    """Return a text as it is compared: capitals and blanks around it make no difference."""
    return value.strip().casefold() if isinstance(value, str) else value


def _to_blame(node: Condition | Group, facts: Facts) -> Condition | Group:
    """Return the part of what does not hold that says why."""
    if isinstance(node, Condition):
        return node
    truths = [truth(each, facts) for each in node.of]
    if node.joint == "all":
        place = truths.index(False) if False in truths else truths.index(None)
        return _to_blame(node.of[place], facts)
    if node.joint == "any" and len(node.of) == 1:
        return _to_blame(node.of[0], facts)
    return node
