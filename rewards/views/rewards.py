"""The console's pages on rewards: the list with decisions in bulk, and each reward's story."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.errors import DomainError
from core.forms import add_domain_error
from core.templatetags.display import money, words
from rewards import forms, queries, services, tables
from rewards.models import Reward
from rewards.queries import giving

OUTCOME = "reward_outcome"


@require_safe
@console_view("view")
def reward_list(request: ConsoleRequest) -> HttpResponseBase:
    """Rewards with filters, totals, and decisions about the chosen ones."""
    slug = request.workspace.slug
    form = forms.RewardFilterForm(
        request.GET,
        workspace=request.workspace,
        programs=queries.programs_of(request.workspace),
        at=request.at,
    )
    rows = queries.listed(request.workspace)
    context: dict[str, Any] = {}
    if "export" not in request.GET:
        context = {
            "totals": [
                {"query": form.query(without="status", status=status), "status": status, **figures}
                for status, figures in _by_status(queries.totals(form.narrow(rows))).items()
            ],
            "outcome": request.session.pop(OUTCOME, None),
        }
    return lists.answer(
        request,
        "rewards/reward_list.html",
        table=tables.RewardTable,
        rows=rows,
        filters=form,
        empty=lists.Empty(
            icon="gift",
            title="No rewards here yet",
            text="When a credited friend signs up or buys, what was promised to both sides stands here.",
            action_url=reverse("program_list", args=[slug]),
            action_label="Look at the programs",
        ),
        bulk=lists.Bulk(
            url=reverse("reward_bulk", args=[slug]), template="rewards/_bulk.html", field="reward"
        )
        if "review_rewards" in request.may
        else None,
        context=context,
    )


# What was refused or taken back stands in its tab; it is nothing that anybody waits for.
_COUNTED = (
    Reward.Status.PENDING,
    Reward.Status.HELD,
    Reward.Status.APPROVED,
    Reward.Status.ISSUED,
    Reward.Status.PAID,
)


def _by_status(totals: list[queries.Total]) -> dict[str, dict[str, Any]]:
    """Return the totals of each status that counts: how many rewards, and their sums unit by unit."""
    found: dict[str, dict[str, Any]] = {}
    for total in totals:
        if total.status in _COUNTED:
            figures = found.setdefault(total.status, {"count": 0, "totals": []})
            figures["count"] += total.count
            figures["totals"].append(total)
    return found


@require_POST
@console_view("review_rewards")
def reward_bulk(request: ConsoleRequest) -> HttpResponse:
    """Approve or deny the chosen rewards; the list then says for each refused one why."""
    back = f"{reverse('reward_list', args=[request.workspace.slug])}?{request.POST.get('filters', '')}"
    form = forms.BulkForm(request.POST)
    chosen = request.POST.getlist("reward")
    if not form.is_valid():
        for problems in form.errors.values():
            messages.error(request, " ".join(str(problem) for problem in problems))
        return redirect(back)
    if not chosen:
        messages.error(request, "Choose at least one reward.")
        return redirect(back)
    reason = form.cleaned_data["reason"]
    deny = form.cleaned_data["action"] == "deny"
    decide = services.bulk_deny if deny else services.bulk_approve
    results = decide(
        workspace=request.workspace, public_ids=chosen, reason=reason, actor=request.actor, at=request.at
    )
    done = sum(error is None for _, error in results)
    word = "denied" if deny else "approved"
    if done:
        messages.success(request, f"{done} {word}.")
    refused = [(public_id, error.message) for public_id, error in results if error is not None]
    if refused:
        rows = queries.named(request.workspace, [public_id for public_id, _ in refused])
        request.session[OUTCOME] = {
            "word": word,
            "done": done,
            "refused": [_refused(public_id, why, rows.get(public_id)) for public_id, why in refused],
        }
    return redirect(back)


def _refused(public_id: str, why: str, reward: Reward | None) -> dict[str, Any]:
    """Return a row of what could not be done; a reward that is not there is named by what was sent."""
    if reward is None:
        return {"id": "", "name": public_id[:40], "why": why}
    return {
        "id": public_id,
        "name": str(reward.customer),
        "amount_minor": reward.amount_minor,
        "unit": reward.unit,
        "why": why,
    }


@require_safe
@console_view("view")
def reward_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One reward: how its amount came about, each step, and its transfers."""
    reward = get_object_or_404(queries.rewards(request.workspace), public_id=public_id)
    return render(request, "rewards/reward_detail.html", _story(request, reward))


@require_POST
@console_view("review_rewards")
def reward_approve(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Approve a reward, or release a held one."""
    reward = get_object_or_404(queries.rewards(request.workspace), public_id=public_id)
    form = forms.ApproveForm(request.POST)
    if form.is_valid():
        try:
            row = services.approve_reward(
                reward=reward, reason=form.cleaned_data["reason"], actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"The reward is {row.status}.")
            return redirect("reward_detail", request.workspace.slug, public_id)
    context = {**_story(request, reward), "approve_form": form}
    return render(request, "rewards/reward_detail.html", context, status=400)


@require_POST
@console_view("review_rewards")
def reward_deny(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Deny a reward."""
    reward = get_object_or_404(queries.rewards(request.workspace), public_id=public_id)
    form = forms.DenyForm(request.POST)
    if form.is_valid():
        try:
            services.deny_reward(
                reward=reward, reason=form.cleaned_data["reason"], actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The reward is denied.")
            return redirect("reward_detail", request.workspace.slug, public_id)
    context = {**_story(request, reward), "deny_form": form}
    return render(request, "rewards/reward_detail.html", context, status=400)


def _story(request: ConsoleRequest, reward: Reward) -> dict[str, Any]:
    steps = [
        {
            "at": change.at,
            "title": _title(change.before, change.after, change.amount_minor),
            "text": _reason(change.reason),
            "actor": change.actor,
            "tone": _tone(change.after, change.amount_minor if change.before == change.after else 0),
            "amount": money(abs(change.amount_minor), reward.unit) if change.amount_minor else "",
        }
        for change in queries.changes_of(reward)
    ]
    return {
        "reward": reward,
        "steps": steps,
        "transfers": queries.transfers_of(reward),
        "fulfilment": giving.fulfilment_of(reward),
        "needs_person": queries.why_a_person(reward),
        "refusal": queries.approval_refusal(reward, at=request.at),
        "undecided": reward.status in (Reward.Status.PENDING, Reward.Status.HELD),
        "approve_form": forms.ApproveForm(),
        "deny_form": forms.DenyForm(),
    }


def _reason(reason: str) -> str:
    """Return a reason as it was written; one that is a code in words."""
    return f"{words(reason).capitalize()}." if reason.isidentifier() else reason


def _title(before: str, after: str, amount_minor: int) -> str:
    if before == after and amount_minor < 0:
        return "Partly taken back"
    if before == after and not amount_minor:
        return "Handing over"
    return str(Reward.Status(after).label)


def _tone(after: str, moved_minor: int) -> str:
    """Return the colour of a step: what waits, what went well, what was taken away."""
    if after in (Reward.Status.DENIED, Reward.Status.REVERSED, Reward.Status.EXPIRED) or moved_minor < 0:
        return "bad"
    return "wait" if after in (Reward.Status.PENDING, Reward.Status.HELD) else "good"
