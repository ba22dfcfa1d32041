"""Asking the shop, or the workspace's own system, about a conversion: for 72 hours, or until it answers.

As with webhooks: claimed fairly, asked outside transactions, then recorded.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from django.db import transaction

from accounts import secrets
from accounts.models import Workspace
from core import clock, http
from core.outbound import outbound_policy
from core.queue import Claim
from core.tenancy import tenant
from integrations import webhook_signing
from integrations.models import ValidationAttempt, ValidationRequest
from integrations.providers import Gone, ProviderError, Refused, Retry, ShopAccess
from integrations.providers.registry import PROVIDERS, Provider
from integrations.queries import facts_of, shops_to_ask, signing_secrets
from integrations.services.lanes import RUN_SECONDS, claim_lanes, work_off
from integrations.services.validation import validation_key
from integrations.validation import Verdict, next_try, verdict_of_callback, verdict_of_order
from tracking import services as tracking_services
from tracking.models import Conversion, ConversionCheck

logger = logging.getLogger(__name__)

DEADLINE_SECONDS: Final = 10.0
"""How long the other side may take for its whole answer."""

EXCERPT: Final = 1000
REJECTED: Final = "The conversion was rejected meanwhile; nobody was asked."


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, or why nothing did, and what it means. `retry_after` in seconds."""

    verdict: Verdict
    status: int | None = None
    response: str = ""
    elapsed_ms: int = 0
    retry_after: int | None = None


Job = Callable[[], Answer]


def ask_due(*, deadline_seconds: float = DEADLINE_SECONDS, run_seconds: float = RUN_SECONDS) -> int:
    """Ask what is due, of all workspaces, until nothing is left or the time is up; returns how many."""
    return work_off(
        claim=lambda room: claim_questions(limit=room, at=clock.now()),
        prepare=partial(_prepared, deadline_seconds=deadline_seconds),
        settle=_settle,
        run_seconds=run_seconds,
    )


def claim_questions(*, limit: int, at: datetime) -> list[Claim]:
    """Lease up to `limit` due questions, at most two of a kind under way for any workspace."""
    return claim_lanes(ValidationRequest, lane=["workspace_id", "kind"], limit=limit, at=at)


def _prepared(claimed: Claim, *, deadline_seconds: float) -> Job | None:
    try:
        with tenant(claimed.workspace_id):
            return _job(claimed, clock.now(), deadline_seconds)
    except Exception as error:
        # What cannot be asked, for a lost key say, is tried again like what was not answered.
        logger.exception("question %s could not be built", claimed.pk)
        return partial(_no_answer, f"It could not be asked: {type(error).__name__}.")


def _no_answer(sentence: str) -> Answer:
    return Answer(Verdict(None, sentence))


def _job(claimed: Claim, at: datetime, deadline_seconds: float) -> Job | None:
    rows = ValidationRequest.objects.for_workspace(claimed.workspace_id)
    request = (
        rows.select_related("conversion_check__conversion__customer")
        .filter(pk=claimed.pk, state=ValidationRequest.State.PENDING)
        .first()
    )
    if request is None:
        return None
    check = request.conversion_check
    conversion = check.conversion
    if check.status != ConversionCheck.Status.WAITING:
        rows.filter(pk=claimed.pk).update(state=ValidationRequest.State.DONE, leased_until=None)
        return None
    if conversion.status == Conversion.Status.REJECTED:
        rows.filter(pk=claimed.pk).update(
            state=ValidationRequest.State.DEAD, leased_until=None, last_error=REJECTED
        )
        _answer_check(check, None, REJECTED, at)
        return None
    policy = outbound_policy()
    if request.kind == ConversionCheck.Kind.CALLBACK:
        body = json.dumps(
            {**facts_of(conversion), "check": check.public_id, "attempt": claimed.attempts},
            separators=(",", ":"),
        ).encode()
        keys = signing_secrets(validation_key(workspace=claimed.workspace_id, at=at), at=at)
        headers = {
            "content-type": "application/json",
            **webhook_signing.sign(keys, check.public_id, at, body),
        }
        return partial(_ask_callback, request.url, headers, body, policy, deadline_seconds)
    return _shop_job(conversion, policy, deadline_seconds)


def _shop_job(conversion: Conversion, policy: http.Policy, deadline_seconds: float) -> Job:
    shops = shops_to_ask(conversion)
    if not shops:
        return partial(_no_answer, "No connected shop can be asked: give one of them the keys of its API.")
    if len(shops) > 1:
        return partial(_no_answer, "Several shops are connected, and nothing says which one has the order.")
    shop, access = shops[0]
    return partial(
        _ask_shop,
        PROVIDERS[shop.provider],
        access,
        conversion.source_key,
        conversion.amount_minor,
        conversion.currency,
        policy,
        deadline_seconds,
    )


def _ask_callback(
    url: str, headers: dict[str, str], body: bytes, policy: http.Policy, deadline_seconds: float
) -> Answer:
    return _asked(
        partial(http.post, url, body=body, headers=headers, timeout=deadline_seconds, policy=policy),
        lambda got: verdict_of_callback(got.status, got.body.decode("utf-8", "replace")),
    )


def _ask_shop(
    provider: Provider,
    access: ShopAccess,
    order_key: str,
    amount_minor: int,
    currency: str,
    policy: http.Policy,
    deadline_seconds: float,
) -> Answer:
    try:
        url, headers = provider.order_request(access, order_key, at=clock.now(), nonce=secrets.new_secret(16))
    except Gone as error:
        return Answer(Verdict(False, str(error)))

    def verdict(got: http.Response) -> Verdict:
        try:
            order = provider.order_of(got, at=clock.now())
        except Gone as error:
            return Verdict(False, str(error))
        except Refused as error:
            return Verdict(None, error.reason)
        except Retry:
            return Verdict(None, f"The shop answered {got.status}.")
        except ProviderError as error:
            return Verdict(None, str(error))
        return verdict_of_order(order, amount_minor=amount_minor, currency=currency)

    # An answer holds the buyer's name and address, which nobody here has to read.
    return _asked(
        partial(http.get, url, headers=headers, timeout=deadline_seconds, policy=policy), verdict, keep=0
    )


def _asked(
    call: Callable[[], http.Response], verdict: Callable[[http.Response], Verdict], *, keep: int = EXCERPT
) -> Answer:
    began = time.monotonic()
    try:
        got = call()
    except (http.OutboundRefused, http.OutboundFailed) as error:
        return Answer(Verdict(None, error.message), elapsed_ms=round((time.monotonic() - began) * 1000))
    return Answer(
        verdict=verdict(got),
        status=got.status,
        response=got.body.decode("utf-8", "replace").replace("\x00", "")[:keep],
        elapsed_ms=got.elapsed_ms,
        retry_after=http.retry_after_seconds(got.headers, at=clock.now()),
    )


def _settle(claimed: Claim, future: Future[Answer]) -> None:
    try:
        answer = future.result()
    except Exception as error:
        logger.exception("question %s failed", claimed.pk)
        answer = _no_answer(f"It could not be asked: {type(error).__name__}.")
    try:
        with tenant(claimed.workspace_id):
            record_answer(claimed=claimed, answer=answer, at=clock.now())
    except Exception:
        # The lease runs out, and the question is asked again.
        logger.exception("the answer to question %s could not be recorded", claimed.pk)


@transaction.atomic
def record_answer(*, claimed: Claim, answer: Answer, at: datetime) -> None:
    """Write down one attempt and decide what follows: answered, later, or unanswered; `at` is real time."""
    rows = ValidationRequest.objects.for_workspace(claimed.workspace_id)
    request = (
        rows.select_for_update(of=("self",), no_key=True)
        .select_related("conversion_check")
        .get(pk=claimed.pk)
    )
    verdict = answer.verdict
    ValidationAttempt.objects.create(
        workspace_id=claimed.workspace_id,
        request=request,
        status=answer.status,
        response=answer.response,
        error="" if verdict.passed is not None else verdict.sentence[:300],
        elapsed_ms=answer.elapsed_ms,
        at=at,
    )
    state: Any = ValidationRequest.State
    if verdict.passed is not None:
        rows.filter(pk=request.pk).update(state=state.DONE, leased_until=None, last_error="")
        _answer_check(request.conversion_check, verdict.passed, verdict.sentence, at)
        return
    if request.state != state.PENDING or request.attempts != claimed.attempts:
        # It was asked anew meanwhile, or the lease ran out: what comes next is not decided here.
        return
    due_at = next_try(
        claimed.attempts,
        began_at=request.began_at,
        at=at,
        retry_after=answer.retry_after,
        jitter=random.random(),  # noqa: S311
    )
    if due_at is not None:
        rows.filter(pk=request.pk).update(due_at=due_at, leased_until=None, last_error=verdict.sentence)
        return
    rows.filter(pk=request.pk).update(state=state.DEAD, leased_until=None, last_error=verdict.sentence)
    sentence = f"No answer for 72 hours. {verdict.sentence}"
    _answer_check(request.conversion_check, None, sentence, at)


def _answer_check(check: ConversionCheck, passed: bool | None, sentence: str, at: datetime) -> None:
    workspace = Workspace.objects.for_workspace(check.workspace_id).get()
    tracking_services.answer_check(
        check=check, passed=passed, detail=sentence, at=workspace.local_time(at.astimezone(UTC))
    )
