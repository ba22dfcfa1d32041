"""Forms of the console's pages about programs, participants and customers."""

from programs.forms.editor import ROW_BUTTONS, TermsEditor
from programs.forms.general import SECTIONS
from programs.forms.people import (
    CustomerFilterForm,
    EnrolForm,
    InviteForm,
    LinkForm,
    ParticipantFilterForm,
    ParticipantForm,
    ProgramFilterForm,
    ProgramForm,
    PromoCodeForm,
    StatusForm,
)

__all__ = [
    "ROW_BUTTONS",
    "SECTIONS",
    "CustomerFilterForm",
    "EnrolForm",
    "InviteForm",
    "LinkForm",
    "ParticipantFilterForm",
    "ParticipantForm",
    "ProgramFilterForm",
    "ProgramForm",
    "PromoCodeForm",
    "StatusForm",
    "TermsEditor",
]
