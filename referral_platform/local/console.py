"""Lines on the terminal: steps with their time, and the parts' logs behind aligned prefixes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

_COLOURS = {"web": 36, "worker": 33, "beat": 35, "migrate": 34, "load_demo": 34, "local": 32}
_WIDTH = max(map(len, _COLOURS))


class Console:
    """Standard output; colours only on a terminal, and only where NO_COLOR does not forbid them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._colours = sys.stdout.isatty() and not environment.get("NO_COLOR")
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nobody reads the output any more."""
        return self._closed

    def line(self, name: str, text: str) -> None:
        """Write what the part `name` says, each line behind the part's name."""
        prefix = f"{name:<{_WIDTH}} |"
        if self._colours:
            prefix = f"\x1b[{_COLOURS.get(name, 37)}m{prefix}\x1b[0m"
        self.text("\n".join(f"{prefix} {line}".rstrip() for line in text.splitlines() or [""]))

    def step(self, text: str, began: float) -> None:
        """Write that a step is done; `began` is its start by the monotonic clock."""
        self.line("local", f"{text} ({time.monotonic() - began:.1f} s)")

    def text(self, text: str) -> None:
        """Write lines as they are."""
        if self._closed:
            return
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except OSError:
            # The terminal or the pipe is gone. What follows has no reader; the descriptor stays valid.
            self._closed = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
