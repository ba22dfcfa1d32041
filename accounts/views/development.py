"""The mail that development writes to files instead of sending; closed everywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from csp.decorators import csp
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.ids import is_public_id


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as its reader sees it; `html` is empty for a message of plain text."""

    name: str
    subject: str
    sender: str
    recipient: str
    sent_at: datetime | None
    text: str
    html: str


@require_safe
def dev_mail(request: HttpRequest) -> HttpResponse:
    """List the messages, newest first."""
    _only_in_development()
    names = sorted((path.stem for path in _folder().glob("eml_*.eml")), reverse=True)
    page = Paginator(names, 50).get_page(request.GET.get("page"))
    mails = [_read(name) for name in page.object_list]
    return render(request, "accounts/dev_mail.html", {"page": page, "mails": mails})


@require_safe
def dev_mail_message(request: HttpRequest, name: str) -> HttpResponse:
    """Show one message: its text, and a link to its HTML where it has some."""
    _only_in_development()
    return render(request, "accounts/dev_mail_message.html", {"mail": _read(name)})


@csp(  # type: ignore[arg-type]  # typed for views without arguments
    {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "sandbox": [],
    }
)
@require_safe
def dev_mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """Show a message's HTML by itself, where nothing in it can run, load or post."""
    _only_in_development()
    return HttpResponse(_read(name).html)


def _only_in_development() -> None:
    if not settings.DEBUG:
        raise Http404


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH)


def _read(name: str) -> Mail:
    path = _folder() / f"{name}.eml"
    if not is_public_id(name, "eml") or not path.is_file():
        raise Http404
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    date = message["Date"]
    return Mail(
        name=name,
        subject=str(message["Subject"] or "(no subject)"),
        sender=str(message["From"] or ""),
        recipient=str(message["To"] or ""),
        sent_at=_instant(date.datetime) if date is not None else None,
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _instant(at: datetime) -> datetime:
    # "-0000" says that the zone is unknown, and the time then counts as UTC (RFC 5322, 3.3).
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    return str(body.get_content()) if body is not None else ""
