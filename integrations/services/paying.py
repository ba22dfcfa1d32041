"""Paying approved batches through providers: claimed, handed over outside transactions, then recorded.

A process may die at any point. What a run does next is in its row; what the provider has taken is found by
ids that never change: the run's reference and each payout's public id.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from django.db import transaction

from accounts.models import Workspace
from accounts.services import SYSTEM, Actor, record_audit
from core import clock
from core.errors import Conflict
from core.outbound import outbound_policy
from core.queue import MAX_ATTEMPTS, Claim, backoff
from core.tenancy import tenant
from integrations.models import Connection, PayoutRun
from integrations.payout_queries import (
    OPEN,
    part_of,
    payout_access,
    payout_connection_for,
    payouts_of_run,
)
from integrations.payout_turns import Turn, ask_part, send_part, stopped
from integrations.providers import Gone, Reauthorise, Refused, Retry
from integrations.providers.payout_registry import PAYOUT_PROVIDERS
from integrations.providers.payouts import ItemResult, Wire
from integrations.services.lanes import RUN_SECONDS, claim_lanes, work_off
from integrations.wake import wake
from rewards import services as reward_services
from rewards.models import Payout, PayoutBatch
from rewards.queries import payouts_of

logger = logging.getLogger(__name__)

PAY: Final = "integrations.pay_out"
LEASE: Final = timedelta(seconds=180)
TURN_SECONDS: Final = 60.0
"""After this long a turn begins no other call; with the longest one it still ends within its lease."""

CALL_SECONDS: Final = 30.0
FIRST_POLL: Final = timedelta(seconds=10)
LAST_POLL: Final = timedelta(hours=6)
ASK_FOR: Final = timedelta(days=60)
"""How long results are waited for: twice what any of the providers keeps money for somebody."""

MAX_NOTE: Final = 2000
PAID: Final = Payout.Status.PAID
Job = Callable[[], Turn]


def wire(*, at: datetime, seconds: float = TURN_SECONDS) -> Wire:
    """Return what a turn's calls go through; `at` is real time."""
    ends = time.monotonic() + seconds
    return Wire(
        at=at,
        policy=outbound_policy(),
        timeout=min(CALL_SECONDS, seconds),
        has_time=lambda: time.monotonic() < ends,
    )


@transaction.atomic
def queue_runs(*, batch: PayoutBatch, at: datetime) -> list[PayoutRun]:
    """Divide an approved batch into runs of the size its provider takes; again it changes nothing.

    A batch of another method, or one that nobody approved, has none. Raises Conflict (`no_connection`) while
    no provider is connected: the event is delivered again later.
    """
    provider = PAYOUT_PROVIDERS.get(batch.method)
    if provider is None or batch.approved_by_id is None or batch.status == PayoutBatch.Status.FAILED:
        return []
    connection = payout_connection_for(batch.workspace_id, batch.method, batch.connection)
    if connection is None:
        raise Conflict(f"Connect {provider.label} first.", code="no_connection")
    pks = list(payouts_of(batch).order_by("pk").values_list("pk", flat=True))
    size = provider.max_items
    made = [
        PayoutRun(
            workspace_id=batch.workspace_id,
            connection=connection,
            batch_id=batch.public_id,
            reference=f"{batch.public_id}-{first // size + 1}" if len(pks) > size else batch.public_id,
            first_pk=pks[first],
            last_pk=pks[min(first + size, len(pks)) - 1],
            payout_count=min(size, len(pks) - first),
            created_at=at,
            due_at=at,
        )
        for first in range(0, len(pks), size)
    ]
    PayoutRun.objects.bulk_create(made, ignore_conflicts=True)
    wake(PAY)
    return made


def pay_due(*, run_seconds: float = RUN_SECONDS) -> int:
    """Take the turns that are due in any workspace until none is left or the time is up; returns how many."""
    return work_off(
        claim=lambda room: claim_runs(limit=room, at=clock.now()),
        prepare=_prepared,
        settle=_settle,
        run_seconds=run_seconds,
    )


def claim_runs(*, limit: int, at: datetime) -> list[Claim]:
    """Lease up to `limit` due runs, at most two of a connection under way."""
    return claim_lanes(PayoutRun, lane=["connection_id"], limit=limit, at=at, lease=LEASE)


def _prepared(claimed: Claim) -> Job | None:
    try:
        with tenant(claimed.workspace_id):
            return _job(claimed, clock.now())
    except Exception as error:
        # What cannot be built, for a lost key say, waits for a person; nothing was asked.
        logger.exception("payout run %s could not be built", claimed.pk)
        return partial(stopped, f"It could not be sent: {type(error).__name__}.")


def _job(claimed: Claim, at: datetime) -> Job | None:
    rows = PayoutRun.objects.for_workspace(claimed.workspace_id)
    run = rows.select_related("connection").filter(pk=claimed.pk, state=PayoutRun.State.PENDING).first()
    if run is None:
        return None
    connection = run.connection
    provider = PAYOUT_PROVIDERS[connection.provider]
    if claimed.attempts > MAX_ATTEMPTS:
        return partial(stopped, "Given up: every attempt was cut off before its end.")
    if connection.status != Connection.Status.ACTIVE or not connection.sealed_keys:
        return partial(stopped, f"{provider.label} is disconnected.")
    sending = run.step == PayoutRun.Step.SEND
    if sending:
        batch = _batch_of(run)
        if batch.approved_by_id is None or batch.method != connection.provider:
            return partial(stopped, "The batch is not approved for this provider.")
        if _is_too_late(run, provider.repeatable_for, at):
            return partial(
                stopped, f"Too long ago to be sent again safely: look in {provider.label} what became of it."
            )
        if run.sending_at is None:
            # Written before the first call, so that a process that dies in it leaves a trace.
            rows.filter(pk=run.pk).update(sending_at=at)
    step = send_part if sending else ask_part
    access, part = payout_access(connection), part_of(run)
    return lambda: step(provider, access, wire(at=at), part)


def _is_too_late(run: PayoutRun, repeatable_for: timedelta | None, at: datetime) -> bool:
    return repeatable_for is not None and run.sending_at is not None and at - run.sending_at > repeatable_for


def _settle(claimed: Claim, future: Future[Turn]) -> None:
    try:
        turn = future.result()
    except Exception as error:
        logger.exception("payout run %s failed", claimed.pk)
        turn = stopped(f"The answer could not be read: {type(error).__name__}.")
    try:
        with tenant(claimed.workspace_id):
            record_turn(claimed=claimed, turn=turn, at=clock.now())
    except Exception:
        # The lease runs out, and the same is asked again under the same ids.
        logger.exception("a turn of payout run %s could not be recorded", claimed.pk)


@transaction.atomic
def record_turn(*, claimed: Claim, turn: Turn, at: datetime) -> None:
    """Settle what a turn brought and decide what follows; `at` is real time.

    Paid is what the provider says when it is asked, after the part was handed over as a whole. Figures that
    differ from ours stop the run with nothing settled. An answer that came after its lease had run out is
    dropped: whoever has the run now asks the same.
    """
    run: PayoutRun = (
        PayoutRun.objects.for_workspace(claimed.workspace_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("workspace")
        .get(pk=claimed.pk)
    )
    if run.state != PayoutRun.State.PENDING or run.attempts != claimed.attempts:
        return
    run.leased_until = None
    if turn.wrong:
        _stop(run, " ".join(turn.wrong))
    else:
        _import(run, turn, at)
        _go_on(run, turn, at)
    run.save()
    _tell_total(run, at)


def _import(run: PayoutRun, turn: Turn, at: datetime) -> None:
    asked = run.step == PayoutRun.Step.POLL
    final = {"paid": "paid", "failed": "failed", "returned": "failed"} if asked else {"failed": "failed"}
    told = [result for result in turn.results if result.status in final]
    amounts = {payout.public_id: payout.amount_minor for payout in payouts_of_run(run)}
    outcomes = reward_services.import_results(
        batch=_batch_of(run),
        rows=[
            reward_services.ResultRow(
                line,
                result.payout_id,
                final[result.status],
                result.reference,
                _failure(result),
                _fee(result, amounts[result.payout_id]),
            )
            for line, result in enumerate(told, start=1)
        ],
        actor=SYSTEM,
        at=_local(run, at),
    )
    refused = [f"{each.payout_id}: {each.message}" for each in outcomes if each.outcome == "refused"]
    run.note = _note(refused, [each.failure for each in turn.results if each.status == "sent"])


def _batch_of(run: PayoutRun) -> PayoutBatch:
    return PayoutBatch.objects.for_workspace(run.workspace_id).get(public_id=run.batch_id)


def _local(run: PayoutRun, at: datetime) -> datetime:
    return run.workspace.local_time(at.astimezone(UTC))


def _fee(result: ItemResult, amount_minor: int) -> int | None:
    """Return what was charged for a payment; a figure that cannot be meant is left out."""
    known = result.status == "paid" and result.fee_minor is not None
    return result.fee_minor if known and 0 <= (result.fee_minor or 0) <= amount_minor else None


def _failure(result: ItemResult) -> str:
    if result.status == "returned":
        return f"It came back. {result.failure}".strip()
    return result.failure if result.status == "failed" else ""


def _note(refused: Sequence[str], hindered: Sequence[str]) -> str:
    counted = [
        f"{count} payout{'' if count == 1 else 's'}: {why}"
        for why, count in Counter(filter(None, hindered)).items()
    ]
    return "\n".join([*refused, *counted])[:MAX_NOTE]


def _go_on(run: PayoutRun, turn: Turn, at: datetime) -> None:
    payouts = payouts_of_run(run)
    if turn.provider_batch_id:
        run.provider_batch_id = turn.provider_batch_id[:60]
    if turn.handed:
        run.handed_pk = next(each.pk for each in payouts if each.public_id == turn.handed)
        reward_services.mark_sent(
            batch=_batch_of(run),
            payout_ids=[
                each.public_id for each in payouts if each.pk <= run.handed_pk and each.status in OPEN
            ],
            reference=run.provider_batch_id,
        )
    if turn.problem is not None:
        _put_back(run, turn, at)
        return
    run.attempts, run.last_error = 0, ""
    if run.step == PayoutRun.Step.SEND:
        run.due_at = at + FIRST_POLL if turn.complete else at
        run.step = PayoutRun.Step.POLL if turn.complete else PayoutRun.Step.SEND
    else:
        paid_minor = turn.paid_minor + (run.pass_paid_minor if run.page else 0)
        run.asked_at, run.page, run.pass_paid_minor = at, turn.page, paid_minor
        run.due_at = at + min(FIRST_POLL * 2 ** min(run.polls, 12), LAST_POLL) if turn.complete else at
        run.polls = min(run.polls + 1, 32_000)
        if turn.complete:
            run.provider_paid_minor = paid_minor
    if not any(payout.status in OPEN for payout in payouts):
        run.state = PayoutRun.State.DONE
        if run.provider_paid_minor is None and not any(payout.status == PAID for payout in payouts):
            run.provider_paid_minor = 0
    elif run.sending_at is not None and at - run.sending_at > ASK_FOR:
        _stop(run, f"No end after {ASK_FOR.days} days: settle what is left by hand.")


def _tell_total(run: PayoutRun, at: datetime) -> None:
    """Tell how much the provider says it paid of the whole batch, once it has said so of every part."""
    parts = PayoutRun.objects.for_workspace(run.workspace_id).filter(batch_id=run.batch_id)
    sums = list(parts.values_list("provider_paid_minor", flat=True))
    known = [each for each in sums if each is not None]
    if len(known) < len(sums):
        return
    try:
        reward_services.record_provider_total(
            batch=_batch_of(run), paid_minor=sum(known), at=_local(run, at), actor=SYSTEM
        )
    except Conflict as error:
        parts.filter(pk=run.pk).update(note=f"{run.note}\n{error.message}".strip()[:MAX_NOTE])


def _put_back(run: PayoutRun, turn: Turn, at: datetime) -> None:
    problem = turn.problem
    match problem:
        case Retry():
            if run.attempts >= MAX_ATTEMPTS:
                _stop(run, "The provider could not be reached, or was busy, twelve times.")
            else:
                run.due_at = at + backoff(run.attempts, problem.after)
                run.last_error = "The provider could not be reached, or is busy; it is tried again."
        case Refused(reason=reason):
            run.refusals += run.step == PayoutRun.Step.SEND
            _stop(run, reason)
        case Reauthorise() | Gone() | _:
            _stop(run, str(problem))


def _stop(run: PayoutRun, why: str) -> None:
    run.state, run.last_error = PayoutRun.State.DEAD, why[:2000]


@transaction.atomic
def retry_run(*, run: PayoutRun, actor: Actor, at: datetime) -> PayoutRun:
    """Let a stopped run go on, under the ids it had; `at` is real time. Raises Conflict for any other."""
    row: PayoutRun = (
        PayoutRun.objects.for_workspace(run.workspace_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("workspace")
        .get(pk=run.pk)
    )
    if row.state != PayoutRun.State.DEAD:
        raise Conflict("This run is not waiting for anybody to try it again.", code="not_stopped")
    before = row.last_error
    row.state, row.attempts, row.due_at, row.leased_until = PayoutRun.State.PENDING, 0, at, None
    row.last_error = ""
    row.save(update_fields=["state", "attempts", "due_at", "leased_until", "last_error"])
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="payout_run.retried",
        subject=row.public_id,
        before={"error": before},
        after={"reference": row.reference},
    )
    wake(PAY)
    return row


def touch_runs(*, workspace: Workspace, run_pks: Sequence[int], at: datetime) -> int:
    """Ask about these runs now, also those that were done: money can come back. Returns how many will be.

    One that is being sent, or waits for a person, stays as it is.
    """
    count: int = (
        PayoutRun.objects.for_workspace(workspace)
        .filter(pk__in=run_pks, step=PayoutRun.Step.POLL)
        .exclude(state=PayoutRun.State.DEAD)
        .update(state=PayoutRun.State.PENDING, due_at=at, polls=0)
    )
    if count:
        wake(PAY)
    return count
