"""Writing to the participants of a promotion that starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from accounts.models import Workspace
from core.events import emit
from core.transactions import all_or_nothing
from engagement.queries.addresses import portal_url, terms_url
from engagement.queries.people import first_name
from engagement.queries.seasons import notice_of
from engagement.services.messages import Mail, queue_messages
from programs.models import Participant, Program, Promotion
from programs.promotion_queries import facts_of
from programs.promotions import Member, asked_by, in_audience, standing
from rewards.queries.reached import friends_of

AT_ONCE: Final = 500


@all_or_nothing
def announce_promotion(*, workspace: Workspace, promotion: Promotion, after: str = "", at: datetime) -> None:
    """Write to some participants of a running promotion's audience, the next ones by `promotion.announcing`.

    `after` is the last participant of those before. A person hears once of a promotion, however often it is
    repeated and in however many accounts they are known; nobody does who is suspended or erased, has no
    address, or once the promotion is over. The promotion comes with its program loaded.
    """
    program = promotion.program
    if not promotion.announce or standing(promotion, at) != "running":
        return
    if program.status != Program.Status.ACTIVE:
        return
    people = list(
        Participant.objects.for_workspace(workspace)
        .filter(program=program, public_id__gt=after)
        .select_related("customer")
        .order_by("public_id")[:AT_ONCE]
    )
    queue_messages(workspace=workspace, mails=_mails(workspace, promotion, people, at))
    if len(people) == AT_ONCE:
        emit("promotion.announcing", at=at, promotion=promotion.public_id, after=people[-1].public_id)


def _mails(
    workspace: Workspace, promotion: Promotion, people: Sequence[Participant], at: datetime
) -> Iterator[Mail]:
    friends = (
        friends_of(workspace, [person.pk for person in people])
        if "referrer.friends" in asked_by([promotion])
        else {}
    )
    notice = notice_of(promotion, workspace, running=True)
    program = promotion.program
    for person in people:
        customer = person.customer
        member = Member(
            country=customer.country,
            enrolled_at=person.enrolled_at,
            facts=facts_of(person, workspace.time_zone, friends=friends.get(person.pk, 0)),
            friend_known=False,
        )
        if person.status != Participant.Status.ACTIVE or customer.erased_at is not None:
            continue
        if in_audience(promotion.audience, member):
            yield Mail(
                key=f"promotion_started:{promotion.public_id}:{customer.same_person_id or customer.pk}",
                kind="promotion_started",
                to_email=customer.email,
                context={
                    "name": first_name(customer),
                    "program_name": program.name,
                    "promotion": notice.text,
                    "until": notice.when,
                    "portal_url": portal_url(program.public_id),
                    "terms_url": terms_url(program.public_id),
                },
                about=promotion.public_id,
                at=at,
            )
