"""What the terms being edited would look like: to a participant, to a friend, and in money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.errors import DomainError
from core.money import CURRENCIES, parse_major
from programs import queries
from programs.example import ExampleOrder, example_of
from programs.facts import cap_sentences, changes
from programs.forms import TermsEditor
from programs.models import Program
from programs.terms import ProgramTerms, RewardRule, TermsInvalid, headline, parse_terms, promises
from programs.trials import checks, trial_facts, trial_fields

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

    `asked` may hold the order of the worked example, which friend's it is, and what the friends had spent
    before, as they were typed.
    """
    if terms is None:
        return {"preview": None}
    asked = asked or {}
    order_minor = _amount(asked.get("example_order", ""), terms.currency) or _usual_order(terms.currency)
    revenue_minor = _amount(asked.get("example_revenue", ""), terms.currency)
    friends = _friends(asked.get("example_friends", ""))
    facts = trial_facts(terms, asked, order_minor=order_minor, friends=friends)
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
            "revenue_minor": revenue_minor,
            "counts_friends": any(_counts(rule, "friends") for rule in terms.rewards),
            "counts_revenue": any(_counts(rule, "revenue") for rule in terms.rewards),
            "lines": [
                (labels[line.rule_key], line.calculation)
                for line in example_of(ExampleOrder(terms, order_minor, friends, revenue_minor, facts))
            ],
            "asked": trial_fields(terms, asked),
            "checks": checks(terms, facts),
            "caps": cap_sentences(terms),
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
    rows = (*editor.rules, *tiers, *editor.caps)
    return [
        f"{form.fields[name].label or name.replace('_', ' ').capitalize()}: {error}"
        if name in form.fields
        else str(error)
        for form in (editor.general, editor.fraud, *rows)
        for name, errors in form.errors.items()
        for error in errors
    ]


def _amount(text: str, currency: str) -> int:
    try:
        return max(0, parse_major(str(text).strip(), currency))
    except DomainError:
        return 0


def _usual_order(currency: str) -> int:
    # A hundred of most currencies; of those without a smaller unit, ten thousand.
    return 100 * 10 ** CURRENCIES[currency] if CURRENCIES[currency] else 10_000


def _counts(rule: RewardRule, basis: str) -> bool:
    by_tier = bool(rule.tiers) and rule.tier_basis == basis
    return by_tier or (rule.milestone is not None and rule.milestone.basis == basis)


def _friends(text: str) -> int:
    digits = str(text).strip()
    small = digits.isascii() and digits.isdigit() and len(digits) < 6
    return max(1, min(int(digits), _MOST_FRIENDS)) if small else 1
