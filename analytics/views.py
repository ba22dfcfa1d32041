"""The overview of a workspace and its funnel."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from analytics import queries
from analytics.charts import bar_chart
from analytics.days import day_of
from analytics.forms import DEFAULT_DAYS, PeriodForm
from analytics.wording import figures_of, reason_text, steps_of
from programs import queries as program_queries
from tracking import queries as tracking_queries

LATEST = 8


@require_safe
@console_view("view")
def overview(request: ConsoleRequest) -> HttpResponse:
    """A period's figures beside those before, what needs attention, the funnel and the latest referrals."""
    workspace = request.workspace
    form = _period(request)
    begun = queries.beginning(workspace)
    report = queries.overview(
        workspace, first_on=form.period.first_on, last_on=form.period.last_on, program=form.program
    )
    latest = tracking_queries.referrals(workspace)
    if form.program is not None:
        latest = latest.filter(program=form.program)
    days = [day.day_on for day in report.days]
    chart = bar_chart(
        days,
        [
            ("Clicks", [day.clicks for day in report.days]),
            ("Sign-ups", [day.signups for day in report.days]),
            ("Purchases", [day.purchases for day in report.days]),
        ],
    )
    context = {
        "form": form,
        "report": report,
        "figures": figures_of(report, units=queries.units_first(workspace, report.now, report.before)),
        "chart": chart,
        "steps": steps_of(report.now),
        "begun": begun,
        "matters": queries.matters(workspace, at=request.at),
        "latest": latest[:LATEST],
        **_addresses(form),
    }
    return render(request, "analytics/overview.html", context, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def report_funnel(request: ConsoleRequest) -> HttpResponse:
    """The steps from enrolment to payout, with what fell away at each and why."""
    form = _period(request)
    report = queries.funnel(
        request.workspace,
        first_on=form.period.first_on,
        last_on=form.period.last_on,
        program=form.program,
    )
    drops = [
        (title, text, [(reason_text(drop.reason), drop.count) for drop in found])
        for title, text, found in (
            (
                "Clicks that were not counted",
                "Requests of links that no person made, or that repeat one within an hour.",
                report.clicks_dropped,
            ),
            (
                "Conversions that credited nobody",
                "Sign-ups and purchases after a contact with a participant that does not count.",
                report.conversions_uncredited,
            ),
            (
                "Conversions rejected",
                "Declared not to count: cancelled, deleted, or judged so by a person.",
                report.conversions_rejected,
            ),
            (
                "Rewards denied",
                "Promises that were refused by the program's rules, or by a person.",
                report.rewards_denied,
            ),
        )
    ]
    context = {
        "form": form,
        "report": report,
        "steps": steps_of(report.totals),
        "drops": drops,
        **_addresses(form),
    }
    return render(request, "analytics/report_funnel.html", context, status=400 if form.errors else 200)


def _period(request: ConsoleRequest) -> PeriodForm:
    given = request.GET.copy()
    if not any(given.get(name) for name in ("days", "from", "to")):
        given["days"] = str(DEFAULT_DAYS)
    form = PeriodForm(
        given,
        today=day_of(request.at, request.workspace.time_zone),
        programs=program_queries.programs_of(request.workspace),
    )
    form.is_valid()
    return form


def _addresses(form: PeriodForm) -> dict[str, Any]:
    """Return the query texts that lead to the same choice elsewhere."""
    program = {"program": form.program.public_id} if form.program else {}
    period = {"from": form.period.first_on, "to": form.period.last_on}
    return {
        "program_query": urlencode(program),
        "period_query": urlencode({**period, **program}),
    }
