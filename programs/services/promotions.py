"""Changes to promotions: seasons in which a program gives more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.text import clean_line
from core.transactions import all_or_nothing
from programs.models import Program, Promotion
from programs.promotions import (
    LARGEST_MULTIPLIER,
    ONE,
    SMALLEST_MULTIPLIER,
    conditions_of,
    day_start,
    season,
    standing,
)
from programs.queries import live_version
from programs.services.programs import ProgramEnded
from programs.terms import FieldError, TermsInvalid, dump_conditions, dump_terms, parse_terms

LONGEST: Final = timedelta(days=366)
MOST_COUNTRIES: Final = 250
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_PROMISED: Final = ("starts_on", "multiplier_bps", "replacements", "audience", "announce")


class PromotionOver(Conflict):
    """The promotion is over or was stopped: what it promised is history."""

    default_code = "promotion_over"


class PromotionRunning(Conflict):
    """The promotion runs: what it promises stays, but for its end, its name and its banner."""

    default_code = "promotion_running"


@all_or_nothing
def make_promotion(
    *,
    program: Program,
    name: str,
    starts_on: date,
    ends_on: date,
    multiplier_bps: int = ONE,
    replacements: Mapping[str, Any] | None = None,
    banner: str = "",
    audience: Mapping[str, Any] | None = None,
    announce: bool = False,
    actor: Actor,
    at: datetime,
) -> Promotion:
    """Plan a season of a program, from the start of one day to the end of another in the workspace's zone.

    It multiplies every amount (10,100 to 100,000 basis points: 1.01 to 10 times), or replaces the amounts of
    some rules by their keys, written as in the terms' document. One that starts today starts now: what
    happened before was promised otherwise. `audience` has `countries`, `enrolled_from` and `enrolled_until`
    as days, and `conditions` about people (see `programs.conditions`). Raises Invalid naming the
    field, and ProgramEnded. With `announce` its audience is written to at the start.
    """
    values = _values(
        program,
        name=name,
        starts_on=starts_on,
        ends_on=ends_on,
        multiplier_bps=multiplier_bps,
        replacements=replacements or {},
        banner=banner,
        audience=_audience(audience or {}, program),
        announce=announce,
    )
    today = at.astimezone(_zone(program)).date()
    if starts_on < today:
        raise Invalid(
            "It starts today or later: what happened before is promised already.", param="starts_on"
        )
    starts_at, ends_at = season(starts_on, ends_on, program.workspace.time_zone)
    promotion = Promotion.objects.create(
        workspace=program.workspace,
        program=program,
        **values,
        starts_at=max(starts_at, at),
        ends_at=ends_at,
        created_at=at,
    )
    _record(promotion, "made", actor, after=_shown(promotion))
    return promotion


@all_or_nothing
def edit_promotion(
    *, promotion: Promotion, changes: Mapping[str, Any], actor: Actor, at: datetime
) -> Promotion:
    """Change a promotion; `changes` has some of the fields that `make_promotion` takes.

    Once it runs, only its name, its banner and its last day change, and it cannot end in the past. Repeating
    it changes nothing. Raises Invalid naming the field, PromotionRunning and PromotionOver.
    """
    row = _lock(promotion)
    before, stands = _shown(row), standing(row, at)
    if stands in ("over", "stopped"):
        raise PromotionOver("This promotion is over. What it promised stays as it was.")
    wanted = {name: changes.get(name, getattr(row, name)) for name in _FIELDS}
    if "audience" in changes:
        wanted["audience"] = _audience(changes["audience"], row.program)
    values = _values(row.program, **wanted, known=row.replacements)
    if stands == "running":
        for name in _PROMISED:
            if values[name] != getattr(row, name):
                raise PromotionRunning(
                    "It runs already: what it promises stays. Stop it, and make another one.", param=name
                )
    zone = row.workspace.time_zone
    today = at.astimezone(_zone(row.program)).date()
    for name in ("starts_on", "ends_on"):
        if values[name] != getattr(row, name) and values[name] < today:
            raise Invalid("This day is over already.", param=name)
    moved = {name for name in ("starts_on", "ends_on") if values[name] != getattr(row, name)}
    for name, value in values.items():
        setattr(row, name, value)
    # An end that nobody moved stays the instant it was, also where the workspace's zone is another one now.
    if "starts_on" in moved:
        row.starts_at = max(day_start(row.starts_on, zone), at)
    if "ends_on" in moved:
        row.ends_at = day_start(row.ends_on + timedelta(days=1), zone)
    after = _shown(row)
    if after == before:
        return row
    row.save(update_fields=[*_FIELDS, "starts_at", "ends_at"])
    changed = [name for name in after if after[name] != before[name]]
    _record(
        row,
        "edited",
        actor,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return row


@all_or_nothing
def stop_promotion(*, promotion: Promotion, reason: str = "", actor: Actor, at: datetime) -> Promotion:
    """End a promotion now, for good; what happened while it ran stays promised.

    Repeating it changes nothing. Raises PromotionOver for one that ended by itself.
    """
    reason = clean_line(reason, param="reason", longest=200)
    row = _lock(promotion)
    stands = standing(row, at)
    if stands == "stopped":
        return row
    if stands == "over":
        raise PromotionOver("This promotion is over already.")
    row.status, row.stopped_at = Promotion.Status.STOPPED, at
    row.save(update_fields=["status", "stopped_at"])
    _record(row, "stopped", actor, before={"status": stands}, after={"status": "stopped"}, reason=reason)
    return row


_FIELDS: Final = (
    "name",
    "starts_on",
    "ends_on",
    "multiplier_bps",
    "replacements",
    "banner",
    "audience",
    "announce",
)


def _lock(promotion: Promotion) -> Promotion:
    rows = Promotion.objects.for_workspace(promotion.workspace_id)
    row: Promotion = (
        rows.select_for_update(of=("self",)).select_related("workspace", "program").get(pk=promotion.pk)
    )
    row.program.workspace = row.workspace
    return row


def _values(
    program: Program,
    *,
    name: str,
    starts_on: date,
    ends_on: date,
    multiplier_bps: int,
    replacements: Mapping[str, Any],
    banner: str,
    audience: Mapping[str, Any],
    announce: bool,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the fields as they are stored; amounts that are `known` already are not read anew."""
    if program.status == Program.Status.ENDED:
        raise ProgramEnded("The program is over, so it gives nothing more.", param="program")
    name = clean_line(name, param="name", longest=120, required=True)
    banner = clean_line(banner, param="banner", longest=200)
    if ends_on < starts_on:
        raise Invalid("The last day is not before the first.", param="ends_on")
    if ends_on - starts_on >= LONGEST:
        raise Invalid("A promotion lasts a year at most. What lasts belongs in the program.", param="ends_on")
    amounts = dict(replacements) if replacements == known else _replacements(program, replacements)
    if amounts and multiplier_bps != ONE:
        raise Invalid("Multiply the amounts or replace some, not both.", param="multiplier_bps")
    if not amounts and not SMALLEST_MULTIPLIER <= multiplier_bps <= LARGEST_MULTIPLIER:
        raise Invalid("Amounts are multiplied by 1.01 to 10.", param="multiplier_bps")
    return {
        "name": name,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "multiplier_bps": multiplier_bps,
        "replacements": amounts,
        "banner": banner,
        "audience": dict(audience),
        "announce": announce,
    }


def _replacements(program: Program, replacements: Mapping[str, Any]) -> dict[str, Any]:
    """Return the amounts in the terms' own spelling, by rule key; raises Invalid naming the key."""
    if not isinstance(replacements, Mapping):
        raise Invalid("Amounts stand under the keys of their rules.", param="replacements")
    version = live_version(program)
    document = dict(version.terms if version is not None else program.draft)
    rules = [dict(rule) for rule in document.get("rewards", [])]
    places = {str(rule.get("key")): place for place, rule in enumerate(rules)}
    for key, amount in replacements.items():
        if key not in places:
            raise Invalid("The program has no rule with this key.", param=f"replacements.{key[:64]}")
        # The replacement is the whole amount; steps that rise from the rule's own have no place beside it.
        rules[places[key]] |= {"amount": amount, **({"tiers": []} if rules[places[key]].get("tiers") else {})}
    try:
        parsed = dump_terms(parse_terms({**document, "rewards": rules}))
    except TermsInvalid as error:
        for fault in error.errors:
            for key in replacements:
                before = f"rewards.{places[key]}."
                if fault.param.startswith(before):
                    rest = fault.param.removeprefix(before)
                    raise Invalid(
                        fault.message, code=fault.code, param=f"replacements.{key}.{rest}"
                    ) from error
        raise
    kept = parsed["rewards"]
    assert isinstance(kept, list)
    return {key: kept[places[key]]["amount"] for key in replacements}


def _audience(audience: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """Return an audience as it is kept: days as the instants of the workspace's zone, conditions checked."""
    unknown = set(audience) - {"countries", "enrolled_from", "enrolled_until", "conditions"}
    if unknown:
        raise Invalid("There is no such field.", param=f"audience.{min(unknown)[:40]}")
    countries = audience.get("countries") or []
    if not isinstance(countries, list | tuple) or len(countries) > MOST_COUNTRIES:
        raise Invalid("Countries are a list of two-letter codes.", param="audience.countries")
    for country in countries:
        if not isinstance(country, str) or not _COUNTRY.fullmatch(country):
            raise Invalid("A country is two capital letters, like DE.", param="audience.countries")
    first, last = (_day(audience, name) for name in ("enrolled_from", "enrolled_until"))
    if first is not None and last is not None and last < first:
        raise Invalid("The last day is not before the first.", param="audience.enrolled_until")
    zone = program.workspace.time_zone
    kept: dict[str, Any] = {}
    if countries:
        kept["countries"] = sorted(set(countries))
    if first is not None:
        kept["enrolled_from"] = day_start(first, zone).isoformat()
    if last is not None:
        kept["enrolled_until"] = day_start(last + timedelta(days=1), zone).isoformat()
    errors: list[FieldError] = []
    conditions = dump_conditions(conditions_of(audience, errors))
    if errors:
        raise Invalid(errors[0].message, code=errors[0].code, param=errors[0].param)
    if conditions is not None:
        kept["conditions"] = conditions
    return kept


def _day(audience: Mapping[str, Any], name: str) -> date | None:
    value = audience.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise Invalid("A day is written like 2026-11-27.", param=f"audience.{name}") from error


def _zone(program: Program) -> ZoneInfo:
    return ZoneInfo(program.workspace.time_zone)


def _shown(promotion: Promotion) -> dict[str, Any]:
    """Return what a promotion promises, as the audit log keeps it."""
    return {
        "name": promotion.name,
        "starts_on": str(promotion.starts_on),
        "ends_on": str(promotion.ends_on),
        "multiplier_bps": promotion.multiplier_bps,
        "replacements": promotion.replacements,
        "banner": promotion.banner,
        "audience": promotion.audience,
        "announce": promotion.announce,
    }


def _record(promotion: Promotion, what: str, actor: Actor, **more: Any) -> None:
    record_audit(
        workspace=promotion.workspace,
        actor=actor,
        action=f"promotion.{what}",
        subject=promotion.public_id,
        **more,
    )
