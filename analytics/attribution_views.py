"""The attribution report: what every model would have credited, beside what was credited."""

from __future__ import annotations

import csv
import io
from typing import cast
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from analytics import queries
from analytics.attribution_values.records import By
from analytics.attribution_wording import (
    DRAWN_FIRST,
    MEANINGS,
    NAMES,
    OTHERS,
    bars_of,
    file_of,
    lines_of,
    shows,
)
from analytics.choosing import Chosen, choose
from analytics.forms import AttributionForm


@require_safe
@console_view("view")
def report_attribution(request: ConsoleRequest) -> HttpResponse:
    """One period under all models side by side, by channel or participant; `?format=csv` as a file.

    `unit` is a currency, or empty for conversions; `model` the column drawn beside what was credited.
    """
    workspace = request.workspace
    chosen = choose(request, keep=("by", "kind", "unit", "model"))
    form = AttributionForm(request.GET)
    form.is_valid()
    by, kind = form.chosen["by"], form.chosen["kind"]
    report = queries.attribution_report(
        workspace,
        first_on=chosen.period.first_on,
        last_on=chosen.period.last_on,
        by=cast(By, by),
        kind=kind,
        program=chosen.form.program,
    )
    # The workspace's own currency comes first.
    currencies = sorted(report.total.amounts, key=lambda unit: (unit != workspace.currency, unit))
    errors = bool(chosen.form.errors or form.errors)
    if request.GET.get("format") == "csv" and not errors:
        return _file(chosen, file_of(report, currencies))
    unit = request.GET.get("unit", "")
    unit = unit if unit in currencies else ""
    model = request.GET.get("model", "")
    model = model if model in OTHERS else DRAWN_FIRST

    def person(row: queries.AttributionRow) -> str:
        if report.by != "participant" or row.kind != "one":
            return ""
        return reverse("participant_detail", args=[workspace.slug, row.label])

    def behind(row: queries.AttributionRow, column: str) -> str:
        """Address the conversions credited to a participant, or before which it or a channel was met."""
        if row.kind != "one":
            return ""
        name = report.by if report.by == "channel" else "participant" if column == "actual" else "met"
        narrowed = urlencode({name: row.label, **({"kind": kind} if kind else {})})
        return f"{reverse('conversion_list', args=[workspace.slug])}?{narrowed}&{chosen.query}"

    show = shows(report, unit)
    context = {
        "chosen": chosen,
        "form": form,
        "report": report,
        "by": by,
        "kinds": AttributionForm.base_fields["kind"].choices,  # type: ignore[attr-defined]
        "kind": kind,
        "kind_label": dict(AttributionForm.base_fields["kind"].choices)[kind],  # type: ignore[attr-defined]
        "units": [("", "Conversions"), *((each, each) for each in currencies)],
        "unit": unit,
        "model": model,
        "model_name": NAMES[model],
        "models": [(each, NAMES[each], report.moved(each, unit)) for each in OTHERS],
        "columns": [(each, NAMES[each]) for each in queries.COLUMNS],
        "lines": lines_of(report, unit, model, person=person, behind=behind),
        "total": show(report.total.of(unit)),
        "bars": bars_of(report, unit, model),
        "meanings": [(NAMES[each], text) for each, text in MEANINGS],
        "told_apart": queries.TOLD_APART,
        "most": queries.MOST_DECISIONS,
    }
    return render(request, "analytics/report_attribution.html", context, status=400 if errors else 200)


def _file(chosen: Chosen, lines: list[list[str]]) -> HttpResponse:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    # The mark at the start tells spreadsheets that the file is UTF-8.
    response = HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    name = f"attribution-{chosen.period.first_on}-to-{chosen.period.last_on}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
