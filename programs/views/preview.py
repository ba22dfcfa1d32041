"""What the terms being edited would look like: to a participant, to a friend, and in money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.errors import DomainError
from core.money import CURRENCIES, parse_major
from programs import queries
from programs.example import ExampleOrder, example_of
from programs.facts import changes
from programs.forms import TermsEditor
from programs.models import Program
from programs.terms import ProgramTerms, TermsInvalid, headline, parse_terms, promises

_MOST_FRIENDS: Final = 10_000


def preview_of(
    program: Program,
    terms: ProgramTerms | None,
    *,
    name: str = "",
    asked: Mapping[str, Any] | None = None,
    workspace_name: str = "",
) -> dict[str, Any]:
    """Return the context of the preview; without terms it says only that something is missing.

    `asked` may hold the order and the number of friends of the worked example, as they were typed.
    """
    if terms is None:
        return {"preview": None}
    asked = asked or {}
    order_minor = _order(asked.get("example_order", ""), terms.currency)
    friends = _friends(asked.get("example_friends", ""))
    live = queries.live_version(program)
    labels = {rule.key: "Referrer" if rule.side == "referrer" else "Friend" for rule in terms.rewards}
    return {
        "preview": {
            "name": name or program.name,
            "shop": workspace_name,
            "headline": headline(terms) or program.name,
            "to_you": promises(terms, "referrer", "You get"),
            "to_friends": promises(terms, "referee", "Your friend gets"),
            "to_friend": promises(terms, "referee", "You get"),
            "destination": terms.destination_url,
            "currency": terms.currency,
            "order_minor": order_minor,
            "friends": friends,
            "has_tiers": any(rule.tiers for rule in terms.rewards),
            "lines": [
                (labels[line.rule_key], line.calculation)
                for line in example_of(ExampleOrder(terms, order_minor, friends))
            ],
            "is_published": live is not None,
            "changes": changes(queries.terms_of(live), terms) if live else [],
        }
    }


def terms_typed(editor: TermsEditor) -> ProgramTerms | None:
    """Return the terms as they stand in a bound editor; None while something in it is wrong."""
    if not editor.is_valid():
        return None
    try:
        return parse_terms(editor.document())
    except TermsInvalid as error:
        editor.add_errors(error)
        return None


def faults_of(editor: TermsEditor) -> list[str]:
    """Return what keeps a checked editor from being shown, a sentence for each field."""
    tiers = [tier for rule in editor.rules for tier in rule.tiers]
    return [
        f"{form.fields[name].label or name.replace('_', ' ').capitalize()}: {error}"
        if name in form.fields
        else str(error)
        for form in (editor.general, editor.fraud, *editor.rules, *tiers)
        for name, errors in form.errors.items()
        for error in errors
    ]


def _order(text: str, currency: str) -> int:
    try:
        minor = parse_major(str(text).strip(), currency)
    except DomainError:
        minor = 0
    # A hundred of most currencies; of those without a smaller unit, ten thousand.
    usual: int = 100 * 10 ** CURRENCIES[currency] if CURRENCIES[currency] else 10_000
    return minor if minor > 0 else usual


def _friends(text: str) -> int:
    digits = str(text).strip()
    small = digits.isascii() and digits.isdigit() and len(digits) < 6
    return max(1, min(int(digits), _MOST_FRIENDS)) if small else 1
