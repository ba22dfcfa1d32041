"""Judges whether a referral looks like fraud, with evidence: pure rules, each a function of the facts.

The rules of scoring:

1. A rule answers with a signal or with nothing. What is not known (None, zero, empty) equals nothing and
   raises no signal.
2. A single signal as heavy as `deny_at` is a proof and denies.
3. Signals that reach `hold_at`, alone or together, are a doubt and hold: a person looks before anything is
   paid. Doubts never add up to a denial.
4. A rule in `shadow` runs and is recorded, and counts nothing; `shadow_outcome` says what it would have
   changed. A rule in `off` does not run.
5. An entry of the allow list lifts every hold and denial but those of the same customer, of an order that
   was counted already, and of the block list: an explicit refusal stands against an explicit permission.
6. Every signal is kept whatever the outcome. The order of the rules changes nothing.

Evidence and sentences are for staff: counts, public ids, seconds, hosts and countries, and never an e-mail
address, a network address or a device. Participants read `participant_sentence`.
"""

from tracking.fraud.facts import (
    DEFAULT_WEIGHTS,
    Facts,
    FraudSettings,
    Judgement,
    Outcome,
    Signal,
)
from tracking.fraud.judgement import Rule, judge
from tracking.fraud.lists import LIST_KINDS, ListKind, clean_pattern, expand_address, matches, source_matches
from tracking.fraud.record import (
    RECORD_FORMAT,
    decode_judgement,
    digest,
    encode_inputs,
    encode_judgement,
    replay,
)
from tracking.fraud.rules import RULES
from tracking.fraud.wording import participant_sentence

__all__ = [
    "DEFAULT_WEIGHTS",
    "LIST_KINDS",
    "RECORD_FORMAT",
    "RULES",
    "Facts",
    "FraudSettings",
    "Judgement",
    "ListKind",
    "Outcome",
    "Rule",
    "Signal",
    "clean_pattern",
    "decode_judgement",
    "digest",
    "encode_inputs",
    "encode_judgement",
    "expand_address",
    "judge",
    "matches",
    "participant_sentence",
    "replay",
    "source_matches",
]
