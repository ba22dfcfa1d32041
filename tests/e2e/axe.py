"""axe-core on a page: the rules of WCAG 2.2 AA and best practice."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from playwright.sync_api import Page

from referral_platform.local.folders import ROOT

SOURCE: Final = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_WHOLE_PAGES: Final = ["landmark-one-main", "page-has-heading-one", "region"]
"""Rules that the page around a frame keeps, not what stands in the frame."""

_RUN: Final = """
([tags, without, rules]) => axe.run(
    {include: [document], exclude: without},
    {runOnly: {type: "tag", values: tags}, rules, resultTypes: ["violations"], iframes: false},
).then(found => found.violations)
"""


@cache
def _source() -> str:
    assert SOURCE.exists(), "axe-core is missing; 'npm ci' brings it."
    return SOURCE.read_text()


def axe_faults(page: Page, *, without: str = "", framed: bool = False) -> list[str]:
    """Return each violation as its rule, the selector of the element, and what is wrong with it.

    Elements inside those that the selector `without` finds are not looked at. `framed` says that
    the page is only ever shown in a frame of another.
    """
    # What the developer tools evaluate is not the page's own script, so its policy does not apply.
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_source())
    rules = {rule: {"enabled": False} for rule in OF_WHOLE_PAGES} if framed else {}
    violations: list[dict[str, Any]] = page.evaluate(_RUN, [TAGS, [without] if without else [], rules])
    return [
        f"axe {violation['id']} at {' '.join(map(str, node['target']))}: {_reason(node)}"
        for violation in violations
        for node in violation["nodes"]
    ]


def _reason(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for kind in ("any", "all", "none") for check in node[kind])
