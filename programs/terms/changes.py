"""What differs between two versions' terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from programs.terms.caps import dump_cap
from programs.terms.document import dump_terms
from programs.terms.promises import ProgramTerms
from programs.terms.rules import dump_rule


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs, as values of the JSON document; None where it is absent."""

    param: str
    before: object
    after: object


def diff(old: ProgramTerms, new: ProgramTerms) -> tuple[Change, ...]:
    """List what changed, in the order of the document; empty only for equal terms.

    Reward rules and caps are compared by their key, so a param reads `rewards.<key>.amount.bps`. One that was
    added or removed is one change; another order of the same ones is a change of `rewards` or `caps`.
    """
    return tuple(_changes("", _by_key(old), _by_key(new)))


def _by_key(terms: ProgramTerms) -> dict[str, object]:
    return dump_terms(terms) | {
        "rewards": {rule.key: dump_rule(rule) for rule in terms.rewards},
        "caps": {cap.key: dump_cap(cap) for cap in terms.caps},
    }


def _changes(param: str, before: object, after: object) -> Iterator[Change]:
    # A tree of conditions is one thing: said in parts, nobody would know it again.
    whole = param.endswith(".conditions")
    if whole or not isinstance(before, Mapping) or not isinstance(after, Mapping):
        if before != after:
            yield Change(param, before, after)
        return
    if param in ("rewards", "caps") and before.keys() == after.keys() and list(before) != list(after):
        yield Change(param, list(before), list(after))
    prefix = f"{param}." if param else ""
    for key in [*before, *(key for key in after if key not in before)]:
        yield from _changes(f"{prefix}{key}", before.get(key), after.get(key))
