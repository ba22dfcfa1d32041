"""Everything that changes programs, customers, participants, links and codes."""

from programs.services.customers import identify_customer
from programs.services.links import (
    CodeTaken,
    ParticipantSuspended,
    archive_link,
    create_link,
    create_promo_code,
)
from programs.services.participants import (
    Invited,
    ProgramNotActive,
    enrol_participant,
    enrol_person,
    invite_people,
    set_statuses,
    update_participant,
)
from programs.services.programs import (
    ProgramEnded,
    StatusRefused,
    change_program_status,
    create_program,
    publish_program,
    restart_draft,
    update_draft,
)

__all__ = [
    "CodeTaken",
    "Invited",
    "ParticipantSuspended",
    "ProgramEnded",
    "ProgramNotActive",
    "StatusRefused",
    "archive_link",
    "change_program_status",
    "create_link",
    "create_program",
    "create_promo_code",
    "enrol_participant",
    "enrol_person",
    "identify_customer",
    "invite_people",
    "publish_program",
    "restart_draft",
    "set_statuses",
    "update_draft",
    "update_participant",
]
