"""Everything that changes programs, customers, participants, links and codes."""

from programs.services.customers import Person, identify_customer, identify_customers
from programs.services.erasure import erase_customer, forget_answers_about
from programs.services.links import (
    MOST_AT_ONCE,
    CodeTaken,
    NewLink,
    ParticipantSuspended,
    archive_link,
    create_link,
    create_links,
    update_link,
)
from programs.services.merging import mark_same_person
from programs.services.participants import (
    CustomerErased,
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
from programs.services.promo_codes import (
    create_promo_code,
    create_promo_codes,
    set_promo_code_status,
    set_promo_code_statuses,
)

__all__ = [
    "MOST_AT_ONCE",
    "CodeTaken",
    "CustomerErased",
    "Invited",
    "NewLink",
    "ParticipantSuspended",
    "Person",
    "ProgramEnded",
    "ProgramNotActive",
    "StatusRefused",
    "archive_link",
    "change_program_status",
    "create_link",
    "create_links",
    "create_program",
    "create_promo_code",
    "create_promo_codes",
    "enrol_participant",
    "enrol_person",
    "erase_customer",
    "forget_answers_about",
    "identify_customer",
    "identify_customers",
    "invite_people",
    "mark_same_person",
    "publish_program",
    "restart_draft",
    "set_promo_code_status",
    "set_promo_code_statuses",
    "set_statuses",
    "update_draft",
    "update_link",
    "update_participant",
]
