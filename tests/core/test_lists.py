"""What every list of the console can do, seen on the list of conversions."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db.models import QuerySet
from django.test import Client

from accounts.models import Member, User, Workspace
from core import lists
from core.lists import pages
from core.text import spreadsheet_cell
from tests import factories
from tests.factories import AT
from tracking.models import Conversion

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(workspace: Workspace, owner: User) -> Client:
    """The owner, signed in."""
    client = Client()
    client.force_login(owner)
    return client


def order(workspace: Workspace, key: str, *, name: str = "Ana", **fields: Any) -> Conversion:
    customer = factories.CustomerFactory.create(workspace=workspace, name=name, email=f"{key}@example.com")
    return factories.ConversionFactory.create(
        workspace=workspace, customer=customer, source_key=key, **fields
    )


def show(client: Client, query: str = "", **headers: str) -> Any:
    return client.get(f"/w/acme/conversions/{query}", headers=headers)


def keys(answer: Any) -> list[str]:
    return [line.record.source_key for line in answer.context["list"].lines]


def exported(answer: Any) -> list[list[str]]:
    raw = b"".join(answer.streaming_content)
    assert raw.startswith(b"\xef\xbb\xbf")
    assert int(answer["Content-Length"]) == len(raw)
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))


def test_a_head_sorts_and_turns_and_equals_stand_newest_first(workspace: Workspace, olga: Client) -> None:
    for key, amount in (("a", 500), ("b", 100), ("c", 500)):
        order(workspace, key, amount_minor=amount)
    assert keys(show(olga)) == ["c", "b", "a"]
    assert keys(show(olga, "?sort=amount_minor")) == ["b", "c", "a"]
    down = show(olga, "?sort=-amount_minor")
    assert keys(down) == ["c", "a", "b"]
    heads = {head.name: head for head in down.context["list"].heads}
    assert (heads["amount_minor"].state, heads["amount_minor"].sort) == ("descending", "amount_minor")
    assert (heads["occurred_at"].state, heads["occurred_at"].sort) == ("", "-occurred_at")
    assert b'aria-sort="descending"' in down.content


@pytest.mark.parametrize(
    "sort", ["customer__mailbox", "-source", "pk", "-", "amount_minor;", "--amount_minor"]
)
def test_only_declared_columns_sort(workspace: Workspace, olga: Client, sort: str) -> None:
    order(workspace, "a", amount_minor=1)
    order(workspace, "b", amount_minor=2)
    answer = show(olga, f"?sort={quote(sort)}")
    assert keys(answer) == ["b", "a"]
    assert answer.context["list"].sort == ""


def test_search_finds_every_word_somewhere(workspace: Workspace, olga: Client) -> None:
    order(workspace, "inv-1", name="Ana Novak")
    order(workspace, "inv-2", name="Ben Novak")
    assert keys(show(olga, "?q=novak")) == ["inv-2", "inv-1"]
    assert keys(show(olga, "?q=NOVAK+inv-1")) == ["inv-1"]
    assert keys(show(olga, "?q=100%25")) == []


def test_days_are_the_workspaces_own(workspace: Workspace, olga: Client) -> None:
    Workspace.objects.for_workspace(workspace).update(time_zone="Pacific/Auckland")
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)  # 3 March, one in the night, in Auckland
    order(workspace, "a", occurred_at=noon)
    order(workspace, "b", occurred_at=noon - timedelta(hours=2))
    assert keys(show(olga, "?from=2026-03-03")) == ["a"]
    assert keys(show(olga, "?to=2026-03-02")) == ["b"]
    assert keys(show(olga, "?from=2026-03-02&to=2026-03-03")) == ["b", "a"]


@pytest.mark.parametrize(
    "query", ["?from=x", "?to=9999-12-31", "?from=0001-01-01", "?status=nonsense", "?page=x"]
)
def test_what_is_not_valid_narrows_nothing(workspace: Workspace, olga: Client, query: str) -> None:
    order(workspace, "a")
    answer = show(olga, f"?{query}")
    assert keys(answer) == ["a"]
    assert answer.context["list"].chips == []


def test_filters_that_are_on_show_as_chips_that_take_them_off(workspace: Workspace, olga: Client) -> None:
    made = order(workspace, "a", name="Ana Novak")
    query = f"?status=recorded&customer={made.customer.public_id}&q=ana&sort=-amount_minor"
    answer = show(olga, query)
    chips = {chip.label: chip for chip in answer.context["list"].chips}
    assert {label: chip.text for label, chip in chips.items()} == {
        "Status": "Recorded",
        "Customer": "Ana Novak",
        "Search": "ana",
    }
    assert chips["Status"].query == f"?customer={made.customer.public_id}&q=ana&sort=-amount_minor"
    tabs = {tab.label: tab for tab in answer.context["list"].tabs}
    assert tabs["Recorded"].current
    assert "status" not in tabs["All"].query


def test_nothing_yet_and_nothing_that_matches_read_differently(workspace: Workspace, olga: Client) -> None:
    assert b"No conversions here yet" in show(olga).content
    order(workspace, "a")
    none = show(olga, "?q=nobody").content
    assert b"Nothing matches these filters" in none
    assert b"No conversions here yet" not in none


def test_the_file_holds_everything_that_passes_exactly(workspace: Workspace, olga: Client) -> None:
    made = [order(workspace, f"inv-{n:03d}", amount_minor=1999 + n) for n in range(60)]
    order(workspace, "=1+1", name="@SUM(A1)", amount_minor=5, currency="JPY", status="rejected")
    answer = show(olga, "?export=csv&status=recorded&sort=amount_minor&page=2")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="conversions.csv"'
    assert answer["Cache-Control"] == "no-store"
    head, *rows = exported(answer)
    assert len(rows) == 60
    first = dict(zip(head, rows[0], strict=True))
    assert first["Id"] == made[0].public_id
    assert (first["Net amount"], first["Net amount unit"]) == ("19.99", "EUR")
    assert (first["Status"], first["When"]) == ("recorded", "2026-03-02T12:00:00Z")
    head, odd = exported(show(olga, "?export=csv&status=rejected"))
    found = dict(zip(head, odd, strict=True))
    assert (found["Customer"], found["Order or event id"]) == ("'@SUM(A1)", "'=1+1")
    assert (found["Net amount"], found["Net amount unit"]) == ("5", "JPY")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_is_never_a_formula(start: str) -> None:
    assert spreadsheet_cell(f"{start}cmd") == f"'{start}cmd"
    assert spreadsheet_cell(f"a{start}") == f"a{start}"


def test_exporting_needs_the_permission(workspace: Workspace, olga: Client) -> None:
    order(workspace, "a")
    reader = factories.UserFactory.create()
    Member.objects.create(workspace=workspace, user=reader, role="read_only")
    client = Client()
    client.force_login(reader)
    assert show(client, "?export=csv").status_code == 403
    assert b"export=csv" not in show(client).content
    assert b"export=csv" in show(olga).content


def test_chosen_columns_are_remembered_and_forgotten(workspace: Workspace, olga: Client) -> None:
    order(workspace, "a")

    def columns() -> list[str]:
        return [head.name for head in show(olga).context["list"].heads]

    usual = columns()
    answer = show(olga, "?columns=source_key&columns=nonsense&columns=amount_minor&status=recorded")
    assert (answer.status_code, answer["Location"]) == (302, "/w/acme/conversions/?status=recorded")
    assert columns() == ["what", "status", "amount_minor", "source_key"]
    shown = {head.name: head.width for head in show(olga).context["list"].heads}
    assert shown["source_key"] == ""
    assert show(olga, "?columns=")["Location"] == "/w/acme/conversions/"
    assert columns() == usual


def test_a_search_while_typing_leaves_a_clean_address(workspace: Workspace, olga: Client) -> None:
    order(workspace, "a")
    answer = show(olga, "?q=ana&status=&from=&to=&sort=-amount_minor", **{"HX-Request": "true"})
    assert answer["HX-Push-Url"] == "/w/acme/conversions/?q=ana&sort=-amount_minor"


def test_counting_stops_where_it_would_grow_dear(
    workspace: Workspace, olga: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(5):
        order(workspace, f"inv-{n}")
    monkeypatch.setattr(pages, "COUNTED_TO", 4)
    rows: QuerySet[Conversion] = Conversion.objects.for_workspace(workspace).order_by("pk")
    counted = lists.CountedPaginator(rows, 2)
    assert (counted.count, counted.num_pages, counted.more) == (4, 2, True)
    assert len(counted.get_page(99).object_list) == 2
    fewer = lists.CountedPaginator(rows[:0] | rows.filter(source_key="inv-1"), 2)
    assert (fewer.count, fewer.more) == (1, False)


def test_an_accessor_that_does_not_exist_is_an_error(workspace: Workspace) -> None:
    class WrongTable(lists.Table):
        name = lists.Column("Name", "customer__nickname")

    made = order(workspace, "a")
    with pytest.raises(ValueError, match="nickname"):
        WrongTable(workspace=workspace).lines([made])


def test_a_row_without_a_value_shows_a_dash_and_an_empty_cell(workspace: Workspace) -> None:
    class SmallTable(lists.Table):
        event = lists.Column("Event", "event_name")
        modified = lists.MomentColumn("Modified", "source_modified_at")
        amount = lists.MoneyColumn("Amount", "amount_minor", unit="currency")

    made = order(workspace, "a", currency="", amount_minor=0, occurred_at=AT)
    table = SmallTable(workspace=workspace)
    assert [cell for _, cell in table.lines([made])[0].cells] == ["–", "–", "–"]
    assert table.file_line(made) == [made.public_id, "", "", "", ""]
