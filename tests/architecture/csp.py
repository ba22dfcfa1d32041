"""What a strict Content-Security-Policy is, for what the test client and the browser are answered."""

from __future__ import annotations

from typing import Final

ONLY_OWN: Final = ["'self'"]
EXACT: Final = {"script-src": ONLY_OWN, "style-src": ONLY_OWN, "object-src": ["'none'"], "base-uri": ONLY_OWN}
OWN_OR_NONE: Final = {"'self'", "'none'", "data:", "blob:"}
FRAMING: Final = "frame-ancestors"
"""The one directive that may name other hosts: those whose pages show the embedded portal."""


def csp_faults(header: str | None) -> list[str]:
    """Return what makes a policy less than strict; nothing when it is strict."""
    if not header:
        return ["there is no Content-Security-Policy"]
    given = {name: sources for name, *sources in (part.split() for part in header.split(";") if part.strip())}
    wrong = [
        f"{name} is {' '.join(given.get(name, ['missing']))}, not {' '.join(wanted)}"
        for name, wanted in EXACT.items()
        if given.get(name) != wanted
    ]
    wrong += [name + " is missing" for name in ("default-src", "form-action", FRAMING) if name not in given]
    for name, sources in given.items():
        wrong += [f"{name} allows {each}" for each in sources if each.startswith("'unsafe-") or each == "*"]
        if name != FRAMING:
            wrong += [f"{name} allows {each}" for each in sources if each not in OWN_OR_NONE]
    return sorted(set(wrong))
