"""Forms of the console's pages about programs, participants and customers."""

from programs.forms.editor import TermsEditor
from programs.forms.people import (
    CustomerFilterForm,
    EnrolForm,
    LinkForm,
    ParticipantFilterForm,
    ParticipantForm,
    ProgramForm,
    PromoCodeForm,
    StatusForm,
)

__all__ = [
    "CustomerFilterForm",
    "EnrolForm",
    "LinkForm",
    "ParticipantFilterForm",
    "ParticipantForm",
    "ProgramForm",
    "PromoCodeForm",
    "StatusForm",
    "TermsEditor",
]
