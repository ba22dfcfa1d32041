"""Values by the removal effect in a Markov chain of first order.

Source: E. Anderl, I. Becker, F. von Wangenheim, J. H. Schumann, "Mapping the customer journey: Lessons
learned from graph-based online attribution modeling", International Journal of Research in Marketing 33(3),
2016, pages 457-474.

- States are the start, one for each label, the conversion and its absence (null). The last two absorb.
- The probability of a move is how often journeys made it, out of all moves away from the same state. The next
  state depends on the present one alone: the order is 1.
- A label is removed by letting every move to it end in null. Its removal effect is
  `1 - P(conversion without it) / P(conversion)`, both from the start.
- Its value is its removal effect out of the sum of all removal effects, of the total.

A journey that meets one label several times in a row counts as meeting it once: it changes how long the chain
stays there, and neither where it ends nor any removal effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Final

from analytics.attribution_values.journeys import REST, Journey, Shares, share_out, total_worth

MOST_STATES: Final = 100
"""How many labels a chain may tell apart: its solution takes the cube of it."""

_DIGITS: Final = 60
_KEPT: Final = Decimal(1).scaleb(-24)
"""Effects are solved to far more digits than are kept, so that equal ones come out equal."""

_START: Final = "\0start"
_CONVERSION: Final = "\0conversion"
_NULL: Final = "\0null"


class Chain:
    """Counts the moves of journeys, one at a time; it remembers moves, not journeys."""

    def __init__(self) -> None:
        self._moves: Counter[tuple[str, str]] = Counter()

    def add(self, labels: Sequence[str], *, converted: bool) -> None:
        """Count one journey; one without labels tells nothing about any."""
        if labels:
            self._moves.update(pairwise([_START, *labels, _CONVERSION if converted else _NULL]))

    def removal_effects(self, told_apart: Collection[str] | None = None) -> dict[str, Decimal]:
        """Return the removal effect of each label, from 0 to 1, with 24 decimals.

        Labels that are not in `told_apart` are one state, REST. All are 0 where no journey converted.
        ValueError for more than MOST_STATES states.
        """
        moves = self._merged(told_apart)
        labels = sorted({state for move in moves for state in move} - {_START, _CONVERSION, _NULL})
        if len(labels) > MOST_STATES:
            raise ValueError(f"a chain tells at most {MOST_STATES} labels apart")
        leaving: Counter[str] = Counter()
        for (here, _), times in moves.items():
            leaving[here] += times
        with localcontext() as context:
            context.prec = _DIGITS
            chances = {move: Decimal(times) / leaving[move[0]] for move, times in moves.items()}
            return _effects(labels, chances)

    def _merged(self, told_apart: Collection[str] | None) -> Counter[tuple[str, str]]:
        merged: Counter[tuple[str, str]] = Counter()
        fixed = {_START, _CONVERSION, _NULL}

        def name(state: str) -> str:
            return state if told_apart is None or state in fixed or state in told_apart else REST

        for (here, there), times in self._moves.items():
            if name(here) != name(there):
                merged[name(here), name(there)] += times
        return merged


def markov_values(journeys: Iterable[Journey]) -> Shares:
    """Return what each label met by any journey is worth, by unit; the parts sum to the total.

    The total is what converted journeys with labels are worth. The order of the journeys does not matter.
    """
    told = list(journeys)
    chain = Chain()
    for journey in told:
        chain.add(journey.labels, converted=journey.converted)
    return share_out(total_worth(told), chain.removal_effects())


def _effects(labels: Sequence[str], chances: Mapping[tuple[str, str], Decimal]) -> dict[str, Decimal]:
    """Solve the chain once instead of once for each label that is removed.

    Whoever converts either never meets a label or comes to it and converts from there, so that
    `P(conversion) - P(conversion without it) = P(ever there) * P(conversion from there)`. With `visits` the
    inverse of identity less moves between labels (the expected number of visits), the probability of ever
    being there is the visits from the start over the visits from there.
    """
    count, zero = len(labels), Decimal(0)
    visits = _inverse(
        [
            [Decimal(i == j) - chances.get((a, b), zero) for j, b in enumerate(labels)]
            for i, a in enumerate(labels)
        ]
    )
    ends = [chances.get((label, _CONVERSION), zero) for label in labels]
    starts = [chances.get((_START, label), zero) for label in labels]
    from_here = [sum((visits[i][j] * ends[j] for j in range(count)), zero) for i in range(count)]
    whole = sum((starts[i] * from_here[i] for i in range(count)), zero)
    if not whole:
        return dict.fromkeys(labels, zero)
    effects = {}
    for j, label in enumerate(labels):
        ever_there = sum((starts[i] * visits[i][j] for i in range(count)), zero) / visits[j][j]
        effects[label] = (ever_there * from_here[j] / whole).quantize(_KEPT)
    return effects


def _inverse(rows: list[list[Decimal]]) -> list[list[Decimal]]:
    """Invert by Gauss and Jordan, in place.

    Every journey ends, so the matrix is a regular M-matrix: its pivots are positive in any order.
    """
    size = range(len(rows))
    for at in size:
        pivot = rows[at][at]
        rows[at][at] = Decimal(1)
        rows[at] = [cell / pivot if cell else cell for cell in rows[at]]
        for other in size:
            factor = rows[other][at]
            if other == at or not factor:
                continue
            rows[other][at] = Decimal(0)
            rows[other] = [
                cell - factor * own if own else cell for cell, own in zip(rows[other], rows[at], strict=True)
            ]
    return rows
