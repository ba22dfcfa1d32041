"""Forms of the console's pages about programs, participants and customers."""

from programs.forms.codes import LinkEditForm, LinkFilterForm, PromoCodeFilterForm, QrForm
from programs.forms.editor import ROW_BUTTONS, TermsEditor
from programs.forms.experiments import ExperimentFilterForm, ExperimentForm, ExposureFilterForm
from programs.forms.general import SECTIONS
from programs.forms.people import (
    CustomerFilterForm,
    EnrolForm,
    EraseForm,
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
    "EraseForm",
    "ExperimentFilterForm",
    "ExperimentForm",
    "ExposureFilterForm",
    "InviteForm",
    "LinkEditForm",
    "LinkFilterForm",
    "LinkForm",
    "ParticipantFilterForm",
    "ParticipantForm",
    "ProgramFilterForm",
    "ProgramForm",
    "PromoCodeFilterForm",
    "PromoCodeForm",
    "QrForm",
    "StatusForm",
    "TermsEditor",
]
