"""A bank's answer to a file of ISO 20022: a payment status report, pain.002, of any version.

Sources: the message definition report of the Payments Initiation set (iso20022.org), and ISO's external code
set of status reasons. The file comes from outside: entities, document types and outside references in it are
refused, and it is read element by element.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from core.errors import Invalid
from rewards.bank_files.pain001 import payout_id_of

_OUTCOMES: Final[Mapping[str, str]] = {
    "ACSC": "paid",
    "ACCC": "paid",
    "RJCT": "failed",
    "CANC": "failed",
    "ACCP": "sent",
    "ACTC": "sent",
    "ACSP": "sent",
    "ACWC": "sent",
    "ACFC": "sent",
    "PDNG": "sent",
    "RCVD": "sent",
}
"""Settled is paid; accepted in any way, or pending, is on its way still."""

_HAD_BEFORE: Final = frozenset({"AM05", "DU01", "DU02", "DU03", "DU04", "DU05"})
"""Why a second copy is refused: it says nothing of the first one, which may well have been paid."""

_REASONS: Final[Mapping[str, str]] = {
    "AC01": "The account number is wrong.",
    "AC03": "The account number of the recipient is wrong.",
    "AC04": "The account is closed.",
    "AC06": "The account is blocked.",
    "AG01": "The account takes no transfers.",
    "AM04": "There was not enough money on the paying account.",
    "AM05": "The bank has had this payment before.",
    "BE04": "The recipient's address is missing.",
    "MD07": "The recipient has died.",
    "MS03": "The bank gave no reason.",
    "RC01": "The bank's code is wrong.",
    "RR04": "The bank refused it for regulatory reasons.",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What the bank says of one payment: `status` is paid, failed, sent, or its own word where unknown."""

    number: int
    payout_id: str
    status: str
    failure: str
    reference: str


@dataclass(frozen=True, slots=True)
class Report:
    """A bank's answer: the batch it is about, what it says of single payments, and of all the others.

    `rest` is paid, failed, sent or empty: what is said of the file as a whole holds for the payments that are
    not named.
    """

    batch_id: str
    payments: tuple[Told, ...]
    rest: str
    failure: str


def read_report(file: IO[bytes]) -> Report:
    """Read a status report.

    Raises Invalid naming `file`: `not_xml`, `not_pain002`, and `had_before` where the bank refused the file
    as a copy. To take that for a failure would pay everybody a second time.
    """
    found: list[Told] = []
    batch_id = whole = block = failure = ""
    codes: set[str] = set()
    try:
        for _, element in iterparse(file, forbid_dtd=True):
            name = _name(element)
            if name == "TxInfAndSts":
                found.append(_told(element, len(found) + 1))
            elif name == "OrgnlGrpInfAndSts":
                batch_id = payout_id_of(_text(element, "OrgnlMsgId"))
                whole, failure = _text(element, "GrpSts"), _why(element)
                codes = _codes(element)
            elif name == "OrgnlPmtInfAndSts":
                block, failure = _text(element, "PmtInfSts"), _why(element) or failure
                codes |= _codes(element)
            else:
                continue
            element.clear()
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise Invalid("The file is no XML that may be read.", code="not_xml", param="file") from error
    if not batch_id:
        raise Invalid(
            "This is no payment status report (pain.002): it names no message that it answers.",
            code="not_pain002",
            param="file",
        )
    rest = _OUTCOMES.get(block or whole, "")
    if rest == "failed" and codes & _HAD_BEFORE:
        raise Invalid(
            "The bank has had this file before and refused the copy; its answer to the first one counts.",
            code="had_before",
            param="file",
        )
    return Report(batch_id, tuple(found), rest, failure)


def _told(element: Any, number: int) -> Told:
    word = _text(element, "TxSts")
    status = _OUTCOMES.get(word, word or "missing")
    if status == "failed" and _codes(element) & _HAD_BEFORE:
        status = "refused as a copy"
    return Told(
        number=number,
        payout_id=payout_id_of(_text(element, "OrgnlEndToEndId")),
        status=status,
        failure=_why(element),
        reference=_text(element, "AcctSvcrRef"),
    )


def _why(element: Any) -> str:
    """Return the reason in words, behind its code, and what the bank adds to it."""
    said = []
    for child in element:
        if _name(child) == "StsRsnInf":
            for part in child:
                if _name(part) == "Rsn":
                    code = _text(part, "Cd") or _text(part, "Prtry")
                    said.append(f"{code}: {_REASONS[code]}" if code in _REASONS else code)
                elif _name(part) == "AddtlInf":
                    said.append(part.text or "")
    return " ".join(part.strip() for part in said if part.strip())[:255]


def _codes(element: Any) -> set[str]:
    """Return the codes of the reasons that an element gives for itself."""
    return {
        _text(part, "Cd")
        for child in element
        if _name(child) == "StsRsnInf"
        for part in child
        if _name(part) == "Rsn"
    }


def _text(element: Any, name: str) -> str:
    for each in element.iter():
        if _name(each) == name:
            return (each.text or "").strip()
    return ""


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
