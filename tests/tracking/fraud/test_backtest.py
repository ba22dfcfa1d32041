"""Back-tests, rule figures and confusion tables, against figures worked out by hand."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from tests.tracking.fraud.test_record import any_facts, any_settings
from tracking.fraud import Facts, FraudSettings, encode_inputs, judge
from tracking.fraud.accuracy import Accuracy, Confusion
from tracking.fraud.backtest import BackTest, Past, RuleTally, Truth, reads_as_fraud
from tracking.fraud.shares import share_of

PLAIN = Facts(referrer="prt_1", referee="cus_2")
FAST = replace(PLAIN, seconds_to_conversion=4)
DEVICE = replace(PLAIN, shared_devices=1)
MAIL = replace(PLAIN, disposable_mail=True)
OWN = replace(PLAIN, same_customer=True)


DEFAULT = FraudSettings()


def past(known: Facts, settings: FraudSettings = DEFAULT, *, truth: Truth = "unknown", **more: Any) -> Past:
    outcome = judge(known, settings).outcome
    return Past("cnv_1", "prt_1", encode_inputs(known, settings), outcome, truth, **more)


def test_other_settings_move_judgements_and_the_money_in_them() -> None:
    # too_fast off, and a throw-away address holds by itself.
    run = BackTest(FraudSettings(off=("too_fast",), weights=(("disposable_mail", 50),)))
    euro: dict[str, Any] = {"amount_minor": 1_000, "currency": "EUR"}
    released = run.add(past(FAST, truth="fine", **euro))
    run.add(past(FAST, truth="fraud", **euro))
    run.add(past(DEVICE, truth="fraud", **euro))
    run.add(past(OWN, **euro))
    run.add(past(PLAIN, **euro))
    caught = run.add(past(MAIL, truth="fraud", amount_minor=300, currency="EUR"))
    run.add(past(MAIL, truth="fine", amount_minor=50, currency="USD"))
    run.add(past(MAIL, truth="unknown", unopposed=True, amount_minor=7, currency="EUR"))
    run.add(past(MAIL, truth="unknown", amount_minor=0, currency=""))
    run.add(Past("cnv_9", "prt_1", {"format": 1}, "hold"))

    result = run.result()
    assert (result.judged, result.skipped, result.changed) == (9, 1, 6)
    assert dict(result.transitions) == {
        ("hold", "allow"): 2,
        ("hold", "hold"): 1,
        ("deny", "deny"): 1,
        ("allow", "allow"): 1,
        ("allow", "hold"): 4,
    }
    now = result.caught
    assert (now.all, now.fraud, now.fine, now.unknown, now.unopposed) == (4, 1, 1, 2, 1)
    assert now.money == {"EUR": 307, "USD": 50}
    assert now.false_positive_rate is not None
    assert now.false_positive_rate.value == 0.5
    freed = result.released
    assert (freed.all, freed.fraud, freed.fine, freed.money) == (2, 1, 1, {"EUR": 2_000})
    rules = {figures.rule: figures for figures in result.rules}
    assert (rules["too_fast"].fired, rules["too_fast"].precision) == (0, None)
    mail = rules["disposable_mail"]
    assert (mail.fired, mail.alone, mail.fraud, mail.fine, mail.unknown) == (4, 4, 1, 1, 2)
    assert mail.share is not None
    assert (mail.share.hits, mail.share.of) == (4, 9)
    assert mail.precision is not None
    assert mail.precision.value == 0.5

    assert caught is not None
    assert (caught.before, caught.after, caught.rule) == ("allow", "hold", "disposable_mail")
    assert caught.sentence == (
        "The referred customer's e-mail address is from a provider of throw-away addresses."
    )
    # What would be let go is explained by what had held it.
    assert released is not None
    assert (released.before, released.after, released.rule) == ("hold", "allow", "too_fast")
    assert released.sentence.startswith("The conversion came 4 s after the click")


def test_a_rule_in_the_shadow_counts_what_it_would_have_held() -> None:
    shadow = FraudSettings(shadow=("same_device", "same_ip"))
    tally = RuleTally()
    for known, truth in (
        (DEVICE, "fraud"),
        (replace(DEVICE, seconds_to_conversion=1), "fine"),
        (replace(PLAIN, shared_addresses=1), "unknown"),
    ):
        tally.add(judge(known, shadow), truth)  # type: ignore[arg-type]
    tally.add_silent(7)
    rules = {figures.rule: figures for figures in tally.figures()}
    device = rules["same_device"]
    assert (device.judged, device.fired, device.alone, device.would_hold) == (10, 2, 0, 1)
    # Held already by another rule; and a signal that would not have been enough.
    assert (rules["too_fast"].alone, rules["same_ip"].would_hold) == (1, 0)
    assert device.false_positive_rate is not None
    assert device.false_positive_rate.value == 0.5


def test_the_allow_list_accuses_nobody_and_has_no_precision() -> None:
    tally = RuleTally()
    tally.add(judge(replace(FAST, listed_as=(("allow", "domain", "x.example"),)), FraudSettings()), "fine")
    rules = {figures.rule: figures for figures in tally.figures()}
    assert (rules["allow_list"].fired, rules["allow_list"].precision) == (1, None)
    assert (rules["too_fast"].fired, rules["too_fast"].alone) == (1, 0)


@given(any_facts, any_settings)
def test_a_back_test_under_the_same_settings_changes_nothing(known: Facts, settings: FraudSettings) -> None:
    stored = past(known, settings)
    stored = replace(stored, inputs=json.loads(json.dumps(stored.inputs)))
    for run in (BackTest(None), BackTest(settings)):
        assert run.add(stored) is None
        result = run.result()
        assert (result.judged, result.changed, result.caught.all, result.released.all) == (1, 0, 0, 0)
        fired = {figures.rule for figures in result.rules if figures.fired}
        assert fired == {signal.rule for signal in judge(known, settings).signals}


@given(any_facts, any_settings, any_settings)
def test_every_judgement_is_counted_once(known: Facts, settings: FraudSettings, tried: FraudSettings) -> None:
    run = BackTest(tried)
    change = run.add(past(known, settings))
    result = run.result()
    assert sum(result.transitions.values()) == result.judged == 1
    assert (change is not None) == (result.changed == 1)
    assert result.caught.all + result.released.all <= result.changed


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_a_share_has_wilsons_bounds(hits: int, of: int, low: float, high: float) -> None:
    share = share_of(hits, of)
    assert share is not None
    assert (round(share.low, 4), round(share.high, 4)) == (low, high)
    assert share.low <= share.value <= share.high


def test_there_is_no_share_of_nothing_and_none_beyond_the_whole() -> None:
    assert share_of(0, 0) is None
    with pytest.raises(ValueError, match="hits"):
        share_of(2, 1)


def test_a_confusion_table_gives_precision_recall_and_false_positive_rate() -> None:
    table = Confusion()
    for label, outcome, rules, times in (
        ("fraud", "deny", ["same_customer"], 3),
        ("fraud", "hold", ["too_fast", "same_ip"], 3),
        ("fraud", "allow", [], 2),
        ("fine", "hold", ["too_fast"], 1),
        ("fine", "allow", ["same_ip"], 9),
        ("fine", "allow", [], 90),
    ):
        for _ in range(times):
            table.add(label, outcome, rules)  # type: ignore[arg-type]
    assert (table.of("fraud"), table.of("fine")) == (8, 100)
    assert table.count("fine", "allow") == 99
    whole = table.overall()
    assert whole == Accuracy(true_alarms=6, false_alarms=1, missed=2, passed=99)
    assert whole.precision is not None
    assert whole.recall is not None
    assert whole.false_positive_rate is not None
    assert (whole.precision.hits, whole.precision.of) == (6, 7)
    assert (whole.recall.hits, whole.recall.of) == (6, 8)
    assert (whole.false_positive_rate.hits, whole.false_positive_rate.of) == (1, 100)
    assert table.by_rule() == {
        "same_customer": Accuracy(3, 0, 5, 100),
        "too_fast": Accuracy(3, 1, 5, 99),
        "same_ip": Accuracy(3, 9, 5, 91),
    }
    assert Confusion().overall().recall is None


@pytest.mark.parametrize(
    ("reason", "is_fraud"),
    [
        ("stolen_card", True),
        ("Fraud, see ticket 12", True),
        ("self_referral", True),
        ("same_device", True),
        ("cancelled", False),
        ("order deleted in the shop", False),
        ("", False),
    ],
)
def test_a_reason_says_fraud_or_something_else(reason: str, is_fraud: bool) -> None:
    assert reads_as_fraud(reason) is is_fraud
