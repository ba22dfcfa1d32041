"""The console's report on what is owed, what is expected, and how much of each cap is used."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from core.errors import Forbidden
from core.money import format_major
from core.text import spreadsheet_cell
from rewards import queries
from rewards.queries import PLACES, Liability


@require_safe
@console_view("view")
def liability(request: ConsoleRequest) -> HttpResponse:
    """What is owed by program, kind and unit, what is expected, and the caps; `?export=csv` downloads it."""
    report = queries.liability(request.workspace, at=request.at)
    if request.GET.get("export") == "csv":
        if "export" not in request.may:
            raise Forbidden("Your role may not export reports.")
        return _csv(report)
    listed = reverse("reward_list", args=[request.workspace.slug])
    rows = [
        (row, [(figure, _address(listed, row, figure.key)) for figure in row.figures]) for row in report.rows
    ]
    context = {"report": report, "rows": rows, "places": PLACES}
    return render(request, "rewards/liability.html", context)


def _address(listed: str, row: Any, key: str) -> str:
    named = {"program": row.program.public_id, "kind": row.kind, "unit": row.unit, "stands": key}
    return f"{listed}?{urlencode(named)}"


def _csv(report: Liability) -> HttpResponse:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["program", "program_id", "kind", "unit", *(place.key for place in PLACES), "owed"])
    for row in report.rows:
        writer.writerow(
            [
                spreadsheet_cell(row.program.name),
                row.program.public_id,
                row.kind,
                row.unit,
                *(format_major(figure.amount_minor, row.unit) for figure in row.figures),
                format_major(row.owed_minor, row.unit),
            ]
        )
    response = HttpResponse(out.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="liability.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response
