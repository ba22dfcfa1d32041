"""What the pages on fraud cases say in words."""

from __future__ import annotations

import ast
import inspect

import pytest

from programs.terms import FRAUD_RULES
from tracking.fraud import rules
from tracking.fraud_wording import (
    EVIDENCE_WORDS,
    REASON_WORDS,
    evidence_words,
    parts_by_id,
    read_by_participant,
    reason_sentence,
    rule_words,
)


def evidence_names() -> set[str]:
    """Return the names of all evidence that the rules give, off their pairs of name and value."""
    pairs = (
        node
        for node in ast.walk(ast.parse(inspect.getsource(rules)))
        if isinstance(node, ast.Tuple) and len(node.elts) == 2
    )
    return {
        str(pair.elts[0].value)
        for pair in pairs
        if isinstance(pair.elts[0], ast.Constant)
        and isinstance(pair.elts[0].value, str)
        and not isinstance(pair.elts[1], ast.Constant | ast.Tuple)
    } | {"used_by_many"}


def test_all_evidence_has_words() -> None:
    assert evidence_names() == set(EVIDENCE_WORDS)


def test_every_rule_and_reason_has_a_name() -> None:
    names = [rule_words(rule) for rule in FRAUD_RULES]
    assert len(set(names)) == len(names)
    assert rule_words("self_referral") == "Own purchase"
    assert set(REASON_WORDS) == {*FRAUD_RULES, "self_referral"} - {"same_customer", "same_mailbox"}
    assert (rule_words("order_unconfirmed"), reason_sentence("order_unconfirmed")) == (
        "Order unconfirmed",
        "Order unconfirmed.",
    )
    assert reason_sentence("too_fast") == "The conversion followed the click within seconds."


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("seconds", "5", ("Time after the click", "5 s")),
        ("limit_percent", "50", ("Limit", "50 %")),
        ("agent", "data_centre", ("Visits came from", "a data centre")),
        ("host", "x.example", ("Site", "x.example")),
        ("new_thing", "1", ("New thing", "1")),
    ],
)
def test_evidence_reads_like_words(name: str, value: str, shown: tuple[str, str]) -> None:
    assert evidence_words(name, value) == shown


def test_a_text_is_split_at_its_ids() -> None:
    assert parts_by_id("cus_1a, cus_2b and 3 more") == [
        ("cus_1a", True),
        (", ", False),
        ("cus_2b", True),
        (" and 3 more", False),
    ]
    assert parts_by_id("not an id: xprt_1, frc_1") == [("not an id: xprt_1, frc_1", False)]


def test_the_participant_reads_what_the_case_stands_at() -> None:
    assert [read_by_participant(status, "self_referral") for status in ("open", "approved", "rejected")] == [
        "We are checking whether this was a purchase of your own; this usually takes a few days.",
        "This referral counts.",
        "The program does not reward your own purchases.",
    ]
