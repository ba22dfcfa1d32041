"""The console's mail log."""

from __future__ import annotations

import base64
import hashlib
import re

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import clock, lists
from engagement import forms, services
from engagement.queries.messages import messages_of
from engagement.services.messages import KINDS
from engagement.tables import MessageTable, standing

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


@require_safe
@console_view("view")
def message_list(request: ConsoleRequest) -> HttpResponseBase:
    """Every mail, by the stage of the referral it belongs to."""
    return lists.answer(
        request,
        "engagement/message_list.html",
        table=MessageTable,
        rows=messages_of(request.workspace).defer("text", "html"),
        filters=forms.MessageFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="mail",
            title="No mails here yet",
            text="Everything written to participants and their friends appears here, with what came of it.",
        ),
    )


@require_safe
@console_view("view")
def message_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One mail: how its sending went, and how it looks; `?as=` is `desktop`, `phone` or `text`."""
    message = get_object_or_404(messages_of(request.workspace), public_id=public_id)
    shapes = ("desktop", "phone", "text") if message.html else ("text",)
    shape = request.GET.get("as", "")
    value, label = standing(message)
    context = {
        "message": message,
        "kind_name": KINDS.get(message.kind, message.kind),
        "state_value": value,
        "state_name": label,
        "shapes": shapes,
        "shape": shape if shape in shapes else shapes[0],
    }
    return render(request, "engagement/message_detail.html", context)


@require_safe
@console_view("view")
def message_preview(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """The mail's own HTML for the frame on its page: no script, nothing loaded, no style but its own."""
    message = get_object_or_404(messages_of(request.workspace), public_id=public_id)
    styles = " ".join(f"'sha256-{_digest(style)}'" for style in _STYLE.findall(message.html)) or "'none'"
    response = HttpResponse(message.html)
    response.headers["Content-Security-Policy"] = (
        f"sandbox; default-src 'none'; style-src {styles}; frame-ancestors 'self'"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@require_POST
@console_view("manage_participants")
def message_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Send a mail that failed once more."""
    message = get_object_or_404(messages_of(request.workspace), public_id=public_id)
    services.retry_message(message=message, actor=request.actor, at=clock.now())
    messages.success(request, "The mail is in the queue again and goes out within seconds.")
    return redirect("message_detail", request.workspace.slug, public_id)
