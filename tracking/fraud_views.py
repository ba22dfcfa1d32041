"""The console's review of fraud cases: the queue, a case with its evidence, decisions and their undoing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.answers import parts_of
from tracking import case_queries, fraud_forms, fraud_queries, queries, services
from tracking.fraud_tables import FraudCaseTable
from tracking.fraud_wording import (
    SHARED_WORDS,
    evidence_words,
    parts_by_id,
    read_by_participant,
    reason_sentence,
    rule_words,
)
from tracking.models import FraudCase, FraudListEntry, FraudSignal

MOST_CHOSEN: Final = 500
UNDO: Final = "fraud_undo"
UNDO_FOR: Final = timedelta(minutes=10)
OUTCOME: Final = "fraud_outcome"

_OPEN, _APPROVED, _REJECTED = FraudCase.Status.OPEN, FraudCase.Status.APPROVED, FraudCase.Status.REJECTED
_DONE: Final = {_OPEN: "opened again", _APPROVED: "approved", _REJECTED: "rejected"}
_TONES: Final = {_OPEN: "wait", _APPROVED: "good", _REJECTED: "bad"}
_PAGES: Final = {
    "prt": "participant_detail",
    "cus": "customer_detail",
    "cnv": "conversion_detail",
    "rfl": "referral_detail",
}


@require_safe
@console_view("view")
def fraud_queue(request: ConsoleRequest) -> HttpResponseBase:
    """Cases that wait for a person, the oldest first; those that were decided, the newest first."""
    slug = request.workspace.slug
    form = _filters(request)
    rows = fraud_queries.in_order(case_queries.cases(request.workspace), newest_first=form.is_archive)
    return lists.answer(
        request,
        "tracking/fraud_queue.html",
        table=FraudCaseTable,
        rows=parts_of("fraud_cases", rows).get("rows", rows),
        filters=form,
        empty=lists.Empty(
            icon="shield-check",
            title="Nothing waits for a look",
            text="Referrals that your programs' fraud rules hold stand here until somebody decides.",
            action_url=f"{reverse('fraud_queue', args=[slug])}?status={fraud_forms.EVERY}",
            action_label="Look at earlier cases",
        ),
        bulk=lists.Bulk(
            url=reverse("fraud_bulk", args=[slug]), template="tracking/_fraud_bulk.html", field="case"
        )
        if "review_rewards" in request.may
        else None,
        context={
            "tab": "queue",
            "status_shown": form.status_shown,
            "undo": _undoable(request),
            "outcome": request.session.pop(OUTCOME, None) if "export" not in request.GET else None,
        },
    )


@require_safe
@console_view("view")
def fraud_case(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One case: what speaks against it, the money, who is related, and what was decided."""
    return render(request, "tracking/fraud_case.html", _story(request, _case(request, public_id)))


@require_POST
@console_view("review_rewards")
def fraud_resolve(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Approve or reject a case and go on to the next one, or open it again and stay."""
    case, filters = _case(request, public_id), _filters(request)
    form = fraud_forms.DecideForm(request.POST)
    if not form.is_valid():
        context = {**_story(request, case), "decide": form}
        return render(request, "tracking/fraud_case.html", context, status=400)
    status = form.cleaned_data["status"]
    here = _address(request, "fraud_case", filters, public_id)
    if form.cleaned_data["seen"] not in ("", case.status):
        now = case.get_status_display().lower()
        messages.warning(request, f"Somebody else decided meanwhile: the case is {now}. Look again.")
        return redirect(here)
    following = _next(case, filters)
    services.resolve_case(
        case=case, status=status, reason=form.cleaned_data["reason"], actor=request.actor, at=request.at
    )
    if status == _OPEN:
        messages.success(request, "The case is open again; its rewards are on hold.")
        return redirect(here)
    _remember(request, [(case.public_id, case.status)], status, str(case.conversion.customer))
    if following is None:
        return redirect(_address(request, "fraud_queue", filters))
    return redirect(_address(request, "fraud_case", filters, following.public_id))


@require_POST
@console_view("review_rewards")
def fraud_bulk(request: ConsoleRequest) -> HttpResponse:
    """Decide the chosen cases alike; the list then says for each refused one why."""
    back = f"{reverse('fraud_queue', args=[request.workspace.slug])}?{request.POST.get('filters', '')}"
    form = fraud_forms.DecideForm(request.POST)
    chosen = request.POST.getlist("case")[:MOST_CHOSEN]
    if not form.is_valid():
        for problems in form.errors.values():
            messages.error(request, " ".join(str(problem) for problem in problems))
        return redirect(back)
    if not chosen:
        messages.error(request, "Choose at least one case.")
        return redirect(back)
    before = fraud_queries.cases_named(request.workspace, chosen)
    status = form.cleaned_data["status"]
    results = services.resolve_cases(
        workspace=request.workspace,
        public_ids=chosen,
        status=status,
        reason=form.cleaned_data["reason"],
        actor=request.actor,
        at=request.at,
    )
    done = [public_id for public_id, error in results if error is None]
    if done:
        name = "1 case" if len(done) == 1 else f"{len(done)} cases"
        _remember(request, [(each, before[each].status) for each in done], status, name)
    refused = [(public_id, error.message) for public_id, error in results if error is not None]
    if refused:
        request.session[OUTCOME] = {
            "word": _DONE[FraudCase.Status(status)],
            "done": len(done),
            "refused": [
                {
                    "id": public_id if public_id in before else "",
                    "name": str(before[public_id].conversion.customer)
                    if public_id in before
                    else public_id[:40],
                    "why": why,
                }
                for public_id, why in refused
            ],
        }
    return redirect(back)


@require_POST
@console_view("review_rewards")
def fraud_undo(request: ConsoleRequest) -> HttpResponse:
    """Put the cases of the last decision back to where they were, but for those decided otherwise since."""
    last = _undoable(request)
    request.session.pop(UNDO, None)
    if last is None:
        messages.error(request, "There is nothing to undo any more.")
        return redirect("fraud_queue", request.workspace.slug)
    now = fraud_queries.cases_named(request.workspace, [public_id for public_id, _ in last["cases"]])
    groups: dict[str, list[str]] = {}
    for public_id, before in last["cases"]:
        if public_id in now and now[public_id].status == last["status"]:
            groups.setdefault(before, []).append(public_id)
    for before, ids in groups.items():
        services.resolve_cases(
            workspace=request.workspace,
            public_ids=ids,
            status=before,
            reason="Undone",
            actor=request.actor,
            at=request.at,
        )
    count = sum(len(ids) for ids in groups.values())
    if not count:
        messages.error(request, "It was decided otherwise meanwhile, so nothing was undone.")
    else:
        messages.success(request, "Undone." if count == 1 else f"{count} decisions are undone.")
    query = request.POST.get("filters", "")
    if len(last["cases"]) == 1:
        here = reverse("fraud_case", args=[request.workspace.slug, last["cases"][0][0]])
    else:
        here = reverse("fraud_queue", args=[request.workspace.slug])
    return HttpResponseRedirect(f"{here}?{query}" if query else here)


def _remember(request: ConsoleRequest, cases: list[tuple[str, str]], status: str, name: str) -> None:
    """Keep the last decision for whoever takes it back."""
    request.session[UNDO] = {
        "cases": [[public_id, before] for public_id, before in cases if before != status],
        "status": status,
        "word": _DONE[FraudCase.Status(status)],
        "name": name,
        "workspace": request.workspace.pk,
        "at": request.at.isoformat(),
    }


def _undoable(request: ConsoleRequest) -> dict[str, Any] | None:
    """Return the last decision in this workspace while it can be taken back."""
    last: dict[str, Any] | None = request.session.get(UNDO)
    if last is None or last["workspace"] != request.workspace.pk or not last["cases"]:
        return None
    fresh = request.at - datetime.fromisoformat(last["at"]) < UNDO_FOR
    return last if fresh and "review_rewards" in request.may else None


def _filters(request: ConsoleRequest) -> fraud_forms.CaseFilterForm:
    return fraud_forms.CaseFilterForm(
        request.GET, workspace=request.workspace, programs=queries.programs_of(request.workspace)
    )


def _case(request: ConsoleRequest, public_id: str) -> FraudCase:
    case = fraud_queries.case_named(request.workspace, public_id)
    if case is None:
        raise Http404("There is no such case.")
    return case


def _next(case: FraudCase, filters: fraud_forms.CaseFilterForm) -> FraudCase | None:
    rows = filters.narrow(case_queries.cases(case.workspace))
    return fraud_queries.next_after(rows, case, newest_first=filters.is_archive)


def _address(request: ConsoleRequest, name: str, filters: fraud_forms.CaseFilterForm, *arguments: str) -> str:
    query = filters.query()
    return reverse(name, args=[request.workspace.slug, *arguments]) + (query if query != "?" else "")


@dataclass(frozen=True, slots=True)
class Finding:
    """A signal as the page shows it; evidence is label and parts, each a text with an address or none."""

    signal: FraudSignal
    name: str
    evidence: list[tuple[str, list[tuple[str, str]]]]


def _story(request: ConsoleRequest, case: FraudCase) -> dict[str, Any]:
    filters = _filters(request)
    signals = list(fraud_queries.signals_of_case(case))
    counted = [signal for signal in signals if not signal.shadow]
    related = fraud_queries.related_people(case)
    following = _next(case, filters)
    rewards = parts_of("fraud_case", case).get("rewards", [])
    version = case.judgement.version
    return {
        "case": case,
        "headline": counted[0].sentence if counted else reason_sentence(case.reason),
        "rule": rule_words(case.reason),
        "version": version,
        "hold_at": case.judgement.inputs.get("settings", {}).get("hold_at"),
        "deny_at": case.judgement.inputs.get("settings", {}).get("deny_at"),
        "findings": _findings(case, signals),
        "rewards": rewards,
        "on_hold": _sums(rewards),
        "related": [(each, [SHARED_WORDS[kind] for kind in each.shares]) for each in related],
        "other_cases": [(each, rule_words(each.reason)) for each in fraud_queries.other_cases(case)],
        "other_conversions": fraud_queries.other_conversions(case),
        "reads": read_by_participant(case.status, case.reason),
        "would_read": [
            (status.label.lower(), read_by_participant(status, case.reason))
            for status in (_APPROVED, _REJECTED)
            if case.status == _OPEN
        ],
        "steps": [_step(case, change) for change in case_queries.case_changes(case)],
        "decide": fraud_forms.DecideForm(),
        "shortcuts": _shortcuts(case),
        "query": filters.query().removeprefix("?"),
        "waiting": filters.narrow(case_queries.cases(request.workspace))[: lists.COUNTED_TO].count(),
        "next_url": _address(request, "fraud_case", filters, following.public_id) if following else "",
        "queue_url": _address(request, "fraud_queue", filters),
        "undo": _undoable(request),
    }


def _findings(case: FraudCase, signals: list[FraudSignal]) -> list[Finding]:
    slug = case.workspace.slug
    pairs = {
        signal.pk: [evidence_words(name, str(value)) for name, value in signal.evidence.items()]
        for signal in signals
    }
    ids = {
        part for found in pairs.values() for _, text in found for part, is_id in parts_by_id(text) if is_id
    }
    names = fraud_queries.names_of(case.workspace, ids)

    def shown(text: str) -> list[tuple[str, str]]:
        return [
            (names.get(part, part), reverse(_PAGES[part[:3]], args=[slug, part])) if is_id else (part, "")
            for part, is_id in parts_by_id(text)
        ]

    return [
        Finding(signal, rule_words(signal.rule), [(label, shown(text)) for label, text in pairs[signal.pk]])
        for signal in signals
    ]


def _sums(rewards: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Return what is on hold, unit by unit."""
    sums: dict[str, int] = {}
    for reward in rewards:
        if reward["status"] == "held" and reward["net_minor"]:
            sums[reward["unit"]] = sums.get(reward["unit"], 0) + reward["net_minor"]
    return [(minor, unit) for unit, minor in sums.items()]


def _step(case: FraudCase, change: Any) -> dict[str, Any]:
    after = FraudCase.Status(change.after)
    if not change.before:
        title = "Held by the rules" if after == _OPEN else "Refused by the rules"
        text = rule_words(change.reason)
    else:
        title, text = _DONE[after].capitalize(), change.reason
    actor = "" if not change.before else change.actor
    return {"at": change.at, "title": title, "text": text, "actor": actor, "tone": _TONES[after]}


def _shortcuts(case: FraudCase) -> list[tuple[str, str, str]]:
    """Return what of a case can be put on a list: a label, the kind of entry, and the entry."""
    friend = case.conversion.customer
    source = case.judgement.inputs.get("facts", {}).get("source_host")
    kind = FraudListEntry.Kind
    found = [(f"the participant {case.participant}", kind.PARTICIPANT, case.participant.public_id)]
    if friend.external_id:
        found.append((f"the friend {friend}", kind.CUSTOMER, friend.external_id))
    domain = (friend.mailbox or friend.email).rpartition("@")[2]
    if domain:
        found.append((f"e-mail addresses at {domain}", kind.DOMAIN, domain))
    if source:
        found.append((f"visitors from {source}", kind.SOURCE, source))
    return [(label, name.value, pattern) for label, name, pattern in found]
