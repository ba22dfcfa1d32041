"""A statement as a CSV or PDF file, each with the digest line that confirms it."""

from __future__ import annotations

import csv
import io
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from core.money import POINTS, format_major
from core.text import spreadsheet_cell
from rewards.queries import Entry, Statement, digest_line

KINDS: Final = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}
CSV_COLUMNS: Final = (
    "account",
    "unit",
    "at",
    "what",
    "change",
    "balance",
    "transfer_id",
    "reward_id",
    "payout_id",
)
# DejaVu: Latin, Greek, Cyrillic, Hebrew, Arabic and the signs of currencies; free to embed and to pass on.
_FONTS: Final = Path(__file__).parent / "fonts"
_PLAIN, _BOLD = "DejaVuSans", "DejaVuSans-Bold"
_MARGIN: Final = 18 * mm
_LINE, _MUTED, _INK = HexColor("#d4d4d8"), HexColor("#52525b"), HexColor("#18181b")
_WIDTHS: Final = (22 * mm, 74 * mm, 39 * mm, 39 * mm)


def statement_file(statement: Statement, kind: str) -> HttpResponse:
    """Return a statement as a download; `kind` is one of `KINDS`."""
    body = statement_pdf(statement) if kind == "pdf" else statement_csv(statement)
    response = HttpResponse(body, content_type=KINDS[kind])
    name = f"statement-{statement.customer.public_id}-{statement.first_on}-{statement.last_on}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def statement_csv(statement: Statement) -> bytes:
    """Return a statement as CSV, UTF-8 with a byte order mark; instants are ISO 8601 in the workspace's zone.

    Each account begins with its opening balance and ends with its closing one; the digest is the last line.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    zone = ZoneInfo(statement.zone)
    for account in statement.accounts:

        def amount(minor: int, unit: str = account.unit) -> str:
            return format_major(minor, unit)

        named = (account.label, account.unit)
        begins, ends = str(statement.first_on), str(statement.last_on)
        writer.writerow([*named, begins, "Opening balance", "", amount(account.opening_minor), "", "", ""])
        for entry in account.entries:
            writer.writerow(
                [
                    *named,
                    entry.at.astimezone(zone).isoformat(),
                    spreadsheet_cell(entry.memo),
                    amount(entry.change_minor),
                    amount(entry.balance_minor),
                    entry.transfer,
                    entry.reward,
                    entry.payout,
                ]
            )
        writer.writerow([*named, ends, "Closing balance", "", amount(account.closing_minor), "", "", ""])
    writer.writerow(["digest", "", "", digest_line(statement), "", "", "", "", ""])
    return out.getvalue().encode("utf-8-sig")


def statement_pdf(statement: Statement) -> bytes:
    """Return a statement as a PDF file, the same bytes for the same statement; its font is embedded."""
    _register_fonts()
    out = io.BytesIO()
    workspace = statement.customer.workspace
    title = f"Statement of {statement.customer}"
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        author=workspace.name,
        invariant=1,
    )
    parts: list[Any] = [
        _text(workspace.name, "muted"),
        _text(title, "title"),
        _text(
            f"{statement.first_on} to {statement.last_on}, days of {statement.zone}. "
            f"Id {statement.customer.public_id}.",
            "muted",
        ),
    ]
    if not statement.accounts:
        parts += [Spacer(0, 8 * mm), _text("Nothing stood or moved in these days.", "plain")]
    for account in statement.accounts:
        unit = "points" if account.unit == POINTS else account.unit
        parts += [
            Spacer(0, 7 * mm),
            _text(f"{account.label}, {unit}", "heading"),
            _table(statement, account.unit, account.opening_minor, account.entries, account.closing_minor),
        ]
        if account.difference_minor:
            wrong = format_major(account.difference_minor, account.unit)
            parts.append(_text(f"The books differ from these movements by {wrong} {unit}.", "bold"))
    parts += [
        Spacer(0, 9 * mm),
        _text("This line confirms the statement. Whoever issued it can check it under Statements.", "muted"),
        _text(digest_line(statement), "small"),
    ]
    document.build(parts, onFirstPage=_page_number, onLaterPages=_page_number)
    return out.getvalue()


def _table(
    statement: Statement, unit: str, opening: int, entries: tuple[Entry, ...], closing: int
) -> LongTable:
    zone = ZoneInfo(statement.zone)
    rows: list[list[Any]] = [
        [_text(head, "bold") for head in ("Day", "What")]
        + [_text(head, "bold_right") for head in ("Change", "Balance")],
        ["", _text("Opening balance", "plain"), "", _text(format_major(opening, unit), "right")],
    ]
    rows += [
        [
            _text(entry.at.astimezone(zone).date().isoformat(), "plain"),
            _text(entry.memo, "plain"),
            _text(format_major(entry.change_minor, unit), "right"),
            _text(format_major(entry.balance_minor, unit), "right"),
        ]
        for entry in entries
    ]
    rows.append(["", _text("Closing balance", "bold"), "", _text(format_major(closing, unit), "bold_right")])
    table = LongTable(rows, colWidths=_WIDTHS, repeatRows=1, hAlign="LEFT")
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 2.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
            ]
        )
    )
    return table


def _text(text: str, style: str) -> Paragraph:
    """Return a text that breaks where it does not fit, inside a word as well."""
    return Paragraph(escape(text), _styles()[style])


@cache
def _styles() -> dict[str, ParagraphStyle]:
    def style(name: str, **changes: Any) -> ParagraphStyle:
        values = {"fontName": _PLAIN, "fontSize": 8.5, "leading": 11.5, "textColor": _INK, **changes}
        return ParagraphStyle(name, splitLongWords=1, **values)

    return {
        "plain": style("plain"),
        "muted": style("muted", textColor=_MUTED),
        "bold": style("bold", fontName=_BOLD),
        "right": style("right", alignment=2),
        "bold_right": style("bold_right", fontName=_BOLD, alignment=2),
        "heading": style("heading", fontName=_BOLD, fontSize=11, leading=16, spaceAfter=4),
        "title": style("title", fontName=_BOLD, fontSize=18, leading=24, spaceBefore=2, spaceAfter=2),
        "small": style("small", fontSize=7, leading=9.5),
    }


@cache
def _register_fonts() -> None:
    for name in (_PLAIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(_FONTS / f"{name}.ttf")))


def _page_number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont(_PLAIN, 7)
    canvas.setFillColor(_MUTED)
    canvas.drawRightString(A4[0] - _MARGIN, 10 * mm, f"Page {document.page}")
