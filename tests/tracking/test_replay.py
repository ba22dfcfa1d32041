"""Stored decisions decided again: the same to the byte, or found; and by the terms of another version."""

from __future__ import annotations

import csv
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import InternalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Workspace
from core.tenancy import tenant
from core.transactions import read_only
from programs import queries as program_queries
from programs.models import Customer, Participant, Program, ProgramVersion
from tests import factories
from tests.tracking.conftest import NOW, Clicker
from tracking import attribution, replay_queries, services
from tracking.management.progress import Progress
from tracking.models import Attribution, Conversion, Credit, Referral
from tracking.replay_queries import Moved, Replayed, Total, stored_decisions

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def decisions(
    workspace: Workspace, ana: Participant, ben: Participant, friend: Customer, click: Clicker
) -> list[Attribution]:
    """Four decisions by the last click, of which Ben has three: a friend's two purchases, and a sign-up."""
    second, third = (
        factories.CustomerFactory.create(workspace=workspace, external_id=name)
        for name in ("second", "third")
    )

    def record(customer: Customer, key: str, amount_minor: int, **fact: Any) -> Attribution:
        given = {"kind": "purchase", "currency": "EUR", "occurred_at": NOW, "at": NOW, **fact}
        conversion = services.record_conversion(
            workspace=workspace,
            fact=services.ConversionFact(
                customer=customer, source="api", source_key=key, amount_minor=amount_minor, **given
            ),
        ).conversion
        return Attribution.objects.for_workspace(workspace).get(conversion=conversion)

    for visitor in ("vis_friend", "vis_third"):
        click(ana, days_ago=3, visitor=visitor)
    return [
        record(friend, "inv-1", 10_000, click=click(ben, visitor="vis_friend")),
        record(friend, "inv-2", 5_001, occurred_at=NOW + timedelta(hours=1), at=NOW + timedelta(days=1)),
        record(second, "inv-3", 4_000, click=click(ana, days_ago=2, visitor="vis_second")),
        record(third, "lead-1", 0, kind="signup", click=click(ben, visitor="vis_third")),
    ]


@pytest.fixture
def linear(workspace: Workspace, program: Program) -> ProgramVersion:
    """Version 2 of the program, which shares credit evenly."""
    terms = factories.terms()
    terms["attribution"] = {**terms["attribution"], "model": "linear"}
    return ProgramVersion.objects.create(
        workspace=workspace, program=program, number=2, terms=terms, published_at=NOW, published_by="test"
    )


def copy(decision: Attribution, change: Change, **columns: Any) -> Attribution:
    """Store a decision once more under another order, with inputs, result and digest changed on the way."""
    record = deepcopy({"inputs": decision.inputs, "result": decision.result, "digest": decision.digest})
    change(record)
    conversion = factories.ConversionFactory.create(workspace=decision.workspace, source="copies")
    kept = {"program": decision.program, "version": decision.version, "decided_at": decision.decided_at}
    named = {"model": decision.model, "reason": decision.reason}
    return Attribution.objects.create(
        workspace=decision.workspace, conversion=conversion, **{**kept, **named, **record, **columns}
    )


def replayed(workspace: Workspace, *arguments: str) -> str:
    """Run the command within the test's transaction and return its output."""
    out = StringIO()
    call_command("replay_attribution", "--workspace", workspace.slug, *arguments, stdout=out, stderr=out)
    return out.getvalue()


def refused(*arguments: str) -> str:
    """Run the command, which refuses, and return what it says."""
    with pytest.raises(CommandError) as error:
        call_command("replay_attribution", *arguments, stdout=StringIO(), stderr=StringIO())
    return str(error.value)


def checksum(workspace: Workspace) -> str:
    """Return a digest of all that attribution writes."""
    tables: list[Any] = [Conversion, Attribution, Credit, Referral]
    rows = [list(model.objects.for_workspace(workspace).order_by("pk").values()) for model in tables]
    return sha256(repr(rows).encode()).hexdigest()


def test_decisions_of_the_service_replay_to_the_same_bytes(
    workspace: Workspace, decisions: list[Attribution]
) -> None:
    assert [decision.reason for decision in decisions] == [
        "last_click",
        "bound_referrer",
        "last_click",
        "last_click",
    ]
    found = list(replay_queries.replays(stored_decisions(workspace)))
    assert found == [Replayed(decision.public_id, "same") for decision in decisions]
    for decision in Attribution.objects.for_workspace(workspace):
        result = attribution.encode_decision(attribution.replay(decision.inputs))
        assert attribution.canonical_json(result) == attribution.canonical_json(decision.result)
        assert attribution.digest(decision.inputs, result) == decision.digest
    out = replayed(workspace)
    assert out.startswith("4 decisions replayed, ")
    assert out.endswith(": 4 the same, 0 different, 0 of another record format (their digests are right).\n")


def _give_more(record: dict[str, Any]) -> None:
    record["result"]["credits"][0]["amount_minor"] = 10_001


def _say_it_is_whole(record: dict[str, Any]) -> None:
    record["result"]["credits"][0]["amount_minor"] = 10_000.0


def _say_more(record: dict[str, Any]) -> None:
    record["result"]["note"] = "x"


def _forget_a_rejection(record: dict[str, Any]) -> None:
    record["result"]["rejected"].clear()


def _sign(record: dict[str, Any]) -> None:
    _give_more(record)
    record["digest"] = attribution.digest(record["inputs"], record["result"])


RESULT = "the stored result was changed"
OTHER = "the stored inputs or the digest were changed"


@pytest.mark.parametrize(
    ("change", "field", "stored", "meaning"),
    [
        (_give_more, "result.credits[0].amount_minor", "10001", RESULT),
        (_say_it_is_whole, "result.credits[0].amount_minor", "10000.0", RESULT),
        (_say_more, "result.note", "'x'", RESULT),
        (_forget_a_rejection, "result.rejected[0]", "nothing", RESULT),
        (
            _sign,
            "result.credits[0].amount_minor",
            "10001",
            "the record is as it was written, and this program decides otherwise",
        ),
        (
            lambda record: record["inputs"].update(amount_minor=1),
            "result.credits[0].amount_minor",
            "10000",
            OTHER,
        ),
        (lambda record: record.update(digest="0" * 64), "digest", "0" * 64, OTHER),
        (lambda record: record["inputs"].update(note="x"), "digest", None, OTHER),
        (lambda record: record["inputs"].update(format=1), "digest", None, OTHER),
        (
            lambda record: record["inputs"].pop("touches"),
            "inputs",
            "cannot be decided: KeyError('touches')",
            OTHER,
        ),
        (lambda record: record.update(inputs=[]), "inputs", None, OTHER),
    ],
)
def test_what_was_changed_is_found_and_named(
    workspace: Workspace,
    decisions: list[Attribution],
    change: Change,
    field: str,
    stored: str | None,
    meaning: str,
) -> None:
    changed = copy(decisions[0], change)
    *same, found = replay_queries.replays(stored_decisions(workspace))
    assert {each.outcome for each in same} == {"same"}
    assert (found.public_id, found.outcome) == (changed.public_id, "differs")
    assert found.difference is not None
    assert (found.difference.field, found.difference.meaning) == (field, meaning)
    assert found.difference.stored == (stored or changed.digest) or field == "inputs"


def test_a_changed_column_beside_the_record_is_found(
    workspace: Workspace, decisions: list[Attribution]
) -> None:
    copy(decisions[0], lambda record: None, reason="code_claim")
    *_, found = replay_queries.replays(stored_decisions(workspace))
    assert found.difference == attribution.Difference(
        "reason", "'code_claim'", "'last_click'", "the row's column was changed"
    )


def test_the_command_names_what_differs_and_fails(workspace: Workspace, decisions: list[Attribution]) -> None:
    changed = [copy(decisions[0], _give_more) for _ in range(21)]
    out = StringIO()
    with pytest.raises(CommandError, match=r"^21 decisions are not what their inputs say\.$") as error:
        call_command("replay_attribution", stdout=out, stderr=out)
    assert error.value.returncode == 1
    summary, *lines = out.getvalue().splitlines()
    assert "25 decisions replayed" in summary
    assert "4 the same, 21 different, 0 of another record format" in summary
    assert lines == [
        f"{workspace.slug} {each.public_id}: "
        f"result.credits[0].amount_minor is 10001, replayed 10000; {RESULT}"
        for each in changed[:20]
    ]


def test_a_record_of_another_format_is_told_apart(
    workspace: Workspace, program: Program, decisions: list[Attribution]
) -> None:
    def age(record: dict[str, Any]) -> None:
        record["inputs"]["format"] = 1
        record["digest"] = attribution.digest(record["inputs"], record["result"])

    old = copy(decisions[0], age)
    *_, found = replay_queries.replays(stored_decisions(workspace))
    assert found == Replayed(old.public_id, "unreadable")
    assert "4 the same, 0 different, 1 of another record format" in replayed(workspace)
    copy(decisions[0], lambda record: record["inputs"].pop("touches"))
    terms = program_queries.live_terms(program).attribution
    assert replay_queries.what_if(workspace, program, terms).unreadable == 2


def test_a_period_and_a_program_narrow_the_replay(workspace: Workspace, decisions: list[Attribution]) -> None:
    """The second purchase was decided a day after the others."""
    day, next_day = NOW.date().isoformat(), (NOW + timedelta(days=1)).date().isoformat()
    assert replayed(workspace, "--until", day).startswith("3 decisions")
    assert replayed(workspace, "--from", next_day).startswith("1 decisions")
    assert replayed(workspace, "--from", day, "--until", next_day).startswith("4 decisions")
    other = factories.ProgramFactory.create(workspace=workspace)
    assert replayed(workspace, "--program", other.public_id).startswith("0 decisions")
    assert replayed(workspace, "--program", decisions[0].program.public_id).startswith("4 decisions")


def test_one_workspace_is_looked_at_and_no_other(
    workspace: Workspace, other_workspace: Workspace, decisions: list[Attribution]
) -> None:
    theirs = deepcopy(decisions[0])
    with tenant(other_workspace):
        program = factories.ProgramFactory.create(workspace=other_workspace)
        theirs.workspace, theirs.program = other_workspace, program
        theirs.version = ProgramVersion.objects.for_workspace(other_workspace).get()
        copy(theirs, _give_more)
    assert replayed(workspace).startswith("4 decisions")
    assert "1 decisions are not" in refused("--workspace", other_workspace.slug)
    assert "1 decisions are not" in refused()
    assert refused("--workspace", workspace.slug, "--program", program.public_id) == (
        f"--program: there is no program {program.public_id}."
    )


def test_another_version_moves_credits_and_writes_nothing(
    workspace: Workspace,
    program: Program,
    ana: Participant,
    ben: Participant,
    decisions: list[Attribution],
    linear: ProgramVersion,
    tmp_path: Path,
) -> None:
    """Shared evenly, Ana gets half of 100.00, the odd cent of 50.01, and a part of the sign-up."""
    before = checksum(workspace)
    terms = program_queries.terms_of(linear).attribution

    found = replay_queries.what_if(workspace, program, terms)

    assert (found.decisions, found.changed, found.unreadable) == (4, 3, 0)
    assert found.examples == tuple(decisions[place].public_id for place in (0, 1, 3))
    assert found.participants == (
        Moved(ana.public_id, "EUR", 1, 4, 4_000, 11_501),
        Moved(ben.public_id, "EUR", 3, 3, 15_001, 7_500),
    )
    assert found.totals == (Total("EUR", 4, 7, 19_001, 19_001, 7_501),)

    file = tmp_path / "moved.csv"
    out = replayed(workspace, "--with-version", f"{program.public_id}/2", "--csv", str(file))
    first, *rest = out.splitlines()
    assert first.startswith("4 decisions decided by another version, ")
    assert rest == [
        f"Under {program.public_id}/2: 3 of 4 decisions credit differently; 0 could not be read. "
        "Nothing was written.",
        "Amounts are the revenue credited. Rewards follow from the rules of each version and are not worked "
        "out here. Each decision is made from the facts stored with it: its touches, and whom the customer "
        "was bound to then.",
        "EUR: 75.01 moved; credits 4 -> 7, amount 190.01 -> 190.01",
        f"  {ana.public_id} EUR: credits 1 -> 4, amount 40.00 -> 115.01",
        f"  {ben.public_id} EUR: credits 3 -> 3, amount 150.01 -> 75.00",
        f"Changed, among others: {' '.join(found.examples)}",
        f"2 lines written to {file}.",
    ]
    with file.open(newline="") as lines:
        assert list(csv.reader(lines)) == [
            ["participant", "currency", "credits_before", "credits_after", "amount_before", "amount_after"],
            [ana.public_id, "EUR", "1", "4", "40.00", "115.01"],
            [ben.public_id, "EUR", "3", "3", "150.01", "75.00"],
        ]
    assert checksum(workspace) == before


def test_the_same_terms_move_nothing(
    workspace: Workspace, program: Program, decisions: list[Attribution]
) -> None:
    out = replayed(workspace, "--program", program.public_id, "--with-version", "1")
    assert "0 of 4 decisions credit differently" in out
    assert "EUR: 0.00 moved; credits 4 -> 4, amount 190.01 -> 190.01" in out
    assert "Changed" not in out


def test_credit_that_nobody_gets_any_more_has_moved(
    workspace: Workspace, program: Program, decisions: list[Attribution]
) -> None:
    """A version that takes codes only, and a period with the first purchases and the sign-up."""
    terms = factories.terms()
    terms["attribution"] = {**terms["attribution"], "precedence": ["code"], "first_bind_wins": False}
    codes_only = ProgramVersion(workspace=workspace, program=program, number=9, terms=terms)
    found = replay_queries.what_if(
        workspace,
        program,
        program_queries.terms_of(codes_only).attribution,
        datetime(2026, 3, 1, tzinfo=NOW.tzinfo),
        NOW + timedelta(hours=2),
    )
    assert found.totals == (Total("EUR", 3, 0, 14_000, 0, 14_000),)
    assert found.changed == 3


def test_more_than_twenty_participants_are_counted_and_not_listed(
    workspace: Workspace, program: Program, decisions: list[Attribution], linear: ProgramVersion
) -> None:
    for number in range(11):

        def rename(record: dict[str, Any], number: int = number) -> None:
            for index, each in enumerate(record["inputs"]["touches"]):
                each["participant"] = f"prt_{number}_{index}"
            result = attribution.encode_decision(attribution.replay(record["inputs"]))
            record.update(result=result, digest=attribution.digest(record["inputs"], result))

        copy(decisions[0], rename)
    out = replayed(workspace, "--with-version", f"{program.public_id}/2")
    assert len([line for line in out.splitlines() if line.startswith("  prt_")]) == 20
    assert "  and 4 more; --csv writes all of them." in out


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--from", "May"], "argument --from: 'May' is no day such as 2026-01-31"),
        (["--until", "2026-02-30"], "argument --until: '2026-02-30' is no day such as 2026-01-31"),
        (["--from", "2026-02-02", "--until", "2026-02-01"], "--until must not be before --from."),
        (["--workspace", "nowhere"], "--workspace: there is no workspace nowhere."),
        (["--program", "prg_none"], "--program: there is no program prg_none."),
        (["--csv", "x.csv"], "--csv needs --with-version."),
        (["--with-version", "prg_1/two"], "--with-version: 'prg_1/two' is no version such as prg_.../2."),
        (["--with-version", "/2"], "--with-version: '/2' is no version such as prg_.../2."),
        (["--with-version", "2"], "--with-version: which program's version 2? Write prg_.../2."),
        (
            ["--with-version", "prg_1/2", "--program", "prg_2"],
            "--with-version names another program than --program.",
        ),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], says: str) -> None:
    assert says in refused(*arguments)


def test_a_version_and_a_file_that_are_not_there_are_named(
    workspace: Workspace, program: Program, tmp_path: Path
) -> None:
    assert refused("--with-version", f"{program.public_id}/7") == (
        f"--with-version: {program.public_id} has no version 7."
    )
    missing = tmp_path / "none" / "moved.csv"
    assert refused("--with-version", f"{program.public_id}/1", "--csv", str(missing)).startswith("--csv: ")


def test_decisions_stream_from_a_cursor_of_the_server(
    workspace: Workspace, program: Program, decisions: list[Attribution]
) -> None:
    terms = program_queries.live_terms(program).attribution
    with CaptureQueriesContext(connection) as asked:
        assert next(replay_queries.replays(stored_decisions(workspace))).outcome == "same"
        replay_queries.what_if(workspace, program, terms)
    reads = [each["sql"] for each in asked.captured_queries if '"tracking_attribution"' in each["sql"]]
    assert len(reads) == 2
    for sql in reads:
        assert sql.startswith("DECLARE ")
        assert " CURSOR " in sql


def test_a_read_only_block_refuses_every_change(workspace: Workspace) -> None:
    with pytest.raises(InternalError, match="read-only transaction"), read_only():
        factories.CustomerFactory.create(workspace=workspace)
    with read_only():
        assert Customer.objects.for_workspace(workspace).count() == 0
    factories.CustomerFactory.create(workspace=workspace)
    assert Customer.objects.for_workspace(workspace).count() == 1


class Terminal(StringIO):
    """Standard error of a person at a terminal, as commands get it."""

    def isatty(self) -> bool:
        return True

    def write(self, text: str, ending: str = "\n") -> int:
        return super().write(text + ending)


def test_a_terminal_gets_a_line_that_is_written_over() -> None:
    out = Terminal()
    progress = Progress(out, of=2_000)
    for _ in range(1_000):
        progress.step()
    progress.close()
    assert out.getvalue().endswith(f"\r1,000 of 2,000 (50%), {progress.per_second:,.0f} a second\n")
    nothing = Terminal()
    Progress(nothing, of=0).close()
    assert nothing.getvalue() == "\r0 of 0 (100%), 0 a second\n"
