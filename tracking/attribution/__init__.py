"""Decides who is credited for a conversion, and says why: pure, ordered, replayable.

The rules, in the order in which they are applied:

1. Touches are put in order of instant; equal instants are ordered by touch id. Input order never matters.
2. A touch falls out by itself when it was disqualified beforehand, came after the conversion, is of a kind
   the program does not accept, or is older than its window. A touch exactly as old as the window is still
   inside. Clicks live in `click_window`; codes and tokens in `code_window` (None: no limit); manual
   assignments in none.
3. A customer bound to a referrer by an earlier conversion stays with that referrer; nothing below applies.
4. The strongest kind that is left, by `precedence`, decides alone. A click shares by the rule's model.
   Every other kind is an explicit claim: the latest claim of that kind takes everything, and whatever lost
   to it is rejected as `lower_precedence`.
5. Weights belong to touches. Touches of one participant merge into one credit, credits stand in order of
   their first credited touch, and the amount is split by largest remainder, ties to the earlier credit.

Every touch ends in exactly one place: inside one credit or among the rejected.
"""

from tracking.attribution.decision import compare, decide
from tracking.attribution.facts import (
    WHOLE_PPM,
    AttributionRule,
    Confidence,
    Credit,
    Decision,
    Model,
    Rejected,
    Touch,
    TouchKind,
)
from tracking.attribution.record import (
    canonical_json,
    decode_decision,
    digest,
    encode_decision,
    encode_inputs,
    replay,
)

__all__ = [
    "WHOLE_PPM",
    "AttributionRule",
    "Confidence",
    "Credit",
    "Decision",
    "Model",
    "Rejected",
    "Touch",
    "TouchKind",
    "canonical_json",
    "compare",
    "decide",
    "decode_decision",
    "digest",
    "encode_decision",
    "encode_inputs",
    "replay",
]
