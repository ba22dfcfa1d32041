"""Running errands: shops make and delete coupons, the workspace's own system gives what is its own.

As with webhooks: claimed fairly, asked outside transactions, then recorded.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock, http
from core.errors import Conflict
from core.outbound import outbound_policy
from core.queue import MAX_ATTEMPTS, Claim, backoff
from core.tenancy import tenant
from integrations import webhook_signing
from integrations.errand_queries import issuing_connection
from integrations.models import Errand
from integrations.providers import ProviderError, Retry
from integrations.providers.issuing import Gift, Given, Issue
from integrations.providers.payouts import Wire
from integrations.queries import signing_secrets
from integrations.services.errands import take_back
from integrations.services.lanes import LEASE, RUN_SECONDS, claim_lanes, work_off
from integrations.services.validation import validation_key
from rewards import services as rewards_services
from rewards.models import Fulfilment, MoneySettings

logger = logging.getLogger(__name__)

DEADLINE_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try: `given`, or a `sentence` that says why not, to be tried again or `final`."""

    given: Given | None = None
    sentence: str = ""
    final: bool = False
    after: timedelta | None = None


def run_due(*, deadline_seconds: float = DEADLINE_SECONDS, run_seconds: float = RUN_SECONDS) -> int:
    """Run what is due, of all workspaces, until nothing is left or the time is up; returns how many."""
    return work_off(
        claim=lambda room: claim_errands(limit=room, at=clock.now()),
        prepare=partial(_prepared, deadline_seconds=deadline_seconds),
        settle=_settle,
        run_seconds=run_seconds,
    )


def claim_errands(*, limit: int, at: datetime) -> list[Claim]:
    """Lease up to `limit` due errands, at most two under way to any connection."""
    return claim_lanes(Errand, lane=["workspace_id", "connection"], limit=limit, at=at)


def _prepared(claimed: Claim, *, deadline_seconds: float) -> Callable[[], Outcome] | None:
    try:
        with tenant(claimed.workspace_id):
            return _job(claimed, clock.now(), deadline_seconds)
    except Exception as error:
        logger.exception("errand %s could not be built", claimed.pk)
        return partial(Outcome, sentence=f"It could not be asked for: {type(error).__name__}.")


def _job(claimed: Claim, now: datetime, deadline_seconds: float) -> Callable[[], Outcome] | None:
    rows = Errand.objects.for_workspace(claimed.workspace_id)
    errand = rows.filter(pk=claimed.pk, state=Errand.State.PENDING).first()
    if errand is None:
        return None
    fulfilment = (
        Fulfilment.objects.for_workspace(claimed.workspace_id)
        .select_related("customer", "reward", "redemption")
        .get(public_id=errand.fulfilment)
    )
    over = partial(rows.filter(pk=claimed.pk).update, state=Errand.State.DONE, leased_until=None)
    issues = errand.action == Errand.Action.ISSUE
    if issues and fulfilment.status != Fulfilment.Status.WAITING:
        # An errand without attempts says that nobody was ever asked.
        over(attempts=claimed.attempts if claimed.attempts > 1 else 0)
        if fulfilment.status == Fulfilment.Status.CANCELLED and claimed.attempts > 1:
            # An attempt was cut off, so that nobody knows whether it made something.
            take_back(fulfilment=fulfilment, at=now)
        return None
    if issues and rows.filter(
        fulfilment=errand.fulfilment,
        action=Errand.Action.CANCEL,
        state=Errand.State.PENDING,
        leased_until__gte=now,
    ):
        # It was called off and is wanted again: not before what is being taken back is gone.
        rows.filter(pk=errand.pk).update(due_at=now + LEASE, leased_until=None)
        return None
    if not issues and not _may_take_back(rows, errand, fulfilment, now):
        return None
    if not errand.connection:
        return _own_system(claimed.workspace_id, errand, fulfilment, now, deadline_seconds)
    reached = issuing_connection(claimed.workspace_id, errand.connection)
    if reached is None:
        return partial(Outcome, sentence="The connection is switched off or has no keys.", final=True)
    issuer, access = reached
    call = issuer.issue if issues else issuer.cancel
    return partial(_asked, call, access, _gift(fulfilment), outbound_policy(), deadline_seconds)


def _may_take_back(rows: Any, errand: Errand, fulfilment: Fulfilment, now: datetime) -> bool:
    """Say whether a cancellation is due: not while it is being made, and not if nobody was ever asked."""
    own = rows.filter(pk=errand.pk)
    made = rows.select_for_update().filter(fulfilment=errand.fulfilment, action=Errand.Action.ISSUE).first()
    if fulfilment.status != Fulfilment.Status.CANCELLED:
        own.update(state=Errand.State.DONE, leased_until=None)
        return False
    if made is not None and made.state == Errand.State.PENDING:
        if made.leased_until is not None and made.leased_until >= now:
            own.update(due_at=now + LEASE, leased_until=None)
            return False
        rows.filter(pk=made.pk).update(state=Errand.State.DONE, leased_until=None)
    asked = fulfilment.attempts or (made is not None and made.attempts)
    if not asked:
        own.update(state=Errand.State.DONE, leased_until=None)
    return bool(asked)


def _gift(fulfilment: Fulfilment) -> Gift:
    terms: Mapping[str, Any] = fulfilment.details.get("terms") or {}
    until = fulfilment.details.get("expires_at")
    discount = fulfilment.kind == Fulfilment.Kind.DISCOUNT
    owner = fulfilment.customer
    about = fulfilment.reward or fulfilment.redemption
    # A refund may have taken back a part meanwhile.
    left = fulfilment.reward.net_minor if fulfilment.reward else fulfilment.amount_minor
    return Gift(
        reference=fulfilment.public_id,
        kind=fulfilment.kind,
        code=fulfilment.code,
        bps=int(terms.get("bps") or 0),
        amount_minor=int(terms.get("amount_minor") or 0) if discount else left,
        currency=str(terms.get("currency") or fulfilment.currency),
        email=owner.email or "",
        name=owner.name,
        expires_at=datetime.fromisoformat(until) if until else None,
        about=about.public_id if about else "",
        sku=str(fulfilment.details.get("sku") or ""),
        item=str(fulfilment.details.get("name") or ""),
        country=owner.country,
    )


def _asked(issue: Issue, access: Any, gift: Gift, policy: http.Policy, timeout: float) -> Outcome:
    wire = Wire(at=clock.now(), policy=policy, timeout=timeout)
    try:
        return Outcome(given=issue(wire, access, gift))
    except Retry as error:
        return Outcome(sentence="The other side was busy, broken or silent.", after=error.after)
    except ProviderError as error:
        return Outcome(sentence=str(error), final=True)


def _own_system(
    workspace_id: int, errand: Errand, fulfilment: Fulfilment, now: datetime, timeout: float
) -> Callable[[], Outcome]:
    settings = MoneySettings.objects.for_workspace(workspace_id).first()
    if settings is None or not settings.give_url:
        return partial(Outcome, sentence="No address of your own system is set.", final=True)
    left = fulfilment.reward.net_minor if fulfilment.reward else fulfilment.amount_minor
    body = json.dumps(
        {
            "action": errand.action,
            "fulfilment": fulfilment.public_id,
            "kind": fulfilment.kind,
            "reward": fulfilment.reward.public_id if fulfilment.reward else None,
            "redemption": fulfilment.redemption.public_id if fulfilment.redemption else None,
            "customer": fulfilment.customer.public_id,
            "customer_external_id": fulfilment.customer.external_id,
            "name": str(fulfilment.details.get("name") or ""),
            "amount_minor": left,
            "currency": fulfilment.currency,
        },
        separators=(",", ":"),
    ).encode()
    # One id for each thing that is asked: the receiver drops what it has seen.
    message = (
        fulfilment.public_id if errand.action == Errand.Action.ISSUE else f"{fulfilment.public_id}-cancel"
    )
    keys = signing_secrets(validation_key(workspace=workspace_id, at=now), at=now)
    headers = {"content-type": "application/json", **webhook_signing.sign(keys, message, now, body)}
    return partial(_told, settings.give_url, headers, body, outbound_policy(), timeout)


def _told(url: str, headers: dict[str, str], body: bytes, policy: http.Policy, timeout: float) -> Outcome:
    try:
        got = http.post(url, body=body, headers=headers, timeout=timeout, policy=policy)
    except http.OutboundRefused as error:
        return Outcome(sentence=error.message, final=True)
    except http.OutboundFailed as error:
        return Outcome(sentence=error.message)
    if 200 <= got.status < 300:
        return Outcome(given=_answered(got.body))
    after = http.retry_after_seconds(got.headers, at=clock.now())
    said = f"Your system answered {got.status}."
    if got.status in (408, 425, 429) or got.status >= 500:
        return Outcome(sentence=said, after=timedelta(seconds=after) if after is not None else None)
    return Outcome(sentence=said, final=True)


def _answered(body: bytes) -> Given:
    """Read what the workspace's own system says it gave; any 2xx will do, also without a word."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Given()
    texts = {
        name: "".join(filter(str.isprintable, found[name])).strip()[:255]
        for name in ("reference", "code", "link", "note")
        if isinstance(found.get(name), str)
    }
    if not texts.get("link", "https://").startswith(("https://", "http://")):
        del texts["link"]
    return Given(reference=texts.pop("reference", ""), details=texts)


def _settle(claimed: Claim, future: Future[Outcome]) -> None:
    try:
        outcome = future.result()
    except Exception as error:
        logger.exception("errand %s failed", claimed.pk)
        outcome = Outcome(sentence=f"It could not be asked for: {type(error).__name__}.")
    try:
        with tenant(claimed.workspace_id):
            record_outcome(claimed=claimed, outcome=outcome, at=clock.now())
    except Exception:
        # The lease runs out, and the errand is run again: what was made is found then.
        logger.exception("the outcome of errand %s could not be recorded", claimed.pk)


@transaction.atomic
def record_outcome(*, claimed: Claim, outcome: Outcome, at: datetime) -> None:
    """Write down what came of an errand: done, to be tried later, or failed; `at` is real time."""
    rows = Errand.objects.for_workspace(claimed.workspace_id)
    workspace = Workspace.objects.for_workspace(claimed.workspace_id).get()
    errand = rows.get(pk=claimed.pk)
    fulfilment = Fulfilment.objects.for_workspace(workspace).get(public_id=errand.fulfilment)
    there = workspace.local_time(at.astimezone(UTC))
    issues = errand.action == Errand.Action.ISSUE
    if outcome.given is not None:
        if outcome.given.kept:
            rewards_services.keep_fulfilment(fulfilment=fulfilment, failure=outcome.given.kept, at=there)
        elif issues:
            _complete(fulfilment, outcome.given, there, at)
        elif outcome.given.used:
            rewards_services.use_codes(
                workspace=workspace, codes=[fulfilment.code], order_reference="unknown", at=there
            )
        elif outcome.given.told:
            rewards_services.note_recall(fulfilment=fulfilment, sentence=outcome.given.told, at=there)
        rows.filter(pk=errand.pk).update(state=Errand.State.DONE, leased_until=None, last_error="")
        return
    if errand.state != Errand.State.PENDING or errand.attempts != claimed.attempts:
        # It was queued anew meanwhile, or the lease ran out: what comes next is not decided here.
        return
    if outcome.final or claimed.attempts >= MAX_ATTEMPTS:
        if issues:
            rewards_services.fail_fulfilment(fulfilment=fulfilment, failure=outcome.sentence, at=there)
        else:
            rewards_services.keep_fulfilment(fulfilment=fulfilment, failure=outcome.sentence, at=there)
        rows.filter(pk=errand.pk).update(
            state=Errand.State.DEAD, leased_until=None, last_error=outcome.sentence
        )
        return
    rows.filter(pk=errand.pk).update(
        due_at=at + backoff(claimed.attempts, outcome.after), leased_until=None, last_error=outcome.sentence
    )


def _complete(fulfilment: Fulfilment, given: Given, there: datetime, at: datetime) -> None:
    try:
        rewards_services.complete_fulfilment(
            fulfilment=fulfilment, reference=given.reference, details=given.details, actor=SYSTEM, at=there
        )
    except Conflict as error:
        if error.code != "fulfilment_cancelled":
            raise
        take_back(fulfilment=fulfilment, at=at)
