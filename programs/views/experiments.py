"""Experiments: listed, drafted, started and stopped, and who was assigned what."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import lists
from core.errors import DomainError
from core.forms import add_domain_error
from programs import forms, queries, services
from programs.models import Experiment, Program
from programs.tables import ExperimentTable, ExposureTable


def _experiment(request: ConsoleRequest, public_id: str) -> Experiment:
    found: Experiment = get_object_or_404(queries.experiments_of(request.workspace), public_id=public_id)
    return found


@require_safe
@console_view("view")
def experiment_list(request: ConsoleRequest) -> HttpResponseBase:
    """List the experiments of all programs."""
    manages = allows(request.member.role, "manage_programs")
    return lists.answer(
        request,
        "programs/experiment_list.html",
        table=ExperimentTable,
        rows=queries.experiments_of(request.workspace),
        filters=forms.ExperimentFilterForm(
            request.GET,
            workspace=request.workspace,
            programs=queries.programs_of(request.workspace).order_by("name"),
        ),
        empty=lists.Empty(
            icon="test-pipe",
            title="No experiments yet",
            text="An experiment shows each participant one of several variants, and always the same one.",
            action_url=reverse("experiment_new", args=[request.workspace.slug]) if manages else "",
            action_label="Set up an experiment",
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def experiment_new(request: ConsoleRequest) -> HttpResponse:
    """Draft an experiment."""
    programs = queries.programs_of(request.workspace).exclude(status=Program.Status.ENDED).order_by("name")
    posted = request.POST if request.method == "POST" else None
    initial = {"program": request.GET.get("program", "")}
    form = forms.ExperimentForm(posted, initial=initial, programs=programs.select_related("workspace"))
    if request.method == "POST" and form.is_valid():
        try:
            experiment = services.create_experiment(**form.values(), actor=request.actor, at=request.at)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Saved as a draft. Nobody is assigned before you start it.")
            return redirect("experiment_detail", request.workspace.slug, experiment.public_id)
    return render(request, "programs/experiment_new.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def experiment_detail(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """Show an experiment: how many people were assigned what, beside what was expected, and who they are."""
    experiment = _experiment(request, public_id)
    return lists.answer(
        request,
        "programs/experiment_detail.html",
        table=ExposureTable,
        rows=queries.exposures_of(experiment),
        filters=forms.ExposureFilterForm(request.GET, workspace=request.workspace, experiment=experiment),
        empty=lists.Empty(
            icon="users",
            title="Nobody is assigned yet",
            text="People appear here when your site asks over the API which variant they see.",
        ),
        context={"experiment": experiment, "shares": queries.shares_of(experiment)},
    )


@require_POST
@console_view("manage_programs")
def experiment_start(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Start an experiment."""
    experiment = _experiment(request, public_id)
    try:
        services.start_experiment(experiment=experiment, actor=request.actor, at=request.at)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The experiment is running.")
    return redirect("experiment_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_programs")
def experiment_stop(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Stop an experiment for good."""
    experiment = _experiment(request, public_id)
    try:
        services.stop_experiment(experiment=experiment, actor=request.actor, at=request.at)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The experiment is stopped. Nobody is assigned any more.")
    return redirect("experiment_detail", request.workspace.slug, public_id)
