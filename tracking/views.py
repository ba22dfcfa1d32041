"""The redirect of referral links, and the console's pages on clicks, conversions and referrals."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import clock, lists
from core.answers import parts_of
from core.ids import new_public_id
from core.templatetags.display import money
from core.tenancy import tenant
from programs import queries as program_queries
from programs.models import Link, Program
from programs.utm import filled_utm
from tracking import case_queries, forms, queries, services, tables
from tracking.attribution.wording import BOND_WORDS
from tracking.entry.reading import client_address, facts_of
from tracking.explanations import explanation
from tracking.models import Conversion, Referral, Refund, Touchpoint
from tracking.redirects import VISITOR_COOKIE, destination, known_visitor


@require_http_methods(["GET", "HEAD"])
def link_redirect(request: HttpRequest, code: str) -> HttpResponseBase:
    """Store the click, then send the friend on; a link that leads nowhere gets a friendly page.

    404 for an unknown code, 410 for an archived or expired one and for an ended program. A paused program
    answers 200 and says so.
    """
    found = program_queries.resolve_code(code)
    if found is None:
        return _problem(request, "unknown", 404)
    visitor = known_visitor(request.COOKIES.get(VISITOR_COOKIE, "")) or new_public_id("vis")
    with tenant(found.workspace_id):
        link = queries.links_with_program(found.workspace_id).get(pk=found.link_id)
        workspace = link.workspace
        at = workspace.local_time(clock.now())
        if link.status != Link.Status.ACTIVE or (link.expires_at is not None and link.expires_at <= at):
            return _problem(request, "expired", 410)
        facts = facts_of(request.META, request.GET.dict(), client_address(request.META))
        click = services.record_click(link=link, visitor_id=visitor, facts=facts, at=at)
        program = link.participant.program
        if program.status != Program.Status.ACTIVE or workspace.status != "active":
            ended = program.status == Program.Status.ENDED
            return _problem(request, "ended" if ended else "paused", 410 if ended else 200)
        if click.reason == "preview":
            # What unfurls a link in a chat is shown the page that says who invites and what the friend gets.
            return redirect("landing", link.code)
        base = link.destination_url or program_queries.live_terms(program).destination_url
    template = filled_utm(link.utm, code=link.code, channel=click.channel, campaign=link.campaign)
    query = {**template, **request.GET.dict()}
    target = destination(base, code=link.code, click_id=click.public_id, query=query)
    response = HttpResponseRedirect(target)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    response.set_cookie(
        VISITOR_COOKIE,
        visitor,
        max_age=timedelta(days=settings.VISITOR_DAYS),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _problem(request: HttpRequest, problem: str, status: int) -> HttpResponse:
    return render(request, "tracking/link_problem.html", {"problem": problem}, status=status)


@require_safe
@console_view("view")
def referral_list(request: ConsoleRequest) -> HttpResponseBase:
    """Referrals by status, program, people and the day they started."""
    return lists.answer(
        request,
        "tracking/referral_list.html",
        table=tables.ReferralTable,
        rows=queries.referrals(request.workspace),
        filters=forms.ReferralFilterForm(
            request.GET, workspace=request.workspace, programs=queries.programs_of(request.workspace)
        ),
        empty=lists.Empty(
            icon="share",
            title="No referrals here yet",
            text="A referral starts when a friend who came by a participant's link or code signs up or buys.",
            action_url=reverse("participant_list", args=[request.workspace.slug]),
            action_label="Look at the participants",
        ),
    )


@require_safe
@console_view("view")
def referral_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One referral: who brought whom, each step with its reason, and the conversions it carries."""
    referral = get_object_or_404(queries.referrals(request.workspace), public_id=public_id)
    slug = request.workspace.slug
    steps = [
        {
            "at": change.at,
            "title": Referral.Status(change.after).label,
            "text": change.reason[:1].upper() + change.reason[1:],
            "actor": change.actor,
            "tone": _TONES[Referral.Status(change.after)],
            "url": reverse("conversion_detail", args=[slug, change.subject])
            if change.subject.startswith("cnv_")
            else "",
            "label": "Conversion",
        }
        for change in queries.changes_of(referral)
    ]
    credits = list(queries.credits_of_referral(referral)[:NEWEST_CREDITS])
    people = queries.participants_by_id(
        request.workspace,
        {each["participant"] for credit in credits for each in credit.attribution.result["credits"]},
    )
    context = {
        "referral": referral,
        "steps": steps,
        "credits": [
            {"credit": credit, "why": _with_names(credit.attribution.result["sentence"], people)}
            for credit in credits
        ],
        "sums": queries.credited_sums(referral),
        **parts_of("referral", referral),
    }
    return render(request, "tracking/referral_detail.html", context)


NEWEST_CREDITS = 20
_TONES = {
    Referral.Status.STARTED: "wait",
    Referral.Status.QUALIFIED: "good",
    Referral.Status.CONVERTED: "good",
    Referral.Status.ENDED: "wait",
    Referral.Status.REJECTED: "bad",
}


def _with_names(sentence: str, people: dict[str, Any]) -> str:
    """Return a decision's sentence with names in place of ids."""
    for public_id, participant in people.items():
        sentence = sentence.replace(public_id, str(participant))
    return sentence


@require_safe
@console_view("view")
def conversion_list(request: ConsoleRequest) -> HttpResponseBase:
    """Conversions by kind, status, program, key and day."""
    return lists.answer(
        request,
        "tracking/conversion_list.html",
        table=tables.ConversionTable,
        rows=queries.conversions(request.workspace),
        filters=forms.ConversionFilterForm(
            request.GET, workspace=request.workspace, programs=queries.programs_of(request.workspace)
        ),
        empty=lists.Empty(
            icon="shopping-cart",
            title="No conversions here yet",
            text="Sign-ups and purchases that your shop or the API reports stand here, whoever brought them.",
            action_url=reverse("connection_list", args=[request.workspace.slug]),
            action_label="Connect a shop",
        ),
    )


@require_safe
@console_view("view")
def conversion_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One conversion and the whole story of its attribution."""
    return render(request, "tracking/conversion_detail.html", story_of(request, public_id))


@require_POST
@console_view("review_rewards")
def conversion_reject(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Declare that a conversion does not count; its rewards are taken back."""
    conversion = get_object_or_404(queries.conversions(request.workspace), public_id=public_id)
    form = forms.RejectForm(request.POST)
    if not form.is_valid():
        context = {**story_of(request, public_id), "form": form}
        return render(request, "tracking/conversion_detail.html", context, status=400)
    services.reject_conversion(
        conversion=conversion, reason=form.cleaned_data["reason"], actor=request.actor, at=request.at
    )
    messages.success(request, "The conversion is rejected; its rewards are being taken back.")
    return redirect("conversion_detail", request.workspace.slug, public_id)


def story_of(request: ConsoleRequest, public_id: str) -> dict[str, Any]:
    """Return what the page of a conversion shows."""
    conversion = get_object_or_404(queries.conversions(request.workspace), public_id=public_id)
    explained = explanation(conversion)
    refunds = list(queries.refunds_of(conversion))
    named = {touch["id"] for each in explained["decisions"] for touch in each["touches"]}
    touches = {touch.public_id: touch for touch in queries.touchpoints_named(request.workspace, named)}
    people = queries.participants_by_id(
        request.workspace,
        {touch.participant.public_id for touch in touches.values()}
        | {credit["participant"] for each in explained["decisions"] for credit in each["credits"]},
    )
    return {
        "conversion": conversion,
        "explained": explained,
        "story": [_chapter(each, touches, people) for each in explained["decisions"]],
        "ending": _ending(conversion, refunds),
        "checks": queries.checks_of(conversion),
        "signals": _signals(conversion),
        "refunds": refunds,
        "rewards": explained.get("rewards", []),
        "form": forms.RejectForm(),
        "reinstate_form": forms.ReinstateForm(),
        "wrong_refund": "",
        "standing_refunds": [refund for refund in refunds if refund.reinstated_at is None],
    }


def _signals(conversion: Conversion) -> list[dict[str, Any]]:
    """Return what was found, each with the case that it is a part of."""
    cases = {case.participant_id: case for case in case_queries.cases_of(conversion)}
    return [
        {"signal": signal, "case": cases.get(signal.participant_id)}
        for signal in queries.signals_of(conversion)
    ]


def _ending(conversion: Conversion, refunds: list[Refund]) -> list[dict[str, Any]]:
    """Return what happened after the contacts: the conversion itself, its refunds, its rejection."""
    amount = money(conversion.amount_minor, conversion.currency) if conversion.currency else ""
    steps: list[dict[str, Any]] = [
        {
            "at": conversion.occurred_at,
            "title": f"{conversion.get_kind_display()} {conversion.source_key}",
            "amount": amount,
            "text": f"{conversion.get_kind_display()} number {conversion.sequence} of {conversion.customer}.",
            "tone": "good",
        }
    ]
    steps += [
        {
            "at": refund.occurred_at,
            "title": refund.kind.capitalize(),
            "amount": money(refund.amount_minor, conversion.currency),
            "text": "" if refund.reinstated_at is None else f"Taken back: {refund.reinstated_why}",
            "actor": refund.source_key,
            "tone": "bad" if refund.reinstated_at is None else "wait",
        }
        for refund in refunds
    ]
    if conversion.status == Conversion.Status.REJECTED:
        steps.append(
            {"title": "Rejected", "text": "It does not count; its rewards are taken back.", "tone": "bad"}
        )
    return steps


def _chapter(decision: dict[str, Any], touches: dict[str, Any], people: dict[str, Any]) -> dict[str, Any]:
    """Return one decision with names in place of ids, touch by touch in the order they happened."""
    verdicts: dict[str, dict[str, Any]] = {}
    for credit in decision["credits"]:
        for touch_id in credit["touch_ids"]:
            verdicts[touch_id] = {"credited": True, "text": "credited"}
    for rejected in decision["rejected"]:
        text = _with_names(rejected["sentence"], people)
        verdicts[rejected["touch_id"]] = {"credited": False, "text": text, "reason": rejected["reason"]}
    return {
        **decision,
        "sentence": _with_names(decision["sentence"], people),
        "earlier": [
            {
                "at": datetime.fromisoformat(each["decided_at"]),
                "title": _with_names(each["sentence"], people),
                "text": each["cause"],
            }
            for each in decision["earlier"]
        ],
        "bond_text": BOND_WORDS.get(decision["bond_reason"] or "", ""),
        "people": [{**credit, "who": people.get(credit["participant"])} for credit in decision["credits"]],
        "steps": [
            _contact(touches[each["id"]], verdicts.get(each["id"], {}))
            for each in decision["touches"]
            if each["id"] in touches
        ],
    }


def _contact(touch: Touchpoint, verdict: dict[str, Any]) -> dict[str, Any]:
    """Return one contact as a step: what it was, by whose link or code, and whether it earned the credit."""
    code = f" ({touch.promo_code})" if touch.promo_code else ""
    reason = verdict.get("reason", "")
    return {
        "at": touch.occurred_at,
        "title": f"{touch.get_kind_display()} of {touch.participant}{code}",
        "text": str(verdict.get("text", "")).capitalize() if not reason else verdict["text"],
        "actor": touch.channel.replace("_", " "),
        "tone": "good" if verdict.get("credited") else "",
    }


@require_safe
@console_view("view")
def click_list(request: ConsoleRequest) -> HttpResponseBase:
    """Every click, counted or not, with the reason when it does not count."""
    return lists.answer(
        request,
        "tracking/click_list.html",
        table=tables.ClickTable,
        rows=queries.clicks(request.workspace),
        filters=forms.ClickFilterForm(
            request.GET, workspace=request.workspace, programs=queries.programs_of(request.workspace)
        ),
        empty=lists.Empty(
            icon="click",
            title="No clicks here yet",
            text="Every request of a referral link is kept, those of robots too, with why it does not count.",
        ),
        context={"losses": queries.losses(request.workspace)},
    )
