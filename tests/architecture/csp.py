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
    if "sandbox" in given and given.get("default-src") == ["'none'"]:
        return _mail_faults(given)
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


def _mail_faults(given: dict[str, list[str]]) -> list[str]:
    """A mail's own HTML in a sandboxed frame: no script, nothing loaded, styles named by their hash."""
    styles = given.get("style-src", [])
    wrong = [
        f"style-src allows {each}" for each in styles if each != "'none'" and not each.startswith("'sha256-")
    ]
    wrong += [
        f"{name} is allowed" for name in given if name not in ("sandbox", "default-src", "style-src", FRAMING)
    ]
    if given["sandbox"]:
        wrong.append(f"the sandbox allows {' '.join(given['sandbox'])}")
    if given.get(FRAMING) != ONLY_OWN:
        wrong.append(f"{FRAMING} is not 'self'")
    return wrong
