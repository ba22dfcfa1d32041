"""Canonical JSON: sorted keys, no spaces, ASCII. Equal values give equal bytes, which the digest is made of.

`json.dumps` says what the bytes are. Millions of records are of one shape, so texts of that shape are put
together here key by key, four times as fast; whatever is of another shape goes to `json.dumps`.
"""

import hashlib
import json
import marshal
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

_MOST_RULES = 1_000
_rules: dict[bytes, str] = {}
"""Rules as canonical JSON, by what marshal makes of them: thousands of records have the same rule."""


def canonical_json(value: Mapping[str, Any]) -> bytes:
    """Write JSON with sorted keys and no spaces, in ASCII: equal values give equal bytes."""
    return _any(value).encode("ascii")


def digest(inputs: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """Hash a decision record: hexadecimal SHA-256 over the canonical JSON of its inputs and result."""
    return digest_of_texts(inputs_text(inputs), result_text(result))


def digest_of_texts(inputs: str, result: str) -> str:
    """Hash a record whose inputs and result are canonical JSON already."""
    return hashlib.sha256(f'{{"inputs":{inputs},"result":{result}}}'.encode("ascii")).hexdigest()


def inputs_text(inputs: Mapping[str, Any]) -> str:
    """Write a decision's inputs as canonical JSON."""
    try:
        bond = inputs["bond"]
        touches = ",".join([_touch(each) for each in _list(inputs["touches"])])
        text = (
            f'{{"amount_minor":{_whole(inputs["amount_minor"])},'
            f'"bond":{"null" if bond is None else _any(bond)},'
            f'"conversion_at":{_quoted(inputs["conversion_at"])},"currency":{_quoted(inputs["currency"])},'
            f'"format":{_whole(inputs["format"])},"kind":{_quoted(inputs["kind"])},'
            f'"rule":{rule_text(inputs["rule"])},"touches":[{touches}]}}'
        )
    except (KeyError, TypeError):
        return _any(inputs)
    return text if len(inputs) == 8 else _any(inputs)


def rule_text(rule: dict[str, Any]) -> str:
    """Write a stored rule as canonical JSON."""
    # The cheapest picture of a value in which 1, 1.0 and True differ; two pictures of one rule do no harm.
    picture = marshal.dumps(rule, 2)
    text = _rules.get(picture)
    if text is None:
        if len(_rules) >= _MOST_RULES:
            _rules.clear()
        text = _rules[picture] = _any(rule)
    return text


def result_text(result: Mapping[str, Any]) -> str:
    """Write a decision's result as canonical JSON."""
    try:
        credits = ",".join([_credit(each) for each in _list(result["credits"])])
        rejected = ",".join([_rejected(each) for each in _list(result["rejected"])])
        text = (
            f'{{"bond_reason":{_quoted_or_null(result["bond_reason"])},"credits":[{credits}],'
            f'"model":{_quoted(result["model"])},"reason":{_quoted(result["reason"])},'
            f'"rejected":[{rejected}],"sentence":{_quoted(result["sentence"])}}}'
        )
    except (KeyError, TypeError):
        return _any(result)
    return text if len(result) == 6 else _any(result)


def _touch(touch: Mapping[str, Any]) -> str:
    if len(touch) != 6:
        raise KeyError("another shape")
    return (
        f'{{"channel":{_quoted(touch["channel"])},"disqualified":{_quoted_or_null(touch["disqualified"])},'
        f'"id":{_quoted(touch["id"])},"kind":{_quoted(touch["kind"])},'
        f'"occurred_at":{_quoted(touch["occurred_at"])},"participant":{_quoted(touch["participant"])}}}'
    )


def _credit(credit: Mapping[str, Any]) -> str:
    if len(credit) != 5:
        raise KeyError("another shape")
    touch_ids = ",".join([_quoted(touch_id) for touch_id in _list(credit["touch_ids"])])
    return (
        f'{{"amount_minor":{_whole(credit["amount_minor"])},"confidence":{_quoted(credit["confidence"])},'
        f'"participant":{_quoted(credit["participant"])},"touch_ids":[{touch_ids}],'
        f'"weight_ppm":{_whole(credit["weight_ppm"])}}}'
    )


def _rejected(rejected: Mapping[str, Any]) -> str:
    if len(rejected) != 4:
        raise KeyError("another shape")
    return (
        f'{{"participant":{_quoted(rejected["participant"])},"reason":{_quoted(rejected["reason"])},'
        f'"sentence":{_quoted(rejected["sentence"])},"touch_id":{_quoted(rejected["touch_id"])}}}'
    )


def _quoted_or_null(text: str | None) -> str:
    return "null" if text is None else _quoted(text)


def _list(values: object) -> list[Any]:
    """Let a list through; a text and an object can be walked over as well."""
    if type(values) is list:
        return values
    raise TypeError("another shape")


def _whole(number: object) -> object:
    """Let an integer through; True and 1.0 are equal to one and are not written like one."""
    if type(number) is int:
        return number
    raise TypeError("another shape")


def _any(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
