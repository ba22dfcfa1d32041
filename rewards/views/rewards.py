"""The console's pages on rewards: the list with decisions in bulk, and each reward's story."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core.errors import DomainError
from core.forms import add_domain_error
from core.paging import page_of
from rewards import forms, queries, services
from rewards.models import Reward


@require_safe
@console_view("view")
def reward_list(request: ConsoleRequest) -> HttpResponse:
    """Rewards with filters, totals, and decisions about the chosen ones."""
    form = forms.RewardFilterForm(request.GET, programs=queries.programs_of(request.workspace))
    rows = form.narrow(queries.rewards(request.workspace))
    context = {
        "form": form,
        "page": page_of(request, rows),
        "totals": queries.totals(rows),
        "filters": request.GET.urlencode(),
    }
    return render(request, "rewards/reward_list.html", context)


@require_POST
@console_view("review_rewards")
def reward_bulk(request: ConsoleRequest) -> HttpResponse:
    """Approve or deny the chosen rewards and say for each refused one why."""
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
    if done:
        messages.success(request, f"{done} {'denied' if deny else 'approved'}.")
    for public_id, error in results:
        if error is not None:
            messages.error(request, f"{public_id}: {error.message}")
    return redirect(back)


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
            "text": change.reason,
            "actor": change.actor,
        }
        for change in queries.changes_of(reward)
    ]
    return {
        "reward": reward,
        "steps": steps,
        "transfers": queries.transfers_of(reward),
        "refusal": queries.approval_refusal(reward, at=request.at),
        "undecided": reward.status in (Reward.Status.PENDING, Reward.Status.HELD),
        "approve_form": forms.ApproveForm(),
        "deny_form": forms.DenyForm(),
    }


def _title(before: str, after: str, amount_minor: int) -> str:
    if before == after and amount_minor < 0:
        return "Partly taken back"
    return str(Reward.Status(after).label)
