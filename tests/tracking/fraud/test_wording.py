import re
from typing import get_args

import pytest

from tracking.fraud import (
    DEFAULT_WEIGHTS,
    Facts,
    FraudSettings,
    Judgement,
    Outcome,
    judge,
    participant_sentence,
)
from tracking.fraud.wording import PARTICIPANT_SENTENCES

REASONS = sorted(
    (DEFAULT_WEIGHTS.keys() - {"same_customer", "same_mailbox", "allow_list"}) | {"self_referral"}
)


def said(outcome: Outcome, reason: str) -> str:
    return participant_sentence(Judgement(outcome, 60, (), reason, outcome))


def test_every_reason_has_its_sentences() -> None:
    assert sorted(PARTICIPANT_SENTENCES) == REASONS


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_a_sentence_names_nobody_and_no_figure(outcome: Outcome, reason: str) -> None:
    sentence = said(outcome, reason)

    assert re.fullmatch(r"[A-Z][A-Za-z',; ]+\.", sentence)
    assert not re.search(r"device|payment|network|e-mail|second|hour|fraud|cheat|rule\b|list", sentence)


@pytest.mark.parametrize(
    ("outcome", "reason", "sentence"),
    [
        ("allow", "below_threshold", "This referral counts."),
        ("allow", "allow_list", "This referral counts."),
        ("hold", "same_device", "We are checking this referral; this usually takes a few days."),
        ("deny", "ring", "This referral does not count under the program's terms."),
        ("deny", "self_referral", "The program does not reward your own purchases."),
        ("deny", "duplicate_order", "This order was counted before, and each order counts once."),
        (
            "hold",
            "known_person",
            "We are checking whether your friend is a new customer; this usually takes a few days.",
        ),
        ("hold", "a_rule_of_tomorrow", "We are checking this referral; this usually takes a few days."),
        ("deny", "a_rule_of_tomorrow", "This referral does not count under the program's terms."),
    ],
)
def test_what_a_participant_reads(outcome: Outcome, reason: str, sentence: str) -> None:
    assert said(outcome, reason) == sentence


def test_a_judgement_of_ones_own_purchase() -> None:
    judgement = judge(Facts(referrer="prt_1", referee="cus_2", same_customer=True), FraudSettings())

    assert participant_sentence(judgement) == "The program does not reward your own purchases."
