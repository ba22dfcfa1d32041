"""Deciding who is credited for a conversion: gather the facts, ask the pure rules, store what they say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Workspace
from core.events import emit
from programs import queries as program_queries
from programs.models import Participant, Program, ProgramVersion
from programs.terms import AttributionTerms, ProgramTerms
from tracking import attribution, fraud
from tracking.models import Attribution, Conversion, Credit, FraudSignal, Referral, Touchpoint
from tracking.services.referrals import ReferralBook


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A participant who may be credited, what the fraud rules say of it, and why it is out, if it is."""

    participant: Participant
    judgement: fraud.Judgement
    disqualified: str | None


@dataclass(slots=True)
class _Contacts:
    """Who had contact with the customers at hand: their touches and referrals, and all these name."""

    touches: dict[int, list[Touchpoint]]
    referrals: ReferralBook
    participants: dict[int, Participant]
    versions: dict[int, ProgramVersion]


@transaction.atomic(savepoint=False)
def decide_conversions(*, workspace: Workspace, due: Sequence[tuple[Conversion, datetime]]) -> None:
    """Decide each program that had contact with a conversion's customer, and store decisions and credits.

    `due` gives new conversions of different customers, who are locked, and when each is decided. Fraud
    findings are stored whatever their effect; a denied participant's touches are out of the decision with the
    finding's reason.
    """
    if not due:
        return
    contacts = _contacts(workspace, [conversion for conversion, _ in due])
    signals: list[FraudSignal] = []
    made: list[_Decided] = []
    for conversion, at in due:
        touches: dict[int, list[Touchpoint]] = defaultdict(list)
        for touch in contacts.touches.get(conversion.customer_id, ()):
            # A code typed at one checkout is a claim on that order, not on the others.
            if touch.conversion_id in (None, conversion.pk):
                touches[touch.program_id].append(touch)
        bonds = contacts.referrals.bonds_of(conversion.customer_id)
        for program_id in sorted({*touches, *bonds} & contacts.versions.keys()):
            case = _Case(
                conversion, contacts.versions[program_id], touches[program_id], bonds.get(program_id), at
            )
            made.append(_decide(case, contacts, signals))
    FraudSignal.objects.bulk_create(signals, ignore_conflicts=True)
    Attribution.objects.bulk_create(each.attribution for each in made)
    _store_credits(made, contacts)


def _contacts(workspace: Workspace, conversions: Sequence[Conversion]) -> _Contacts:
    people = {conversion.customer_id for conversion in conversions}
    touches: dict[int, list[Touchpoint]] = defaultdict(list)
    # Read one after another: Postgres takes longer to plan a join of guarded tables than to run all of them.
    for touch in Touchpoint.objects.for_workspace(workspace).filter(customer__in=people):
        touches[touch.customer_id].append(touch)
    referrals = ReferralBook(workspace, people)
    ids = {touch.participant_id for found in touches.values() for touch in found} | referrals.participants
    participants: dict[int, Participant] = {}
    versions: dict[int, ProgramVersion] = {}
    if ids:
        rows = Participant.objects.for_workspace(workspace).select_related("customer")
        participants = {row.pk: row for row in rows.filter(pk__in=ids)}
        programs = Program.objects.for_workspace(workspace).in_bulk(
            {row.program_id for row in participants.values()}
        )
        for row in participants.values():
            row.program = programs[row.program_id]
        versions = program_queries.live_versions(workspace, programs.values())
    return _Contacts(touches, referrals, participants, versions)


@dataclass(frozen=True, slots=True)
class _Case:
    """What one program decides: a conversion, under the terms it promises now."""

    conversion: Conversion
    version: ProgramVersion
    touches: Sequence[Touchpoint]
    bond: Referral | None
    at: datetime


@dataclass(frozen=True, slots=True)
class _Decided:
    """A case and what was decided."""

    case: _Case
    terms: ProgramTerms
    decision: attribution.Decision
    attribution: Attribution


def _decide(case: _Case, contacts: _Contacts, signals: list[FraudSignal]) -> _Decided:
    """Decide a case; what the fraud rules find is added to `signals`."""
    conversion = case.conversion
    terms = program_queries.terms_of(case.version)
    ids = [touch.participant_id for touch in case.touches]
    if case.bond is not None:
        ids.append(case.bond.participant_id)
    candidates = {
        key: _candidate(conversion, contacts.participants[key], case.touches) for key in dict.fromkeys(ids)
    }
    for candidate in candidates.values():
        signals += _signals(conversion, candidate, case.at)
    inputs = attribution.encode_inputs(
        conversion_at=conversion.occurred_at,
        amount_minor=conversion.amount_minor,
        currency=conversion.currency or terms.currency,
        touches=[
            attribution.Touch(
                id=touch.public_id,
                participant=candidates[touch.participant_id].participant.public_id,
                kind=touch.kind,  # type: ignore[arg-type]
                channel=touch.channel,
                occurred_at=touch.occurred_at,
                disqualified=candidates[touch.participant_id].disqualified,
            )
            for touch in case.touches
        ],
        rule=rule_of(terms.attribution),
        bond=None if case.bond is None else _bond(case.bond, candidates[case.bond.participant_id]),
        kind=conversion.kind,  # type: ignore[arg-type]
    )
    decision = attribution.replay(inputs)
    result = attribution.encode_decision(decision)
    stored = Attribution(
        workspace_id=conversion.workspace_id,
        conversion=conversion,
        program_id=case.version.program_id,
        version=case.version,
        model=decision.model,
        reason=decision.reason,
        inputs=inputs,
        result=result,
        digest=attribution.digest(inputs, result),
        decided_at=case.at,
    )
    return _Decided(case, terms, decision, stored)


def rule_of(terms: AttributionTerms) -> attribution.AttributionRule:
    """Return the attribution rule that a version's terms state."""
    return attribution.AttributionRule(
        model=terms.model,
        click_window=timedelta(hours=terms.click_window_hours),
        code_window=timedelta(hours=terms.code_window_hours),
        signup_window=_hours(terms.signup_window_hours),
        conversion_window=_hours(terms.conversion_window_hours),
        lifetime_months=terms.lifetime_months,
        binding="first" if terms.first_bind_wins else "latest",
        half_life_days=terms.half_life_days,
        position_weights=terms.position_weights,
        custom_weights=terms.custom_weights,
        channel_weights=terms.channel_weights,
        precedence=terms.precedence,
    )


def _hours(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(hours=number)


def _bond(referral: Referral, candidate: _Candidate) -> attribution.Bond:
    share = attribution.Share(candidate.participant.public_id, attribution.WHOLE_PPM, candidate.disqualified)
    return attribution.Bond((share,), referral.started_at, referral.converted_at)


def _candidate(conversion: Conversion, participant: Participant, touches: Sequence[Touchpoint]) -> _Candidate:
    customer, program = conversion.customer, participant.program
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


def _signals(conversion: Conversion, candidate: _Candidate, at: datetime) -> list[FraudSignal]:
    found = candidate.judgement.signals
    if found and candidate.judgement.outcome != "allow":
        emit(
            "fraud.flagged",
            at=at,
            conversion=conversion.public_id,
            participant=candidate.participant.public_id,
            rule=found[0].rule,
            outcome=candidate.judgement.outcome,
        )
    return [
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
        for signal in found
    ]


def _store_credits(made: Sequence[_Decided], contacts: _Contacts) -> None:
    by_id = {participant.public_id: participant for participant in contacts.participants.values()}
    credits: list[Credit] = []
    for each in made:
        case, conversion = each.case, each.case.conversion
        channels = {touch.public_id: touch.channel for touch in case.touches}
        for credit in each.decision.credits:
            participant = by_id[credit.participant]
            referral = contacts.referrals.advance(
                participant=participant,
                conversion=conversion,
                channel=next((channels[touch] for touch in reversed(credit.touch_ids)), ""),
                at=case.at,
            )
            credits.append(
                Credit(
                    workspace_id=conversion.workspace_id,
                    attribution=each.attribution,
                    conversion=conversion,
                    participant=participant,
                    referral=referral,
                    weight_ppm=credit.weight_ppm,
                    amount_minor=credit.amount_minor,
                    currency=conversion.currency or each.terms.currency,
                    confidence=credit.confidence,
                )
            )
    contacts.referrals.save()
    Credit.objects.bulk_create(credits)
