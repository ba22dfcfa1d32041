"""The console's page about the fraud rules: how each does, and what other settings would have made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.models import Workspace
from core.templatetags.display import money
from programs.models import Program
from programs.terms import FRAUD_WORDS, FraudTerms
from tracking import backtest_queries, queries
from tracking.fraud.backtest import OUTCOMES, BackTestResult, Fates, RuleFigures
from tracking.fraud.shares import Share
from tracking.fraud_rule_forms import FraudRulesForm
from tracking.rules import settings_of

MOST_ON_A_PAGE: Final = 20_000
"""How many judgements a back-test in a page looks at: some seconds; the command takes all there are."""

LISTED: Final = 50

_OUTCOMES: Final = {"allow": "Allowed", "hold": "Held", "deny": "Denied"}
_STATES: Final = {"on": "On", "shadow": "On trial", "off": "Off"}


@dataclass(frozen=True, slots=True)
class Row:
    """One rule in the table: its figures, and the addresses of what they count."""

    figures: RuleFigures
    name: str
    sentence: str
    state: str
    state_label: str
    weight: int
    precision: str
    wrong: str
    bounds: str
    fired_url: str
    fraud_url: str
    fine_url: str


@require_safe
@console_view("view")
def fraud_rules(request: ConsoleRequest) -> HttpResponse:
    """How each rule did in a program lately; with `?run=1`, what other settings would have held."""
    workspace = request.workspace
    programs = [row for row in queries.programs_of(workspace) if row.live_version is not None]
    form = FraudRulesForm(request.GET, programs=programs)
    form.is_valid()
    context: dict[str, Any] = {"form": form, "chosen": form.chosen, "days": form.period}
    if form.chosen is not None:
        since = request.at - timedelta(days=form.period)
        terms = backtest_queries.fraud_terms_of(form.chosen)
        figures = backtest_queries.rule_figures(workspace, program=form.chosen, since=since)
        context |= {
            "rows": _rows(workspace, form.chosen, terms, figures, since),
            "judged": figures[0].judged,
            "terms": terms,
        }
        if form.tried is not None:
            context["trial"] = _trial(workspace, form.chosen, form.tried, since, request.at)
    return render(request, "tracking/fraud_rules.html", context, status=400 if form.errors else 200)


def _rows(
    workspace: Workspace,
    program: Program,
    terms: FraudTerms,
    figures: Sequence[RuleFigures],
    since: datetime,
) -> list[Row]:
    queue = _queue(workspace)
    begun_on = since.astimezone(ZoneInfo(workspace.time_zone)).date()
    rows = []
    for each in figures:
        rule: Any = each.rule
        name, sentence = FRAUD_WORDS[rule]
        state = "shadow" if rule in terms.shadow else "off" if rule in terms.off else "on"
        fired = {"rule": rule, "judged_in": program.public_id, "from": begun_on.isoformat()}
        rows.append(
            Row(
                figures=each,
                name=name,
                sentence=sentence,
                state=state,
                state_label=_STATES[state],
                weight=terms.weight(rule),
                precision=percent(each.precision),
                wrong=percent(each.false_positive_rate),
                bounds=bounds(each.false_positive_rate),
                fired_url=f"{reverse('conversion_list', args=[workspace.slug])}?{urlencode(fired)}",
                fraud_url=_in_queue(queue, program, rule, "rejected"),
                fine_url=_in_queue(queue, program, rule, "approved"),
            )
        )
    return rows


def _queue(workspace: Workspace) -> str:
    try:
        return reverse("fraud_queue", args=[workspace.slug])
    except NoReverseMatch:
        return ""


def _in_queue(queue: str, program: Program, rule: str, status: str) -> str:
    if not queue:
        return ""
    return f"{queue}?{urlencode({'rule': rule, 'program': program.public_id, 'status': status})}"


def _trial(
    workspace: Workspace, program: Program, terms: FraudTerms, since: datetime, at: datetime
) -> dict[str, Any]:
    tried = backtest_queries.back_test(
        workspace,
        program=program,
        since=since,
        at=at,
        settings=settings_of(terms),
        listed=LISTED,
        most=MOST_ON_A_PAGE,
    )
    result = tried.result
    return {
        "result": result,
        "total": tried.total,
        "cut": tried.total > result.judged + result.skipped,
        "table": _table(result),
        "caught": _told(result.caught),
        "released": _told(result.released),
        "changes": [
            {
                "conversion": change.past.conversion,
                "before": _OUTCOMES[change.before],
                "after": _OUTCOMES[change.after],
                "tone": change.after,
                "rule": FRAUD_WORDS[change.rule][0] if change.rule else "",  # type: ignore[index]
                "sentence": change.sentence,
                "truth": _TRUTHS[change.past.truth],
                "amount": money(change.past.amount_minor, change.past.currency)
                if change.past.currency
                else "",
            }
            for change in tried.changes
        ],
        "more": result.changed - len(tried.changes),
    }


_TRUTHS: Final = {"fraud": "Judged fraud", "fine": "Judged fine", "unknown": "Not judged"}


def _table(result: BackTestResult) -> list[dict[str, Any]]:
    """Return the table of outcomes then (rows) by outcomes now (cells)."""
    return [
        {
            "label": _OUTCOMES[before],
            "cells": [
                {"count": result.count(before, after), "label": _OUTCOMES[after], "changed": before != after}
                for after in OUTCOMES
            ],
        }
        for before in OUTCOMES
    ]


def _told(fates: Fates) -> dict[str, Any]:
    return {
        "fates": fates,
        "wrong": percent(fates.false_positive_rate),
        "bounds": bounds(fates.false_positive_rate),
        "money": ", ".join(money(minor, unit) for unit, minor in sorted(fates.money.items())),
    }


def percent(share: Share | None) -> str:
    """Write a share in percent, or nothing where there is none."""
    return "" if share is None else f"{round(share.value * 100)} %"


def bounds(share: Share | None) -> str:
    """Write between which percentages the true share lies, or nothing where there is none."""
    return "" if share is None else f"{round(share.low * 100)}–{round(share.high * 100)} %"
