"""Deciding who is credited for a conversion: gather the facts, ask the pure rules, store what they say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import Workspace
from programs import queries as program_queries
from programs.models import Participant, Program, ProgramVersion
from tracking import attribution
from tracking.models import Attribution, Conversion, Credit, Referral, Touchpoint
from tracking.rules import rule_of
from tracking.services.checks import ask_checks
from tracking.services.contacts import Contacts, contacts_of
from tracking.services.evidence import Suspect
from tracking.services.judgements import Pair, Verdict, judge_suspects


@dataclass(frozen=True, slots=True)
class Case:
    """What one program decides: a conversion, under the terms it promises.

    `cleared` are the participants whom an earlier revision found fit: what held then holds on.
    """

    conversion: Conversion
    version: ProgramVersion
    touches: Sequence[Touchpoint]
    bond: Sequence[Referral]
    at: datetime
    revision: int = 1
    cause: str = ""
    cleared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Decided:
    """A case and what was decided."""

    case: Case
    decision: attribution.Decision
    attribution: Attribution


@transaction.atomic(savepoint=False)
def decide_conversions(*, workspace: Workspace, due: Sequence[tuple[Conversion, datetime]]) -> None:
    """Decide each program that had contact with a conversion's customer, and store decisions and credits.

    `due` gives new conversions of different customers, who are locked, and when each is decided. Fraud
    findings are stored whatever their effect; a denied participant's touches are out of the decision with the
    finding's reason.
    """
    if not due:
        return
    contacts = contacts_of(workspace, [conversion for conversion, _ in due])
    cases = [case for conversion, at in due for case in cases_of(contacts, conversion, at)]
    made = decide_cases(workspace, cases, contacts, at=max(at for _, at in due))
    Attribution.objects.bulk_create(each.attribution for each in made)
    Credit.objects.bulk_create(credits_for(made, contacts))
    ask_about(workspace, made, at=max(at for _, at in due))


def ask_about(workspace: Workspace, made: Sequence[Decided], *, at: datetime) -> None:
    """Ask others about the conversions that somebody is credited with, as the programs want it."""
    credited = [(each.case.conversion, each.case.version) for each in made if each.decision.credits]
    ask_checks(workspace=workspace, decided=credited, at=at)


def cases_of(
    contacts: Contacts, conversion: Conversion, at: datetime, own: Collection[int] = ()
) -> list[Case]:
    """Return what each program that had contact with the conversion's customer has to decide.

    `own` are the referrals that the conversion is credited to already.
    """
    touches = contacts.touches_before(conversion)
    bonds = contacts.referrals.bonds_before(conversion, own)
    return [
        Case(conversion, contacts.versions[program_id], touches[program_id], bonds.get(program_id, ()), at)
        for program_id in sorted({*touches, *bonds} & contacts.versions.keys())
    ]


def decide_cases(
    workspace: Workspace,
    cases: Sequence[Case],
    contacts: Contacts,
    *,
    at: datetime,
    judged_before: bool = False,
) -> list[Decided]:
    """Judge everybody who may be credited, and decide; nothing but judgements is stored."""
    suspects = []
    for case in cases:
        case_touches = sorted(case.touches, key=lambda touch: (touch.occurred_at, touch.public_id))
        for pk in _candidates(case):
            own = [touch for touch in case_touches if touch.participant_id == pk]
            suspects.append((Suspect(case.conversion, contacts.participants[pk], own), case.version))
    verdicts = judge_suspects(
        workspace=workspace, suspects=suspects, contacts=contacts, at=at, judged_before=judged_before
    )
    return [_decide(case, contacts, verdicts) for case in cases]


def _candidates(case: Case) -> list[int]:
    """Return who may be credited at all: whose bond it is, or who has a touch that was not refused."""
    fit = [touch.participant_id for touch in case.touches if not touch.refusal]
    return list(dict.fromkeys([*fit, *(referral.participant_id for referral in case.bond)]))


def _decide(case: Case, contacts: Contacts, verdicts: Mapping[Pair, Verdict]) -> Decided:
    conversion = case.conversion
    terms = program_queries.terms_of(case.version)

    def fault(participant_id: int) -> str | None:
        return _fault(
            contacts.participants[participant_id], verdicts.get((conversion.pk, participant_id)), case
        )

    inputs = attribution.encode_inputs(
        kind=conversion.kind,  # type: ignore[arg-type]
        conversion_at=conversion.occurred_at,
        amount_minor=conversion.amount_minor,
        currency=conversion.currency or terms.currency,
        touches=[
            attribution.Touch(
                id=touch.public_id,
                participant=contacts.participants[touch.participant_id].public_id,
                kind="email" if contacts.is_matched(conversion, touch) else touch.kind,  # type: ignore[arg-type]
                channel=touch.channel,
                occurred_at=touch.occurred_at,
                disqualified=touch.refusal or fault(touch.participant_id),
            )
            for touch in case.touches
        ],
        rule=rule_of(terms.attribution),
        bond=_bond(
            [
                attribution.Share(
                    contacts.participants[referral.participant_id].public_id,
                    referral.share_ppm,
                    fault(referral.participant_id),
                )
                for referral in case.bond
            ],
            case.bond,
        ),
    )
    decision = attribution.replay(inputs)
    result = attribution.encode_decision(decision)
    stored = Attribution(
        workspace_id=conversion.workspace_id,
        conversion=conversion,
        program_id=case.version.program_id,
        version=case.version,
        revision=case.revision,
        cause=case.cause,
        model=decision.model,
        reason=decision.reason,
        inputs=inputs,
        result=result,
        digest=attribution.digest(inputs, result),
        decided_at=case.at,
    )
    return Decided(case, decision, stored)


def _bond(shares: Sequence[attribution.Share], referrals: Sequence[Referral]) -> attribution.Bond | None:
    if not shares:
        return None
    converted = [referral.converted_at for referral in referrals if referral.converted_at is not None]
    return attribution.Bond(tuple(shares), referrals[0].started_at, min(converted, default=None))


def _fault(participant: Participant, verdict: Verdict | None, case: Case) -> str | None:
    """Return why a participant cannot be credited."""
    if verdict is not None and verdict.outcome == "deny":
        return verdict.reason
    if participant.public_id in case.cleared:
        return None
    if participant.status != Participant.Status.ACTIVE:
        return "participant_inactive"
    if participant.program.status == Program.Status.PAUSED:
        return "program_paused"
    return "program_ended" if participant.program.status == Program.Status.ENDED else None


def credits_for(made: Sequence[Decided], contacts: Contacts) -> list[Credit]:
    """Start or advance the referrals that decisions credit, and return the credits, unsaved.

    The decisions are stored already.
    """
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
                weight_ppm=credit.weight_ppm,
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
                    currency=conversion.currency or program_queries.terms_of(case.version).currency,
                    confidence=credit.confidence,
                    occurred_at=conversion.occurred_at,
                )
            )
    contacts.referrals.save()
    return credits
