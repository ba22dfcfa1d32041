"""The page that shows every named component once; open in development only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from analytics import charts
from analytics.days import Period
from core import clock

NUMBERS = (4, 6, 5, 9, 8, 12, 14, 13, 17)
BEFORE = (3, 5, 6, 6, 7, 9, 8, 10, 11)
STATUSES = ("active", "pending", "held", "approved", "paid", "denied", "failed", "draft")


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the sample time line."""

    at: datetime
    title: str
    text: str = ""
    actor: str = ""


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(max_length=60, help_text="Shown to participants.")
    email = forms.EmailField(label="E-mail", required=False)
    amount = forms.DecimalField(min_value=0)
    kind = forms.ChoiceField(choices=[("cash", "Cash"), ("credit", "Store credit"), ("points", "Points")])
    side = forms.ChoiceField(
        choices=[("referrer", "The referrer"), ("friend", "The friend")], widget=forms.RadioSelect
    )
    note = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    agreed = forms.BooleanField(label="Ask a second person before paying", required=False)


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    """Show the components; answers 404 outside development."""
    if not settings.DEBUG:
        raise Http404
    at = clock.now()
    wrong = SampleForm({"email": "not an address", "amount": "-1", "kind": "cash", "side": "friend"})
    wrong.is_valid()
    messages.success(request, "Good news leaves by itself.")
    messages.error(request, "Bad news stays until it is closed.")
    return render(
        request,
        "styleguide.html",
        {
            "statuses": STATUSES,
            "form": SampleForm(auto_id="new_%s"),
            "wrong": wrong,
            "steps": (
                Step(at - timedelta(days=3), "Friend clicked the link", "On WhatsApp, with a phone."),
                Step(at - timedelta(days=2), "Friend signed up"),
                Step(at - timedelta(hours=4), "Reward approved", "€10.00 of cash.", "Olga Brandt"),
            ),
            "points": charts.spark(NUMBERS),
            "chart": charts.area_chart(
                "Clicks",
                [
                    Period((at - timedelta(days=days)).date(), (at - timedelta(days=days)).date())
                    for days in range(len(NUMBERS), 0, -1)
                ],
                NUMBERS,
                BEFORE,
            ),
        },
    )
