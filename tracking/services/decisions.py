"""Deciding who is credited for a conversion: gather the facts, ask the pure rules, store what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from core.events import emit
from programs import queries as program_queries
from programs.models import Participant, Program, ProgramVersion
from programs.terms import AttributionTerms, ProgramTerms
from tracking import attribution, fraud
from tracking.models import Attribution, Conversion, Credit, FraudSignal, Referral, Touchpoint
from tracking.services.referrals import advance_referral

SINGLE_TOUCH = ("first_click", "last_click")
_DAYS_A_MONTH = 30.4375


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A participant who may be credited, what the fraud rules say of it, and why it is out, if it is."""

    participant: Participant
    judgement: fraud.Judgement
    disqualified: str | None


@transaction.atomic(savepoint=False)
def decide_conversion(*, conversion: Conversion, at: datetime) -> list[Attribution]:
    """Decide each program that had contact with the conversion's customer, and store decision and credits.

    A program decides a conversion once; repeating it decides only the programs that have not. Fraud findings
    are stored whatever their effect; a denied participant's touches are out of the decision with the
    finding's reason.
    """
    touches = _touches(conversion)
    bonds = _bonds(conversion)
    decided = set(
        Attribution.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion)
        .values_list("program_id", flat=True)
    )
    made = []
    for program_id in sorted({*touches, *bonds} - decided):
        contact = bonds[program_id] if program_id in bonds else touches[program_id][0]
        program = contact.participant.program
        version = program_queries.live_version(program)
        if version is not None:
            made.append(_decide(conversion, program, version, touches[program_id], bonds.get(program_id), at))
    return made


def _touches(conversion: Conversion) -> dict[int, list[Touchpoint]]:
    found: dict[int, list[Touchpoint]] = defaultdict(list)
    rows = (
        Touchpoint.objects.for_workspace(conversion.workspace_id)
        .filter(customer_id=conversion.customer_id)
        .select_related("participant__customer", "participant__program", "click")
    )
    for touch in rows:
        # A code typed at one checkout is a claim on that order, not on the others.
        if touch.conversion_id in (None, conversion.pk):
            found[touch.program_id].append(touch)
    return found


def _bonds(conversion: Conversion) -> dict[int, Referral]:
    """Return the earliest living referral of the customer in each program."""
    bonds: dict[int, Referral] = {}
    rows = (
        Referral.objects.for_workspace(conversion.workspace_id)
        .filter(customer_id=conversion.customer_id)
        .exclude(status__in=[Referral.Status.REJECTED, Referral.Status.ENDED])
        .select_related("participant__customer", "participant__program")
        .order_by("started_at", "pk")
    )
    for referral in rows:
        bonds.setdefault(referral.program_id, referral)
    return bonds


def _decide(
    conversion: Conversion,
    program: Program,
    version: ProgramVersion,
    touches: Sequence[Touchpoint],
    bond: Referral | None,
    at: datetime,
) -> Attribution:
    terms = program_queries.terms_of(version)
    people = {touch.participant_id: touch.participant for touch in touches}
    if bond is not None:
        people[bond.participant_id] = bond.participant
    candidates = {
        key: _candidate(conversion, program, participant, touches) for key, participant in people.items()
    }
    for candidate in candidates.values():
        _store_signals(conversion, candidate, at)
    inputs = attribution.encode_inputs(
        conversion_at=conversion.occurred_at,
        amount_minor=conversion.amount_minor,
        currency=conversion.currency or terms.currency,
        touches=[
            attribution.Touch(
                id=touch.public_id,
                participant=touch.participant.public_id,
                kind=touch.kind,  # type: ignore[arg-type]
                channel=touch.channel,
                occurred_at=touch.occurred_at,
                disqualified=candidates[touch.participant_id].disqualified,
            )
            for touch in touches
        ],
        rule=rule_of(terms.attribution),
        bound_participant=_bound(conversion, terms, bond, candidates),
    )
    decision = attribution.replay(inputs)
    result = attribution.encode_decision(decision)
    stored = Attribution.objects.create(
        workspace_id=conversion.workspace_id,
        conversion=conversion,
        program=program,
        version=version,
        model=decision.model,
        reason=decision.reason,
        inputs=inputs,
        result=result,
        digest=attribution.digest(inputs, result),
        decided_at=at,
    )
    _store_credits(stored, conversion, decision, people.values(), touches, terms, at)
    return stored


def rule_of(terms: AttributionTerms) -> attribution.AttributionRule:
    """Return the attribution rule that a version's terms state."""
    return attribution.AttributionRule(
        model=terms.model,
        click_window=timedelta(days=terms.click_window_days),
        code_window=timedelta(days=terms.code_window_days),
        half_life_days=terms.half_life_days,
        position_weights=terms.position_weights,
        custom_weights=terms.custom_weights,
        channel_weights=terms.channel_weights,
        precedence=terms.precedence,
    )


def _bound(
    conversion: Conversion,
    terms: ProgramTerms,
    bond: Referral | None,
    candidates: dict[int, _Candidate],
) -> str | None:
    """Return the participant an earlier conversion bound this customer to.

    Only single-touch models bind: the others exist to share credit out anew each time.
    """
    rule = terms.attribution
    if bond is None or not rule.first_bind_wins or rule.model not in SINGLE_TOUCH:
        return None
    months = rule.lifetime_months
    if months is not None and conversion.occurred_at - bond.started_at > timedelta(
        days=months * _DAYS_A_MONTH
    ):
        return None
    candidate = candidates[bond.participant_id]
    return None if candidate.disqualified else bond.participant.public_id


def _candidate(
    conversion: Conversion, program: Program, participant: Participant, touches: Sequence[Touchpoint]
) -> _Candidate:
    customer = conversion.customer
    clicks = [touch for touch in touches if touch.participant_id == participant.pk and touch.click_id]
    last = max((touch.occurred_at for touch in clicks), default=None)
    since = None if last is None else int((conversion.occurred_at - last).total_seconds())
    facts = fraud.Facts(
        referrer=participant.public_id,
        referee=customer.public_id,
        same_customer=participant.customer_id == customer.pk,
        referrer_mailbox=participant.customer.mailbox or None,
        referee_mailbox=customer.mailbox or None,
        seconds_to_conversion=since if since is not None and since >= 0 else None,
    )
    judgement = fraud.judge(facts, fraud.FraudSettings())
    disqualified: str | None = None
    if judgement.outcome == "deny":
        disqualified = judgement.reason
    elif participant.status != Participant.Status.ACTIVE:
        disqualified = "participant_inactive"
    elif program.status == Program.Status.PAUSED:
        disqualified = "program_paused"
    elif program.status == Program.Status.ENDED:
        disqualified = "program_ended"
    return _Candidate(participant, judgement, disqualified)


def _store_signals(conversion: Conversion, candidate: _Candidate, at: datetime) -> None:
    signals = candidate.judgement.signals
    FraudSignal.objects.bulk_create(
        [
            FraudSignal(
                workspace_id=conversion.workspace_id,
                conversion=conversion,
                participant=candidate.participant,
                rule=signal.rule,
                outcome=candidate.judgement.outcome,
                weight=signal.weight,
                sentence=signal.sentence,
                evidence=dict(signal.evidence),
                at=at,
            )
            for signal in signals
        ],
        ignore_conflicts=True,
    )
    if signals and candidate.judgement.outcome != "allow":
        emit(
            "fraud.flagged",
            at=at,
            conversion=conversion.public_id,
            participant=candidate.participant.public_id,
            rule=signals[0].rule,
            outcome=candidate.judgement.outcome,
        )


def _store_credits(
    stored: Attribution,
    conversion: Conversion,
    decision: attribution.Decision,
    people: Iterable[Participant],
    touches: Sequence[Touchpoint],
    terms: ProgramTerms,
    at: datetime,
) -> None:
    by_id = {participant.public_id: participant for participant in people}
    channels = {touch.public_id: touch.channel for touch in touches}
    for credit in decision.credits:
        participant = by_id[credit.participant]
        channel = next((channels[touch] for touch in reversed(credit.touch_ids)), "")
        referral = advance_referral(participant=participant, conversion=conversion, channel=channel, at=at)
        Credit.objects.create(
            workspace_id=conversion.workspace_id,
            attribution=stored,
            conversion=conversion,
            participant=participant,
            referral=referral,
            weight_ppm=credit.weight_ppm,
            amount_minor=credit.amount_minor,
            currency=conversion.currency or terms.currency,
            confidence=credit.confidence,
        )
