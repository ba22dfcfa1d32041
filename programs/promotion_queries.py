"""Reads about promotions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from accounts.models import Workspace
from programs.condition_words import condition_words
from programs.conditions import Facts
from programs.models import Participant, Program, Promotion
from programs.promotions import (
    NOTICE,
    Member,
    announced,
    asked_by,
    conditions_of,
    instant,
    promotion_for,
)
from programs.queries import live_version
from programs.terms import TermsInvalid, parse_terms, reward_sentence


def promotions_of(program: Program) -> QuerySet[Promotion]:
    """Return a program's promotions, the latest start first."""
    rows = Promotion.objects.for_workspace(program.workspace_id).filter(program_id=program.pk)
    return rows.select_related("workspace", "program").order_by("-starts_at", "-pk")


def promotions(workspace: Workspace) -> QuerySet[Promotion]:
    """Return the promotions of all programs, the latest start first."""
    rows = Promotion.objects.for_workspace(workspace).select_related("workspace", "program")
    return rows.order_by("-starts_at", "-pk")


def facts_of(participant: Participant, zone: str, *, friends: int | None = None) -> Facts:
    """Return what is known of a participant themselves; needs the customer loaded."""
    person = participant.customer
    return Facts(
        {
            "referrer.country": person.country or None,
            "referrer.enrolled_on": participant.enrolled_at.astimezone(ZoneInfo(zone)).date().isoformat(),
            "referrer.friends": friends,
            **{f"referrer.attributes.{key}": value for key, value in person.attributes.items()},
        }
    )


def shown_to(
    participant: Participant, at: datetime, *, friends: Callable[[], int]
) -> tuple[Promotion | None, Promotion | None]:
    """Return the promotion that runs for a participant, and the one that starts within a week.

    Conditions about the friend keep nobody out here: nobody knows yet who will buy. `friends` counts who
    bought so far, where it is asked for. Needs the customer and the workspace loaded.
    """
    rows = list(
        Promotion.objects.for_workspace(participant.workspace_id).filter(
            program_id=participant.program_id, starts_at__lte=at + NOTICE, ends_at__gt=at
        )
    )
    asked = asked_by(rows)
    member = Member(
        country=participant.customer.country,
        enrolled_at=participant.enrolled_at,
        facts=facts_of(
            participant,
            participant.workspace.time_zone,
            friends=friends() if "referrer.friends" in asked else None,
        ),
        friend_known=False,
    )
    return promotion_for(rows, at, member), announced(rows, at, member)


def replaced_sentences(promotion: Promotion) -> list[str]:
    """Return what is given in place of some rules' amounts, a sentence each.

    A rule that left the program since is named by its key.
    """
    version = live_version(promotion.program)
    document = promotion.program.draft if version is None else version.terms
    kept = promotion.replacements
    rules = [
        {**rule, "amount": kept[rule["key"]], "tiers": []}
        for rule in document["rewards"]
        if rule["key"] in kept
    ]
    try:
        terms = parse_terms({**document, "rewards": rules})
    except TermsInvalid:
        return [f"The rule {key} gives another amount." for key in kept]
    sentences = [reward_sentence(rule, terms.currency) for rule in terms.rewards]
    gone = set(kept) - {rule.key for rule in terms.rewards}
    return sentences + [f"The rule {key} is no longer in the program." for key in sorted(gone)]


def audience_sentence(promotion: Promotion) -> str:
    """Return whom a promotion is for."""
    audience, zone = promotion.audience, ZoneInfo(promotion.workspace.time_zone)
    first, after = instant(audience.get("enrolled_from")), instant(audience.get("enrolled_until"))
    if not audience:
        return "Everybody in the program"
    parts = ["Participants"]
    if audience.get("countries"):
        parts.append(f"from {', '.join(audience['countries'])}")
    if first is not None or after is not None:
        parts.append("who joined")
    if first is not None:
        parts.append(f"on {_day(first, zone)} or later")
    if first is not None and after is not None:
        parts.append("and")
    if after is not None:
        parts.append(f"on {_day(after - timedelta(microseconds=1), zone)} or earlier")
    tree = conditions_of(audience)
    if tree is not None:
        parts.append(f"if {condition_words(tree, promotion_currency(promotion))}")
    return " ".join(parts)


def promotion_currency(promotion: Promotion) -> str:
    """Return the currency of a promotion's program."""
    version = live_version(promotion.program)
    document = promotion.program.draft if version is None else version.terms
    return str(document["currency"])


def _day(at: datetime, zone: ZoneInfo) -> str:
    day = at.astimezone(zone).date()
    return f"{day.day} {day:%B %Y}"


def promotion_name(workspace: Workspace, public_id: str) -> str:
    """Return the name of the promotion with this id; the id itself where there is none."""
    found = Promotion.objects.for_workspace(workspace).filter(public_id=public_id).first()
    return public_id if found is None else found.name
