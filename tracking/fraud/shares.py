"""A share of a count, with how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

_Z: Final = 1.959964
"""The quantile of the normal distribution that leaves 95 % between itself and its negative."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `of`, and the bounds between which the true share lies with 95 % confidence."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself, 0 to 1."""
        return self.hits / self.of


def share_of(hits: int, of: int) -> Share | None:
    """Return the share with its Wilson score interval at 95 %, or None of nothing.

    The bounds are (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n) with p = hits/of, n = of, z = 1.96
    (E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22, 1927). They
    hold for small counts and stay within 0 and 1. Raises ValueError for hits that are no part of `of`.
    """
    if not 0 <= hits <= of:
        raise ValueError("hits must lie between zero and of")
    if of == 0:
        return None
    p, square = hits / of, _Z * _Z
    middle = p + square / (2 * of)
    reach = _Z * sqrt(p * (1 - p) / of + square / (4 * of * of))
    whole = 1 + square / of
    # Rounding must not push a bound past what a share can be, nor past the share itself.
    return Share(
        hits, of, max(0.0, min(p, (middle - reach) / whole)), min(1.0, max(p, (middle + reach) / whole))
    )
