"""The files that banks pay from and answer with, held against what the standard says of them."""

from __future__ import annotations

import csv as stdlib_csv
import io
from datetime import UTC, datetime

import pytest
from defusedxml.ElementTree import fromstring

from core.errors import Conflict, Invalid
from rewards.bank_files import csv, pain001, pain002
from rewards.bank_files.letters import latin
from rewards.bank_files.pain001 import Debtor, Header
from rewards.bank_files.payments import Payment
from tests.rewards.builders import IBAN

AT = datetime(2026, 3, 2, 12, 30, 15, tzinfo=UTC)
PAYOUT = "pyt_01kjqwe2zbaf3m7v9c5d8x6rty"
BATCH = "pyb_01kjqwe2zbaf3m7v9c5d8x6rtz"
NS = f"{{{pain001.NAMESPACE}}}"


def _payment(amount_minor: int = 1234, currency: str = "EUR", **changes: str) -> Payment:
    values = {"payout_id": PAYOUT, "name": "Zoë Müller", "email": "z@example.com", "account": IBAN, **changes}
    return Payment(amount_minor=amount_minor, currency=currency, **values)


def _header(*payments: Payment, currency: str = "EUR", debtor: Debtor | None = None) -> Header:
    total = sum(each.amount_minor for each in payments)
    own = debtor or Debtor("Acme & Söhne GmbH", "DE89370400440532013000", "COBADEFFXXX")
    return Header(BATCH, currency, len(payments), total, AT, own)


def _document(*payments: Payment, currency: str = "EUR", debtor: Debtor | None = None) -> str:
    header = _header(*payments, currency=currency, debtor=debtor)
    return "".join(pain001.document(header, payments))


# What pain.001.001.09 says of the elements that are written: their order, and the longest text of each.
_SHAPE = {
    "Document": ["CstmrCdtTrfInitn"],
    "CstmrCdtTrfInitn": ["GrpHdr", "PmtInf"],
    "GrpHdr": ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"],
    "InitgPty": ["Nm"],
    "PmtInf": [
        "PmtInfId", "PmtMtd", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "Dbtr", "DbtrAcct", "DbtrAgt",
        "ChrgBr", "CdtTrfTxInf",
    ],
    "PmtTpInf": ["SvcLvl"],
    "SvcLvl": ["Cd"],
    "ReqdExctnDt": ["Dt"],
    "Dbtr": ["Nm"],
    "DbtrAcct": ["Id"],
    "DbtrAgt": ["FinInstnId"],
    "FinInstnId": ["BICFI", "Othr"],
    "Othr": ["Id"],
    "CdtTrfTxInf": ["PmtId", "Amt", "Cdtr", "CdtrAcct", "RmtInf"],
    "PmtId": ["EndToEndId"],
    "Amt": ["InstdAmt"],
    "Cdtr": ["Nm"],
    "CdtrAcct": ["Id"],
    "RmtInf": ["Ustrd"],
    "Id": ["IBAN"],
}  # fmt: skip
_LONGEST = {"MsgId": 35, "PmtInfId": 35, "EndToEndId": 35, "Nm": 70, "Ustrd": 140, "IBAN": 34, "BICFI": 11}
_OPTIONAL = {"PmtTpInf", "BICFI", "Othr"}


def _check(element: object, path: str = "") -> None:
    """Hold an element against the shape: known children, in order, none missing, no text too long."""
    name = str(element.tag).removeprefix(NS)  # type: ignore[attr-defined]
    children = [str(child.tag).removeprefix(NS) for child in element]  # type: ignore[attr-defined]
    text = (element.text or "").strip()  # type: ignore[attr-defined]
    if not children:
        assert text, f"{path}/{name} is empty"
        assert len(text) <= _LONGEST.get(name, 35), f"{path}/{name} is too long"
        return
    order = _SHAPE[name]
    places = [order.index(child) for child in children]
    assert places == sorted(places), f"{path}/{name} has its parts in another order"
    missing = set(order) - set(children) - _OPTIONAL
    assert not missing, f"{path}/{name} lacks {missing}"
    for child in element:  # type: ignore[attr-defined]
        _check(child, f"{path}/{name}")


def _all(text: str, name: str) -> list[str]:
    return [element.text or "" for element in fromstring(text).iter(f"{NS}{name}")]


def test_a_document_has_the_standards_shape_and_the_sums() -> None:
    text = _document(_payment(1234), _payment(5, account="AT611904300234573201", name="Jan <b>"))
    _check(fromstring(text))
    assert _all(text, "NbOfTxs") == ["2", "2"]
    assert _all(text, "CtrlSum") == ["12.39", "12.39"]
    assert _all(text, "InstdAmt") == ["12.34", "0.05"]
    assert _all(text, "EndToEndId") == ["pyt-01kjqwe2zbaf3m7v9c5d8x6rty"] * 2
    assert _all(text, "MsgId") == ["pyb-01kjqwe2zbaf3m7v9c5d8x6rtz"]
    assert _all(text, "Nm") == ["Acme + Sohne GmbH"] * 2 + ["Zoe Muller", "Jan .b."]
    assert _all(text, "IBAN") == ["DE89370400440532013000", IBAN, "AT611904300234573201"]
    assert (_all(text, "ChrgBr"), _all(text, "Cd"), _all(text, "Dt")) == (["SLEV"], ["SEPA"], ["2026-03-02"])
    assert _all(text, "CreDtTm") == ["2026-03-02T12:30:15"]
    assert pain001.payout_id_of(_all(text, "EndToEndId")[0]) == PAYOUT


@pytest.mark.parametrize(
    ("currency", "amount", "shown"), [("JPY", 1234, "1234"), ("KWD", 1234, "1.234"), ("CHF", 1234, "12.34")]
)
def test_other_currencies_have_their_own_decimals_and_no_sepa(currency: str, amount: int, shown: str) -> None:
    text = _document(_payment(amount, currency), currency=currency, debtor=Debtor("Acme", IBAN))
    _check(fromstring(text))
    assert _all(text, "InstdAmt") == [shown]
    assert (_all(text, "ChrgBr"), _all(text, "Cd")) == (["SHAR"], [])
    assert _all(text, "Id")[-2:] != []
    assert "NOTPROVIDED" in text


@pytest.mark.parametrize(
    ("debtor", "account", "code"),
    [
        (Debtor("", IBAN), IBAN, "bad_debtor"),
        (Debtor("Acme", "DE00"), IBAN, "bad_debtor"),
        (Debtor("Acme", IBAN), "DE02120300000000202052", "bad_iban"),
    ],
)
def test_no_file_has_an_account_that_is_none(debtor: Debtor, account: str, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        _document(_payment(account=account), debtor=debtor)
    assert refused.value.code == code


def test_no_file_ends_well_whose_payments_do_not_add_up() -> None:
    header = _header(_payment(1), _payment(2))
    with pytest.raises(Conflict) as refused:
        "".join(pain001.document(header, [_payment(1), _payment(3)]))
    assert refused.value.code == "totals_differ"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Łukasz Żółć", "Lukasz Zolc"),
        ("Đorđe Ångström & Cie", "Dorde Angstrom + Cie"),
        ("Иван Петров", "Ivan Petrov"),
        ("Γιώργος", "Giorgos"),
        ("O’Brien/Smith //x", "O'Brien/Smith /x"),
        ("李小龙", "NOTPROVIDED"),
        ("", "NOTPROVIDED"),
        ("a" * 80, "a" * 70),
        ("Straße\n7", "Strasse 7"),
    ],
)
def test_names_are_written_in_the_banks_letters(text: str, written: str) -> None:
    assert latin(text, longest=70) == written


@pytest.mark.parametrize("bic", ["COBADEFF", "COBADEFFXXX"])
def test_a_banks_code(bic: str) -> None:
    assert pain001.valid_bic(bic)
    assert not pain001.valid_bic(bic[:-1])


def test_lines_of_csv_have_exact_amounts_and_no_formulas() -> None:
    names = ("Ana", "=1+1", "+49", "-x", "@x", "\tx", "\rx", 'Say "hi", twice')
    text = "".join(csv.lines(_payment(1000 + index, name=name) for index, name in enumerate(names)))
    rows = list(stdlib_csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == list(csv.CSV_COLUMNS)
    written = ["Ana", "'=1+1", "'+49", "'-x", "'@x", "'\tx", "'\rx", 'Say "hi", twice']
    assert [row[1] for row in rows[1:]] == written
    assert rows[2] == [PAYOUT, "'=1+1", "z@example.com", IBAN, "10.01", "EUR"]


def _answer(body: str, *, group: str = "") -> bytes:
    return (
        '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10">'
        "<CstmrPmtStsRpt>"
        f"<OrgnlGrpInfAndSts><OrgnlMsgId>{pain001.end_to_end_id(BATCH)}</OrgnlMsgId>{group}</OrgnlGrpInfAndSts>"
        f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>x</OrgnlPmtInfId>{body}</OrgnlPmtInfAndSts>"
        "</CstmrPmtStsRpt></Document>"
    ).encode()


def _transaction(status: str, reason: str = "") -> str:
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{pain001.end_to_end_id(PAYOUT)}</OrgnlEndToEndId>"
        f"<TxSts>{status}</TxSts>{reason}</TxInfAndSts>"
    )


def test_a_banks_answer_is_read() -> None:
    closed = (
        "<StsRsnInf><Orgtr><Id><OrgId><Othr><SchmeNm><Cd>XX</Cd></SchmeNm></Othr></OrgId></Id></Orgtr>"
        "<Rsn><Cd>AC04</Cd></Rsn><AddtlInf>since May</AddtlInf></StsRsnInf>"
    )
    body = _transaction("ACSC") + _transaction("RJCT", closed) + _transaction("ACCP") + _transaction("WHAT")
    report = pain002.read_report(io.BytesIO(_answer(body, group="<GrpSts>PART</GrpSts>")))
    assert (report.batch_id, report.rest) == (BATCH, "")
    assert [(each.number, each.payout_id, each.status) for each in report.payments] == [
        (1, PAYOUT, "paid"),
        (2, PAYOUT, "failed"),
        (3, PAYOUT, "sent"),
        (4, PAYOUT, "WHAT"),
    ]
    assert report.payments[1].failure == "AC04: The account is closed. since May"


def test_an_answer_about_the_whole_file() -> None:
    reason = "<StsRsnInf><Rsn><Prtry>NO</Prtry></Rsn></StsRsnInf>"
    report = pain002.read_report(io.BytesIO(_answer("", group=f"<GrpSts>RJCT</GrpSts>{reason}")))
    assert (report.payments, report.rest, report.failure) == ((), "failed", "NO")
    report = pain002.read_report(io.BytesIO(_answer("<PmtInfSts>ACSC</PmtInfSts>")))
    assert report.rest == "paid"


def test_a_copy_that_was_refused_has_not_failed() -> None:
    """The first one may have been paid: its money must not become payable again."""
    reason = "<StsRsnInf><Rsn><Cd>%s</Cd></Rsn></StsRsnInf>"
    report = pain002.read_report(io.BytesIO(_answer(_transaction("RJCT", reason % "AM05"))))
    assert [each.status for each in report.payments] == ["refused as a copy"]
    for body, group in (
        ("", f"<GrpSts>RJCT</GrpSts>{reason % 'DU01'}"),
        (f"<PmtInfSts>RJCT</PmtInfSts>{reason % 'DU02'}", ""),
    ):
        with pytest.raises(Invalid) as refused:
            pain002.read_report(io.BytesIO(_answer(body, group=group)))
        assert (refused.value.code, refused.value.param) == ("had_before", "file")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"<not xml", "not_xml"),
        (b'<!DOCTYPE d [<!ENTITY a "aaaa">]><d>&a;</d>', "not_xml"),
        (b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><d/>', "not_xml"),
        (b"<Document/>", "not_pain002"),
    ],
)
def test_what_may_not_be_read(raw: bytes, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        pain002.read_report(io.BytesIO(raw))
    assert (refused.value.code, refused.value.param) == (code, "file")
