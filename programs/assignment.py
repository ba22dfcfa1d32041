"""Which variant of an experiment somebody sees. Pure.

Nothing is drawn by chance: the answer follows from the experiment's salt and the subject's id alone, so the
same person gets the same answer on every machine, and two experiments divide the same people independently.

1. SHA-256 of `salt|subject` in UTF-8; the first 8 bytes as a big-endian integer modulo 10,000. Below
   `holdout_bps` the subject is in the holdout.
2. Otherwise SHA-256 of `salt|variant|subject`, read in the same way, modulo the sum of the weights. The
   variants follow each other in the order given, each as long as its weight; the one that the number falls
   into is it.

The second digest is another one, so that a wider or narrower holdout moves nobody from one variant to the
next. A 64-bit number modulo at most 10,000 prefers no remainder by more than one part in 10^15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Final

HOLDOUT: Final = "holdout"
"""The answer for those who see no variant; no variant may be called so."""
WHOLE_BPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the things that are compared; of every `sum of weights` people, `weight` see it."""

    key: str
    weight: int


def assign(*, salt: str, subject: str, variants: Sequence[Variant], holdout_bps: int) -> str:
    """Return the key of the variant that the subject sees, or "holdout"; see the module for how.

    Raises ValueError for a weight below zero, for weights that sum to nothing, and for a holdout outside
    0 to 10,000 basis points.
    """
    total = _total(variants, holdout_bps)
    if _number(f"{salt}|{subject}") % WHOLE_BPS < holdout_bps:
        return HOLDOUT
    place = _number(f"{salt}|variant|{subject}") % total
    for variant in variants:
        if place < variant.weight:
            return variant.key
        place -= variant.weight
    raise AssertionError("unreachable: the place is below the sum of the weights")


def expected_shares(*, variants: Sequence[Variant], holdout_bps: int) -> dict[str, Fraction]:
    """Return the part of all people that each variant, and last the holdout if there is one, should get.

    The parts sum to one. Raises ValueError as `assign` does.
    """
    total = _total(variants, holdout_bps)
    held = Fraction(holdout_bps, WHOLE_BPS)
    shares = {variant.key: (1 - held) * Fraction(variant.weight, total) for variant in variants}
    return {**shares, HOLDOUT: held} if holdout_bps else shares


def _total(variants: Sequence[Variant], holdout_bps: int) -> int:
    """Return the sum of the weights, which is above zero."""
    if not 0 <= holdout_bps <= WHOLE_BPS:
        raise ValueError("a holdout is 0 to 10,000 basis points")
    if any(variant.weight < 0 for variant in variants):
        raise ValueError("a weight is not below zero")
    total = sum(variant.weight for variant in variants)
    if not total:
        raise ValueError("the weights sum to nothing")
    return total


def _number(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8])
