"""A tree of conditions in a JSON document: {"all": [{"fact", "op", "value"}, {"any": [...]}]}."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from typing import Any, Final, get_args

from core.money import MAX_MINOR
from programs.condition_facts import KINDS_OF_SOURCE, Fact, Operator, Value, fact_of
from programs.conditions import MAX_DEPTH, MAX_LEAVES, Condition, Group, Joint
from programs.terms.reader import Reader

MAX_VALUES: Final = 100
MAX_TEXT: Final = 200

_COUNTRY = re.compile("[A-Z]{2}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_COUNTRY_HINT = "This must be an ISO 3166 code like DE."
_JOINTS: Final[tuple[Joint, ...]] = get_args(Joint)


def read_conditions(reader: Reader | None, *, known: Collection[str] | None = None) -> Group | None:
    """Read a tree; None where there is none, and faults go to the reader.

    `known` are the facts that can be asked for where the tree stands, all of them when it is None; attributes
    can be asked for everywhere.
    """
    if reader is None:
        return None
    group = _group(reader, 1, known)
    if group is not None and reader.sound() and sum(1 for _ in group.leaves()) > MAX_LEAVES:
        reader.fail(group.joint, "too_many", f"A tree has at most {MAX_LEAVES} conditions.")
    return group


def dump_conditions(node: Group | None) -> dict[str, Any] | None:
    """Write a tree as it stands in the document; `read_conditions` gives it back."""
    if node is None:
        return None
    return {
        node.joint: [
            dump_conditions(each) if isinstance(each, Group) else _leaf_document(each) for each in node.of
        ]
    }


def _leaf_document(leaf: Condition) -> dict[str, Any]:
    document: dict[str, Any] = {"fact": leaf.fact, "op": leaf.op}
    if leaf.value is not None:
        document["value"] = list(leaf.value) if isinstance(leaf.value, tuple) else leaf.value
    return document


def _group(reader: Reader, depth: int, known: Collection[str] | None) -> Group | None:
    joints = [joint for joint in _JOINTS if reader.has(joint)]
    if len(joints) != 1:
        reader.fail(joints[1] if joints else "all", "one_of", "A group has either all, any or none.")
        reader.remaining()
        return None
    joint = joints[0]
    if depth > MAX_DEPTH:
        reader.fail(joint, "too_deep", f"Groups stand within each other {MAX_DEPTH} deep at most.")
        reader.remaining()
        return None
    entries = reader.children(joint, MAX_LEAVES)
    if not entries and reader.sound(joint):
        reader.fail(joint, "required", "A group holds one condition at least.")
    read = [
        _group(entry, depth + 1, known) if any(map(entry.has, _JOINTS)) else _leaf(entry, known)
        for entry in entries
    ]
    reader.finish()
    return Group(joint, tuple(each for each in read if each is not None))


def _leaf(reader: Reader, known: Collection[str] | None) -> Condition | None:
    name = reader.text("fact", 80)
    fact = fact_of(name)
    if fact is None or (known is not None and fact.name not in known and not fact.is_attribute):
        if reader.sound("fact"):
            here = "." if fact is None else " here."
            reader.fail("fact", "not_a_choice", f"There is no such fact to ask for{here}")
        reader.remaining()
        return None
    op: Operator = reader.choice("op", fact.operators)
    if not reader.sound("op"):
        reader.remaining()
        return None
    value = None if op in ("is_known", "is_unknown") else _value(reader, fact, op)
    reader.finish()
    return Condition(name, op, value) if reader.sound() else None


def _value(reader: Reader, fact: Fact, op: Operator) -> Value | None:
    if fact.type in ("number", "money") or (fact.is_attribute and op in ("at_least", "at_most", "between")):
        return _number(reader, fact, op)
    if fact.type == "date":
        return _days(reader, op)
    if fact.type == "flag":
        if not reader.has("value"):
            reader.fail("value", "required", "This field is required.")
        return reader.boolean("value", default=True)
    if op in ("one_of", "has_any", "has_none"):
        return _texts(reader, fact)
    if fact.type == "country":
        return _matching(reader, _COUNTRY, _COUNTRY_HINT)
    if fact.type == "kind":
        return reader.choice("value", tuple(KINDS_OF_SOURCE))
    if fact.is_attribute and op != "contains":
        return reader.scalar("value", MAX_TEXT)
    return reader.text("value", MAX_TEXT)


def _number(reader: Reader, fact: Fact, op: Operator) -> Value:
    low = -MAX_MINOR if fact.is_attribute else 0
    if op != "between":
        return reader.integer("value", low, MAX_MINOR)
    pair = reader.integers("value", low, MAX_MINOR, 2, ())
    _check_pair(reader, pair)
    return pair


def _days(reader: Reader, op: Operator) -> Value:
    if op != "between":
        return _day(reader, reader.text("value", 10), "value")
    pair = reader.texts("value", 10, 2)
    for place, text in enumerate(pair):
        _day(reader, text, f"value.{place}")
    _check_pair(reader, pair)
    return pair


def _day(reader: Reader, text: str, key: str) -> str:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError
        date.fromisoformat(text)
    except ValueError:
        if reader.sound(key):
            reader.fail(key, "invalid_format", "A day is written like 2026-11-27.")
    return text


def _check_pair(reader: Reader, pair: tuple[Any, ...]) -> None:
    if not reader.sound("value"):
        return
    if len(pair) != 2:
        reader.fail("value", "required", "Give two values: from, and to.")
    elif pair[0] > pair[1]:
        reader.fail("value", "not_rising", "The second is not below the first.")


def _texts(reader: Reader, fact: Fact) -> Value:
    if fact.type == "country":
        found = reader.names("value", _COUNTRY, 249, _COUNTRY_HINT)
    elif fact.type == "kind":
        found = reader.choices("value", tuple(KINDS_OF_SOURCE), ())
    else:
        found = reader.texts("value", MAX_TEXT, MAX_VALUES)
    if not found and reader.sound("value"):
        reader.fail("value", "required", "Give one value at least.")
    return found


def _matching(reader: Reader, pattern: re.Pattern[str], hint: str) -> str:
    text = reader.text("value", MAX_TEXT)
    if reader.sound("value") and not pattern.fullmatch(text):
        reader.fail("value", "invalid_format", hint)
    return text
