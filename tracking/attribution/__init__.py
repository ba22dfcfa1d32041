"""Decides who is credited for a conversion, and says why: pure, ordered, replayable.

The rules, in the order in which they are applied:

1. Touches are put in order of instant; equal instants are ordered by touch id. Input order never matters.
2. A touch falls out by itself when it was disqualified beforehand, came after the conversion, is of a kind
   the program does not accept, or is older than its window. A touch exactly as old as the window is still
   inside. Clicks and e-mail matches live in `click_window`, or for a sign-up in `signup_window`; codes and
   tokens in `code_window` (None: no limit); manual assignments in none.
3. A bond of an earlier conversion holds when that came before this one, `lifetime_months` are not over, the
   first purchase or custom event comes within `conversion_window`, and somebody it names can still be
   credited. With `binding` `first` and a model that credits one touch, it decides alone, shared among those
   it names in proportion; only a manual assignment dated after its beginning stands above it. Otherwise it
   decides where no touch is left.
4. The strongest kind that is left, by `precedence`, decides alone. A click shares by the rule's model.
   Every other kind is an explicit claim: the latest claim of that kind takes everything, and whatever lost
   to it is rejected as `lower_precedence`.
5. Weights belong to touches. Touches of one participant merge into one credit, credits stand in order of
   their first credited touch, and the amount is split by largest remainder, ties to the earlier credit.

Every touch ends in exactly one place: inside one credit or among the rejected.
"""

from tracking.attribution.canonical import canonical_json, digest
from tracking.attribution.check import Difference, check_record
from tracking.attribution.decision import compare, decide
from tracking.attribution.facts import (
    WHOLE_PPM,
    AttributionRule,
    Binding,
    Bond,
    Confidence,
    ConversionKind,
    Credit,
    Decision,
    Model,
    Rejected,
    Share,
    Touch,
    TouchKind,
)
from tracking.attribution.record import (
    OtherFormat,
    compare_record,
    decode_decision,
    encode_decision,
    encode_inputs,
    replay,
    under_rule,
)

__all__ = [
    "WHOLE_PPM",
    "AttributionRule",
    "Binding",
    "Bond",
    "Confidence",
    "ConversionKind",
    "Credit",
    "Decision",
    "Difference",
    "Model",
    "OtherFormat",
    "Rejected",
    "Share",
    "Touch",
    "TouchKind",
    "canonical_json",
    "check_record",
    "compare",
    "compare_record",
    "decide",
    "decode_decision",
    "digest",
    "encode_decision",
    "encode_inputs",
    "replay",
    "under_rule",
]
