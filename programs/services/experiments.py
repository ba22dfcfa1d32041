"""Changes to experiments, and who saw which variant first."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.text import clean_line
from core.transactions import all_or_nothing
from programs.assignment import HOLDOUT, WHOLE_BPS, Variant, assign
from programs.models import Experiment, Exposure, Participant, Program
from programs.services.programs import ProgramEnded

FEWEST_VARIANTS: Final = 2
MOST_VARIANTS: Final = 4
HEAVIEST: Final = 1000
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")


class ExperimentNotRunning(Conflict):
    """The experiment is a draft, or was stopped."""

    default_code = "experiment_not_running"


class ExperimentStopped(Conflict):
    """The experiment was stopped, which is for good."""

    default_code = "experiment_stopped"


class ExperimentStarted(Conflict):
    """The experiment has run, so who would see what can no longer change."""

    default_code = "experiment_started"


@all_or_nothing
def create_experiment(
    *,
    program: Program,
    name: str,
    variants: Sequence[Variant],
    holdout_bps: int = 0,
    actor: Actor,
    at: datetime,
) -> Experiment:
    """Draft an experiment among a program's participants.

    Raises Invalid naming `name`, `variants` or `holdout_bps`.
    """
    name = clean_line(name, param="name", longest=120, required=True)
    arms = _checked(variants, holdout_bps)
    experiment = Experiment.objects.create(
        workspace=program.workspace,
        program=program,
        name=name,
        salt=secrets.token_hex(16),
        variants=arms,
        holdout_bps=holdout_bps,
        created_at=at,
    )
    _record(
        experiment,
        "created",
        actor,
        after={
            "name": name,
            "program": program.public_id,
            "variants": arms,
            "holdout_bps": holdout_bps,
        },
    )
    return experiment


@all_or_nothing
def change_variants(
    *, experiment: Experiment, variants: Sequence[Variant], holdout_bps: int, actor: Actor
) -> Experiment:
    """Give a draft other variants, weights or another holdout; the same ones again change nothing.

    Raises ExperimentStarted once it has run, and Invalid naming `variants` or `holdout_bps`.
    """
    arms = _checked(variants, holdout_bps)
    _lock(experiment)
    if experiment.status != Experiment.Status.DRAFT:
        raise ExperimentStarted("The variants of an experiment that has run cannot change.", param="variants")
    before = {"variants": experiment.variants, "holdout_bps": experiment.holdout_bps}
    after = {"variants": arms, "holdout_bps": holdout_bps}
    if before != after:
        experiment.variants, experiment.holdout_bps = arms, holdout_bps
        experiment.save(update_fields=["variants", "holdout_bps"])
        _record(experiment, "changed", actor, before=before, after=after)
    return experiment


@all_or_nothing
def start_experiment(*, experiment: Experiment, actor: Actor, at: datetime) -> Experiment:
    """Let people be assigned from now on; one that runs already is left as it is.

    Raises ExperimentStopped, and ProgramEnded where nobody takes part any more.
    """
    _lock(experiment)
    if experiment.status == Experiment.Status.STOPPED:
        raise ExperimentStopped("A stopped experiment is over for good. Make a new one.")
    if experiment.status == Experiment.Status.RUNNING:
        return experiment
    if experiment.program.status == Program.Status.ENDED:
        raise ProgramEnded("The program is over, so there is nobody to compare.", param="program")
    experiment.status, experiment.started_at = Experiment.Status.RUNNING, at
    experiment.save(update_fields=["status", "started_at"])
    _record(experiment, "started", actor, before={"status": "draft"}, after={"status": "running"})
    return experiment


@all_or_nothing
def stop_experiment(*, experiment: Experiment, actor: Actor, at: datetime) -> Experiment:
    """Assign nobody any more, for good; what was stored stays. One that was stopped is left as it is.

    Raises ExperimentNotRunning for a draft.
    """
    _lock(experiment)
    if experiment.status == Experiment.Status.STOPPED:
        return experiment
    if experiment.status == Experiment.Status.DRAFT:
        raise ExperimentNotRunning("This experiment has not been started.")
    experiment.status, experiment.stopped_at = Experiment.Status.STOPPED, at
    experiment.save(update_fields=["status", "stopped_at"])
    _record(experiment, "stopped", actor, before={"status": "running"}, after={"status": "stopped"})
    return experiment


@all_or_nothing
def expose(*, experiment: Experiment, participant: Participant, at: datetime) -> tuple[Exposure, bool]:
    """Assign a participant and store when they first saw their variant; returns it and whether it is new.

    Once each, also for many at once: whoever comes second waits for the first, and gets the first's row,
    whatever the weights say by then. No lock is held on the experiment, so one that is stopped at the same
    moment may get a last row. Raises ExperimentNotRunning, and Invalid naming `participant` who is in another
    program.
    """
    stored: Experiment = Experiment.objects.for_workspace(experiment.workspace_id).get(pk=experiment.pk)
    if stored.status != Experiment.Status.RUNNING:
        raise ExperimentNotRunning("This experiment is not running, so nobody is assigned.")
    if (participant.workspace_id, participant.program_id) != (stored.workspace_id, stored.program_id):
        raise Invalid(
            "The participant is not in the experiment's program.", code="other_program", param="participant"
        )
    row = Exposure(
        workspace_id=stored.workspace_id,
        experiment=stored,
        participant=participant,
        variant=assign(
            salt=stored.salt,
            subject=participant.public_id,
            variants=stored.arms,
            holdout_bps=stored.holdout_bps,
        ),
        at=at,
    )
    Exposure.objects.bulk_create([row], ignore_conflicts=True)
    kept: Exposure = Exposure.objects.for_workspace(stored.workspace_id).get(
        experiment=stored, participant=participant
    )
    return kept, kept.public_id == row.public_id


def _lock(experiment: Experiment) -> None:
    rows = Experiment.objects.for_workspace(experiment.workspace_id).select_for_update(no_key=True)
    experiment.refresh_from_db(from_queryset=rows)


def _checked(variants: Sequence[Variant], holdout_bps: int) -> list[dict[str, Any]]:
    """Return the variants as they are stored; raises Invalid naming `variants` or `holdout_bps`."""
    if not FEWEST_VARIANTS <= len(variants) <= MOST_VARIANTS:
        raise Invalid(
            f"An experiment has {FEWEST_VARIANTS} to {MOST_VARIANTS} variants.",
            code="wrong_number",
            param="variants",
        )
    for variant in variants:
        if not _KEY.fullmatch(variant.key) or variant.key == HOLDOUT:
            raise Invalid(
                "A variant is called by 1 to 30 small letters, digits and hyphens, and not “holdout”.",
                code="invalid_key",
                param="variants",
            )
        if not 0 <= variant.weight <= HEAVIEST:
            raise Invalid(f"A weight is 0 to {HEAVIEST}.", code="out_of_range", param="variants")
    if len({variant.key for variant in variants}) < len(variants):
        raise Invalid("Two variants have the same key.", code="duplicate_key", param="variants")
    if not any(variant.weight for variant in variants):
        raise Invalid("At least one variant needs a weight above 0.", code="no_weight", param="variants")
    if not 0 <= holdout_bps < WHOLE_BPS:
        raise Invalid(
            "A holdout is 0 to 9,999 basis points, so that somebody is left.",
            code="out_of_range",
            param="holdout_bps",
        )
    return [{"key": variant.key, "weight": variant.weight} for variant in variants]


def _record(experiment: Experiment, what: str, actor: Actor, **values: Any) -> None:
    record_audit(
        workspace=experiment.workspace_id,
        actor=actor,
        action=f"experiment.{what}",
        subject=experiment.public_id,
        **values,
    )
