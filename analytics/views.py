"""The overview of a workspace, its funnel, and the search over everything in it."""

from __future__ import annotations

import csv
import io
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from analytics import queries
from analytics.choosing import Chosen, choose
from analytics.wording import (
    DRAWN_FIRST,
    METRICS,
    Link,
    chart_of,
    figures_of,
    kpis_of,
    reason_text,
    steps_of,
    tasks_of,
)
from core.text import spreadsheet_cell

LATEST = 6
TOP = 5
ALL_OF_A_KIND = 50


@require_safe
@console_view("view")
def overview(request: ConsoleRequest) -> HttpResponse:
    """A period's figures beside those before, what needs attention, the funnel and who stands behind them."""
    workspace = request.workspace
    chosen = choose(request, keep=("chart", "by"))
    period, program = chosen.period, chosen.form.program
    now = queries.standing(workspace, at=request.at)
    report = queries.overview(workspace, first_on=period.first_on, last_on=period.last_on, program=program)
    drawn = request.GET.get("chart", "")
    drawn = drawn if any(metric.code == drawn for metric in METRICS) else DRAWN_FIRST
    by_week = request.GET.get("by") == "week"
    link = _links(request, chosen)
    steps = steps_of(report.now, link=link)
    tasks = tasks_of(now.beginning)
    context = {
        "chosen": chosen,
        "report": report,
        "begun": now.beginning,
        "tasks": tasks,
        "next_task": next((task for task in tasks if not task.done), None),
        "matters": now.matters,
        "kpis": kpis_of(report, unit=workspace.currency, link=link),
        "figures": figures_of(
            report,
            units=queries.units_first(workspace, report.now, report.before),
            link=link,
            rates=f"{reverse('report_funnel', args=[workspace.slug])}?{chosen.query}",
        ),
        "chart": chart_of(report, drawn, unit=workspace.currency, by_week=by_week),
        "metrics": METRICS,
        "drawn": drawn,
        "by_week": by_week,
        "steps": steps[1:5],
        "widest": max(1, *(step.count for step in steps[1:5])),
        "latest": queries.latest_referrals(workspace, program=program)[:LATEST],
        "best": queries.top_participants(workspace, period, program=program, limit=TOP),
    }
    return render(request, "analytics/overview.html", context, status=400 if chosen.form.errors else 200)


_DROPS = (
    (
        "clicks_dropped",
        "Clicks that were not counted",
        "Requests of links that no person made, or that repeat one within an hour.",
        "click_list",
        "counted=no",
    ),
    (
        "conversions_uncredited",
        "Conversions that credited nobody",
        "Sign-ups and purchases after a contact with a participant that does not count.",
        "conversion_list",
        "",
    ),
    (
        "conversions_rejected",
        "Conversions rejected",
        "Declared not to count: cancelled, deleted, or judged so by a person.",
        "conversion_list",
        "status=rejected",
    ),
    (
        "rewards_denied",
        "Rewards denied",
        "Promises that were refused by the program's rules, or by a person.",
        "reward_list",
        "status=denied",
    ),
)
"""What falls away: the funnel's field, its title and explanation, and the list of it."""


@require_safe
@console_view("view")
def report_funnel(request: ConsoleRequest) -> HttpResponse:
    """The steps from enrolment to payout, with what fell away at each and why; `?format=csv` as a file."""
    chosen = choose(request)
    report = queries.funnel(
        request.workspace,
        first_on=chosen.period.first_on,
        last_on=chosen.period.last_on,
        program=chosen.form.program,
    )
    link = _links(request, chosen)
    steps = steps_of(report.totals, link=link)
    drops = []
    for field, title, text, url_name, query in _DROPS:
        found = getattr(report, field)
        drops.append(
            {
                "title": title,
                "text": text,
                "address": link(url_name, query),
                "total": sum(drop.count for drop in found),
                "most": max((drop.count for drop in found), default=1),
                "reasons": [(reason_text(drop.reason), drop.count) for drop in found],
            }
        )
    if request.GET.get("format") == "csv" and not chosen.form.errors:
        lines = [["Step", step.label, "", str(step.count), step.share] for step in steps]
        lines += [
            ["Fell away", str(drop["title"]), reason, str(count), ""]
            for drop in drops
            for reason, count in drop["reasons"]
        ]
        return _funnel_file(chosen, lines)
    context = {"chosen": chosen, "report": report, "steps": steps, "drops": drops}
    return render(request, "analytics/report_funnel.html", context, status=400 if chosen.form.errors else 200)


def _funnel_file(chosen: Chosen, lines: list[list[str]]) -> HttpResponse:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["part", "what", "reason", "count", "of the step before"])
    writer.writerows([spreadsheet_cell(cell) for cell in line] for line in lines)
    period = chosen.period
    # The mark at the start tells spreadsheets that the file is UTF-8.
    response = HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = (
        f'attachment; filename="funnel-{period.first_on}-to-{period.last_on}.csv"'
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _links(request: ConsoleRequest, chosen: Chosen) -> Link:
    """Return what addresses a list narrowed to the page's days and program."""

    def link(url_name: str, query: str) -> str:
        narrowed = "&".join(filter(None, (query, chosen.query)))
        return f"{reverse(url_name, args=[request.workspace.slug])}?{narrowed}"

    return link


@require_safe
@console_view("view")
def search(request: ConsoleRequest) -> HttpResponse:
    """What a text finds among people, referrals, orders, codes and programs, grouped by kind.

    `?kind=` shows one kind, more of it. The box at the top of every page asks with `HX-Request` and gets the
    groups alone.
    """
    text = request.GET.get("q", "")[: queries.LONGEST_SEARCH].strip()
    kinds = queries.kinds_for(request.member.role)
    only = next((kind for kind in kinds if kind.code == request.GET.get("kind")), None)
    groups = queries.search(
        request.workspace,
        text,
        kinds=[only] if only else kinds,
        limit=ALL_OF_A_KIND if only else queries.PER_KIND,
    )
    slug = request.workspace.slug
    found = [
        {
            "kind": group.kind,
            "more": group.more,
            "query": urlencode({"q": text, "kind": group.kind.code}),
            "hits": [(hit, reverse(group.kind.url_name, args=[slug, hit.target])) for hit in group.hits],
        }
        for group in groups
    ]
    context = {
        "text": text,
        "short": len(text) < queries.SHORTEST_SEARCH,
        "only": only,
        "groups": found,
        "count": sum(len(group.hits) for group in groups),
        "limit": ALL_OF_A_KIND,
    }
    in_box = request.headers.get("HX-Request") == "true"
    response = render(request, "analytics/_found.html" if in_box else "analytics/search.html", context)
    # One address gives a page or a part of one.
    response.headers["Vary"] = "HX-Request, Cookie"
    return response
