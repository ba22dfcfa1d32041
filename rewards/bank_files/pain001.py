"""The bank file as ISO 20022: a credit transfer initiation, pain.001.001.09, one payment block a file.

Sources: the message definition report of the Payments Initiation set of 2019 (iso20022.org), and for what a
bank takes in SEPA the implementation guidelines EPC132-08 of the European Payments Council.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from core.errors import Conflict
from core.money import format_major
from rewards.bank_files.iban import compact, valid_iban
from rewards.bank_files.letters import latin
from rewards.bank_files.payments import Payment

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
LONGEST_NAME: Final = 70
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")


@dataclass(frozen=True, slots=True)
class Debtor:
    """Whose account pays. The BIC is optional: in SEPA the IBAN says which bank it is."""

    name: str
    iban: str
    bic: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about all its payments; `at` is when it is written, in the payer's own time."""

    batch_id: str
    currency: str
    count: int
    total_minor: int
    at: datetime
    debtor: Debtor


def end_to_end_id(payout_id: str) -> str:
    """Return a payout's id as banks take it: their letters have no underscore. It has 30 of 35 characters."""
    return payout_id.replace("_", "-")


def payout_id_of(reference: str) -> str:
    """Return the payout's or batch's id that stands in a bank's answer."""
    return reference.strip().replace("-", "_", 1)


def valid_bic(text: str) -> bool:
    """Tell whether a text has the form of a bank's code (ISO 9362): 8 or 11 letters and digits."""
    return _BIC.fullmatch(text) is not None


def document(header: Header, payments: Iterable[Payment]) -> Iterator[str]:
    """Write the document piece by piece; one payment is in memory.

    Raises Conflict (`bad_debtor`, `bad_iban`, `totals_differ`) for an account that is none, and when the
    payments do not add up to what the header says: such a file must not reach a bank.
    """
    yield _head(header)
    count = total = 0
    for each in payments:
        count, total = count + 1, total + each.amount_minor
        yield _transfer(each)
    if (count, total) != (header.count, header.total_minor):
        raise Conflict("The payments do not add up to the batch's total.", code="totals_differ")
    yield "    </PmtInf>\n  </CstmrCdtTrfInitn>\n</Document>\n"


def _head(header: Header) -> str:
    debtor = header.debtor
    if not valid_iban(debtor.iban) or not debtor.name.strip():
        raise Conflict("The payout settings do not say whose account pays.", code="bad_debtor")
    message, total = end_to_end_id(header.batch_id), format_major(header.total_minor, header.currency)
    name = escape(latin(debtor.name, longest=LONGEST_NAME))
    euro = header.currency == "EUR"
    agent = f"<BICFI>{escape(debtor.bic)}</BICFI>" if debtor.bic else "<Othr><Id>NOTPROVIDED</Id></Othr>"
    service = "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>\n      " if euro else ""
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="{NAMESPACE}">
  <CstmrCdtTrfInitn>
    <GrpHdr>
      <MsgId>{message}</MsgId>
      <CreDtTm>{header.at:%Y-%m-%dT%H:%M:%S}</CreDtTm>
      <NbOfTxs>{header.count}</NbOfTxs>
      <CtrlSum>{total}</CtrlSum>
      <InitgPty><Nm>{name}</Nm></InitgPty>
    </GrpHdr>
    <PmtInf>
      <PmtInfId>{message}</PmtInfId>
      <PmtMtd>TRF</PmtMtd>
      <NbOfTxs>{header.count}</NbOfTxs>
      <CtrlSum>{total}</CtrlSum>
      {service}<ReqdExctnDt><Dt>{header.at:%Y-%m-%d}</Dt></ReqdExctnDt>
      <Dbtr><Nm>{name}</Nm></Dbtr>
      <DbtrAcct><Id><IBAN>{compact(debtor.iban)}</IBAN></Id></DbtrAcct>
      <DbtrAgt><FinInstnId>{agent}</FinInstnId></DbtrAgt>
      <ChrgBr>{"SLEV" if euro else "SHAR"}</ChrgBr>
"""


def _transfer(payment: Payment) -> str:
    if not valid_iban(payment.account):
        raise Conflict(
            f"The account of payout {payment.payout_id} is no IBAN.",
            code="bad_iban",
            details={"payout": payment.payout_id},
        )
    amount = format_major(payment.amount_minor, payment.currency)
    reference = end_to_end_id(payment.payout_id)
    return f"""\
      <CdtTrfTxInf>
        <PmtId><EndToEndId>{reference}</EndToEndId></PmtId>
        <Amt><InstdAmt Ccy="{payment.currency}">{amount}</InstdAmt></Amt>
        <Cdtr><Nm>{escape(latin(payment.name, longest=LONGEST_NAME))}</Nm></Cdtr>
        <CdtrAcct><Id><IBAN>{compact(payment.account)}</IBAN></Id></CdtrAcct>
        <RmtInf><Ustrd>{reference}</Ustrd></RmtInf>
      </CdtTrfTxInf>
"""
