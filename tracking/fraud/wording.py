"""What the participant reads about a judgement: no third person, no figures, no way round a rule."""

from collections.abc import Mapping
from typing import Final

from tracking.fraud.facts import Judgement

_CHECKING: Final = "We are checking this referral; this usually takes a few days."
_REFUSED: Final = "This referral does not count under the program's terms."
_COUNTS: Final = "This referral counts."

# For each reason: while it is held, and once it is refused. Reasons of one sentence do not tell which rule
# spoke, so that nobody learns the rules by trying.
PARTICIPANT_SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "self_referral": (
        "We are checking whether this was a purchase of your own; this usually takes a few days.",
        "The program does not reward your own purchases.",
    ),
    "duplicate_order": (
        "We are checking whether this order was counted before; this usually takes a few days.",
        "This order was counted before, and each order counts once.",
    ),
    "known_person": (
        "We are checking whether your friend is a new customer; this usually takes a few days.",
        "The program rewards new customers, and your friend was one already.",
    ),
    **dict.fromkeys(
        (
            "block_list",
            "ring",
            "same_device",
            "same_payment",
            "circular",
            "velocity_participant",
            "velocity_device",
            "too_fast",
            "banned_source",
            "velocity_address",
            "refused_agent",
            "refund_rate",
            "same_postal",
            "disposable_mail",
            "same_ip",
            "country_mismatch",
        ),
        (_CHECKING, _REFUSED),
    ),
}


def participant_sentence(judgement: Judgement) -> str:
    """Return the sentence about a judgement that its participant may read; the same for the same reason."""
    if judgement.outcome == "allow":
        return _COUNTS
    held, denied = PARTICIPANT_SENTENCES.get(judgement.reason, (_CHECKING, _REFUSED))
    return held if judgement.outcome == "hold" else denied
