"""Tells a flood from one address by a bucket that leaks, for a bounded number of addresses."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Buckets:
    """Allows each name `rate` takes a second, and `burst` at once; remembers the `most` recent names.

    A name that was forgotten starts with a full bucket. Safe for threads.
    """

    rate: float
    burst: float
    most: int
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def has(self, name: str, now: float) -> bool:
        """Tell whether `take` would be allowed, without taking anything."""
        with self._lock:
            left, since = self._left.get(name, (self.burst, now))
            return min(self.burst, left + max(0.0, now - since) * self.rate) >= 1

    def take(self, name: str, now: float) -> bool:
        """Take one from a name's bucket at a monotonic time in seconds; False when it is empty."""
        with self._lock:
            left, since = self._left.pop(name, (self.burst, now))
            left = min(self.burst, left + max(0.0, now - since) * self.rate)
            allowed = left >= 1
            self._left[name] = (left - 1 if allowed else left, now)
            if len(self._left) > self.most:
                self._left.popitem(last=False)
            return allowed

    def __len__(self) -> int:
        return len(self._left)
