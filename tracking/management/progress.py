"""How far a long command has come, on standard error."""

from __future__ import annotations

import time
from typing import Any, Final

_ON_A_TERMINAL: Final = 0.2
_IN_A_LOG: Final = 10.0
_LOOK_EVERY: Final = 256
"""How many steps are taken between two looks at the watch."""


class Progress:
    """Counts steps, and now and then writes how many, how fast, and which share of all `of` steps.

    A terminal gets one line that is written over, five times a second; anything else gets a line every ten
    seconds.
    """

    def __init__(self, out: Any, *, of: int) -> None:
        self._out = out
        self._of = of
        self._terminal = bool(out.isatty())
        self._every = _ON_A_TERMINAL if self._terminal else _IN_A_LOG
        self.done = 0
        self._began = self._said = time.monotonic()
        self.per_second = 0.0

    def step(self) -> None:
        """Count one more."""
        self.done += 1
        if self.done % _LOOK_EVERY == 0 and time.monotonic() - self._said >= self._every:
            self._say()

    def close(self) -> None:
        """Work out `per_second` over all steps, and leave a terminal's line."""
        self._measure()
        if self._terminal:
            self._say()
            self._out.write("")

    def _measure(self) -> None:
        self._said = time.monotonic()
        self.per_second = self.done / max(self._said - self._began, 1e-6)

    def _say(self) -> None:
        self._measure()
        share = self.done / self._of if self._of else 1.0
        text = f"{self.done:,} of {self._of:,} ({share:.0%}), {self.per_second:,.0f} a second"
        self._out.write(f"\r{text}" if self._terminal else text, ending="" if self._terminal else "\n")
        self._out.flush()
