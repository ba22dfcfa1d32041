"""Questions to others on which a conversion's rewards wait: asked, answered, asked again.

Who asks them listens to `conversion.check_asked`; what waits for the answers listens to `conversion.checked`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict
from core.events import emit, together
from core.transactions import all_or_nothing
from programs import queries as program_queries
from programs.models import Customer, ProgramVersion
from tracking.models import Conversion, ConversionCheck

Kind = ConversionCheck.Kind
Status = ConversionCheck.Status

_OPEN = (Status.WAITING, Status.UNANSWERED)
_LONGEST = 300


class CheckPassed(Conflict):
    """What has passed is not asked again."""

    default_code = "check_passed"


@transaction.atomic(savepoint=False)
def ask_checks(
    *, workspace: Workspace, decided: Sequence[tuple[Conversion, ProgramVersion]], at: datetime
) -> None:
    """Ask what the versions want to know about the conversions they decided, in one go.

    In two statements and one group of events, however many there are. The conversions come with their
    customers. The e-mail address is asked about any conversion, while there is one that nobody confirmed; the
    shop about purchases, the workspace's own system about purchases and custom events. Several versions that
    want the same ask once, and repeating it asks nothing again.
    """
    wanted = {
        (conversion.pk, kind): ConversionCheck(
            workspace=workspace, conversion=conversion, kind=kind, asked_at=at
        )
        for conversion, version in decided
        for kind in _wanted(conversion, version)
    }
    if not wanted:
        return
    ConversionCheck.objects.bulk_create(wanted.values(), ignore_conflicts=True)
    made = {check.public_id: check for check in wanted.values()}
    stored = ConversionCheck.objects.for_workspace(workspace).filter(public_id__in=made)
    with together():
        for public_id in stored.order_by("pk").values_list("public_id", flat=True):
            _tell_asked(made[public_id], at)


def _wanted(conversion: Conversion, version: ProgramVersion) -> Iterator[str]:
    fraud = program_queries.terms_of(version).fraud
    customer = conversion.customer
    if fraud.verify_email and customer.email and customer.email_verified_at is None:
        yield Kind.EMAIL
    if fraud.validate_orders and conversion.kind == Conversion.Kind.PURCHASE:
        yield Kind.STORE
    if fraud.validation_url and conversion.kind != Conversion.Kind.SIGNUP:
        yield Kind.CALLBACK


@all_or_nothing
def answer_check(
    *, check: ConversionCheck, passed: bool | None, detail: str, at: datetime
) -> ConversionCheck:
    """Keep the answer to a check, or with None that there was none in time, and emit `conversion.checked`.

    A check that passed or failed keeps its answer, whatever comes later; one that stayed unanswered can still
    get one. Repeating it changes nothing. `detail` is for people and is cut at 300 characters.
    """
    row = _locked(check)
    status = Status.UNANSWERED if passed is None else Status.PASSED if passed else Status.FAILED
    if row.status in _OPEN and row.status != status:
        row.status, row.detail, row.answered_at = status, detail[:_LONGEST], at
        row.save(update_fields=["status", "detail", "answered_at"])
        _tell_checked(row, at)
    return row


@all_or_nothing
def ask_again(*, check: ConversionCheck, actor: Actor, at: datetime) -> ConversionCheck:
    """Ask once more, from the beginning; a repetition asks yet again. Raises CheckPassed for what passed."""
    row = _locked(check)
    if row.status == Status.PASSED:
        raise CheckPassed("This check has passed; there is nothing left to ask.")
    before, row.status, row.detail, row.asked_at, row.answered_at = row.status, Status.WAITING, "", at, None
    row.save(update_fields=["status", "detail", "asked_at", "answered_at"])
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="check.asked_again",
        subject=row.public_id,
        before={"status": before},
        after={"status": row.status},
    )
    _tell_asked(row, at)
    return row


@all_or_nothing
def trust_conversions(
    *, workspace: Workspace, conversions: Iterable[int], actor: Actor, reason: str, at: datetime
) -> int:
    """Let the open checks of these conversions, by primary key, pass on somebody's word; returns how many."""
    rows = ConversionCheck.objects.for_workspace(workspace).filter(
        conversion__in=set(conversions), status__in=_OPEN
    )
    found = list(rows.order_by("pk"))
    for check in found:
        answer_check(check=check, passed=True, detail=f"{actor.label} vouches for it: {reason}", at=at)
        record_audit(
            workspace=workspace,
            actor=actor,
            action="check.passed",
            subject=check.public_id,
            before={"status": check.status},
            after={"status": Status.PASSED},
            reason=reason,
        )
    return len(found)


@all_or_nothing
def verify_email(*, customer: Customer, at: datetime) -> bool:
    """Keep that the customer reads mail at the address on file; returns whether that is news.

    The open checks of the address pass and `customer.verified` is emitted. Repeating it changes nothing, nor
    does it for a customer without an address.
    """
    news = (
        Customer.objects.for_workspace(customer.workspace_id)
        .filter(pk=customer.pk, email_verified_at__isnull=True)
        .exclude(email="")
        .update(email_verified_at=at)
    )
    if not news:
        return False
    customer.email_verified_at = at
    with together():
        emit("customer.verified", at=at, customer=customer.public_id)
        pass_email_checks(workspace=customer.workspace_id, customers=[customer.public_id], at=at)
    return True


@all_or_nothing
def pass_email_checks(*, workspace: Workspace | int, customers: Iterable[str], at: datetime) -> None:
    """Let the open e-mail checks of these customers, by public id, pass; those not verified keep theirs."""
    rows = list(
        ConversionCheck.objects.for_workspace(workspace)
        .select_for_update(of=("self",), no_key=True)
        .select_related("conversion__customer")
        .filter(
            kind=Kind.EMAIL,
            status__in=_OPEN,
            conversion__customer__public_id__in=set(customers),
            conversion__customer__email_verified_at__isnull=False,
        )
        .order_by("pk")
    )
    if not rows:
        return
    ConversionCheck.objects.for_workspace(workspace).filter(pk__in=[row.pk for row in rows]).update(
        status=Status.PASSED, detail="The address was confirmed.", answered_at=at
    )
    with together():
        for row in rows:
            row.status = Status.PASSED
            _tell_checked(row, at)


def _locked(check: ConversionCheck) -> ConversionCheck:
    row: ConversionCheck = (
        ConversionCheck.objects.for_workspace(check.workspace_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("workspace", "conversion__customer")
        .get(pk=check.pk)
    )
    return row


def _tell_asked(check: ConversionCheck, at: datetime) -> None:
    emit("conversion.check_asked", at=at, check=check.public_id, **_about(check))


def _tell_checked(check: ConversionCheck, at: datetime) -> None:
    emit("conversion.checked", at=at, check=check.public_id, **_about(check), status=check.status)


def _about(check: ConversionCheck) -> dict[str, str]:
    conversion = check.conversion
    return {
        "conversion": conversion.public_id,
        "customer": conversion.customer.public_id,
        "asks": check.kind,
    }
