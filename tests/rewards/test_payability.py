"""Who a batch pays, decided without a database; and what a method charges."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.fees import USUAL, FeeRule, fee_rule
from rewards.payability import METHOD_WORDS, PAYS, PROVIDERS, REASONS, Standing, Verdict, judge

READY: dict[str, Any] = {
    "balance_minor": 1000,
    "minimum_minor": 500,
    "enrolled": 1,
    "active": 1,
    "pays_to": "bank",
}


def _judged(method: str = "csv", **changes: Any) -> Verdict:
    return judge(Standing(**{**READY, **changes}), method=method)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, ""),
        ({"balance_minor": -1}, "negative_balance"),
        ({"late_minor": 1000}, "after_cutoff"),
        ({"late_minor": 501}, "below_minimum"),
        ({"late_minor": 500}, ""),
        ({"balance_minor": 499}, "below_minimum"),
        ({"enrolled": 2, "active": 0}, "suspended"),
        ({"enrolled": 0, "active": 0}, ""),
        ({"pays_to": ""}, "no_destination"),
        ({"account_refused": "Closed."}, "account_refused"),
        ({"pays_to": "paypal"}, "other_method"),
        ({"tax_refused": "None were given."}, "tax_details"),
    ],
)
def test_each_reason_to_leave_somebody_out(changes: dict[str, Any], code: str) -> None:
    verdict = _judged(**changes)
    assert verdict.code == code
    assert bool(verdict.sentence) == bool(code)


def test_a_reason_says_what_is_known_of_it() -> None:
    assert _judged(account_refused="Closed.").sentence == "Closed."
    assert _judged(tax_refused="None were given.").sentence == "None were given."
    assert _judged(pays_to="gift_card").sentence == "Is paid by gift cards."
    assert _judged("pain001", has_iban=False).code == "no_iban"
    assert _judged("csv", has_iban=False).code == ""


def test_the_amount_is_the_balance_less_what_came_late() -> None:
    assert _judged().amount_minor == 1000
    assert _judged(late_minor=300).amount_minor == 700
    assert _judged(late_minor=-300).amount_minor == 1000


@given(balance=st.integers(-(10**9), 10**9), late=st.integers(-(10**9), 10**9))
def test_nobody_is_paid_more_than_the_balance(balance: int, late: int) -> None:
    verdict = _judged(balance_minor=balance, late_minor=late, minimum_minor=0)
    assert verdict.amount_minor <= balance
    assert verdict.code or verdict.amount_minor > 0


@pytest.mark.parametrize("pays_to", METHOD_WORDS)
def test_every_account_is_paid_by_its_methods_only(pays_to: str) -> None:
    for method, account in PAYS.items():
        assert _judged(method, pays_to=pays_to).code == ("" if account == pays_to else "other_method")
    assert _judged("", pays_to=pays_to).code == ""
    assert set(USUAL) == set(PAYS) >= PROVIDERS
    assert "other_method" in REASONS


@pytest.mark.parametrize(
    ("rule", "amount", "fee"),
    [
        (FeeRule(), 10_000, 0),
        (FeeRule(bps=200, max_minor=2000), 10_000, 200),
        (FeeRule(bps=200, max_minor=2000), 1_000_000, 2000),
        (FeeRule(fixed_minor=25, bps=25), 10_000, 50),
        (FeeRule(bps=25), 200, 0),
        (FeeRule(bps=25), 600, 2),
    ],
)
def test_a_fee(rule: FeeRule, amount: int, fee: int) -> None:
    assert rule.of(amount) == fee


def test_a_workspaces_own_fee_replaces_the_usual_one() -> None:
    assert fee_rule("paypal", {}) == USUAL["paypal"]
    assert fee_rule("csv", {"csv": {"fixed_minor": 12}}) == FeeRule(fixed_minor=12)
    assert fee_rule("csv", {"csv": {"fixed_minor": -1, "bps": "x"}}) == FeeRule()
    assert fee_rule("csv", {"csv": 5}) == USUAL["csv"]
