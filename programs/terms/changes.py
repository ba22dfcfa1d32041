"""What differs between two versions' terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from programs.terms.document import dump_rule, dump_terms
from programs.terms.promises import ProgramTerms


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs, as values of the JSON document; None where it is absent."""

    param: str
    before: object
    after: object


def diff(old: ProgramTerms, new: ProgramTerms) -> tuple[Change, ...]:
    """List what changed, in the order of the document; empty only for equal terms.

    Reward rules are compared by their key, so a param reads `rewards.<key>.amount.bps`. A rule that was added
    or removed is one change; another order of the same rules is a change of `rewards`.
    """
    return tuple(_changes("", _by_key(old), _by_key(new)))


def _by_key(terms: ProgramTerms) -> dict[str, object]:
    return dump_terms(terms) | {"rewards": {rule.key: dump_rule(rule) for rule in terms.rewards}}


def _changes(param: str, before: object, after: object) -> Iterator[Change]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        if before != after:
            yield Change(param, before, after)
        return
    if param == "rewards" and before.keys() == after.keys() and list(before) != list(after):
        yield Change(param, list(before), list(after))
    prefix = f"{param}." if param else ""
    for key in [*before, *(key for key in after if key not in before)]:
        yield from _changes(f"{prefix}{key}", before.get(key), after.get(key))
