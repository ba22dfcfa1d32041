"""The only code that changes tracking's rows."""

from tracking.services.appeals import OpenedAppeal, answer_appeal, open_appeal
from tracking.services.cases import resolve_case, resolve_cases, resolve_cases_about
from tracking.services.checks import (
    CheckPassed,
    answer_check,
    ask_again,
    ask_checks,
    pass_email_checks,
    trust_conversions,
    verify_email,
)
from tracking.services.clicks import LONGEST_WINDOW, LinkRequest, bind_visitor, record_click, record_clicks
from tracking.services.conversions import (
    ConversionFact,
    RecordedConversion,
    record_conversion,
    record_conversions,
)
from tracking.services.corrections import RecordedRefund, record_refund, reject_conversion
from tracking.services.edits import edit_lines
from tracking.services.forgetting import forget_customer
from tracking.services.fraud_lists import add_list_entry, remove_list_entries, remove_list_entry
from tracking.services.late_clicks import bind_late_click
from tracking.services.months import Archive, ArchiveDiffers, archive_clicks, make_click_months
from tracking.services.people import assign_referrer, merge_customers
from tracking.services.redecisions import LATE, redecide
from tracking.services.reinstatement import reinstate_conversion, reinstate_refund
from tracking.services.reporting import Reported, store_reported
from tracking.services.sightings import note_sighting

__all__ = [
    "LATE",
    "LONGEST_WINDOW",
    "Archive",
    "ArchiveDiffers",
    "CheckPassed",
    "ConversionFact",
    "LinkRequest",
    "OpenedAppeal",
    "RecordedConversion",
    "RecordedRefund",
    "Reported",
    "add_list_entry",
    "answer_appeal",
    "answer_check",
    "archive_clicks",
    "ask_again",
    "ask_checks",
    "assign_referrer",
    "bind_late_click",
    "bind_visitor",
    "edit_lines",
    "forget_customer",
    "make_click_months",
    "merge_customers",
    "note_sighting",
    "open_appeal",
    "pass_email_checks",
    "record_click",
    "record_clicks",
    "record_conversion",
    "record_conversions",
    "record_refund",
    "redecide",
    "reinstate_conversion",
    "reinstate_refund",
    "reject_conversion",
    "remove_list_entries",
    "remove_list_entry",
    "resolve_case",
    "resolve_cases",
    "resolve_cases_about",
    "store_reported",
    "trust_conversions",
    "verify_email",
]
