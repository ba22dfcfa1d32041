from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import services as account_services
from core.partitions import make_month, months
from core.tenancy import tenant
from programs.models import Link
from tests import factories
from tests.conftest import AT, as_owner
from tracking import services, tasks
from tracking.classification import ClickFacts
from tracking.models import Click, Touchpoint

pytestmark = pytest.mark.django_db(transaction=True)

OLD = datetime(2024, 2, 29, 23, 59, tzinfo=UTC)


@pytest.fixture
def link(transactional_db: None) -> Link:
    owner = factories.UserFactory.create()
    workspace = account_services.create_workspace(owner=owner, name="Acme", currency="EUR", at=AT)
    with tenant(workspace):
        link: Link = factories.LinkFactory.create(workspace=workspace, code="ana-k3f")
    return link


@pytest.fixture(autouse=True)
def no_old_months() -> Iterator[None]:
    """Leave no month behind that a test made."""
    before = months(Click)
    yield
    with as_owner() as cursor:
        for month in set(months(Click)) - set(before):
            cursor.execute(f'DROP TABLE "tracking_click_{month:%Y%m}"')


def click(link: Link, number: int, at: datetime) -> Click:
    facts = ClickFacts(user_agent="Mozilla/5.0 Firefox/142.0", country="de")
    return services.record_click(link=link, visitor_id=f"vis_{number}", facts=facts, at=at)


def test_three_months_are_made_ahead_once() -> None:
    at = datetime(2029, 11, 30, 12, tzinfo=UTC)
    assert services.make_click_months(at=at) == 4
    assert services.make_click_months(at=at) == 0
    made = [month for month in months(Click) if month.year in (2029, 2030)]
    assert made == [date(2029, 11, 1), date(2029, 12, 1), date(2030, 1, 1), date(2030, 2, 1)]
    assert tasks.make_click_months() >= 0


def test_no_month_is_made_far_from_now() -> None:
    with pytest.raises(Exception, match="no partition of tracking_click for"):
        make_month(Click, datetime(2200, 1, 1, tzinfo=UTC))


def test_a_partition_itself_is_closed_to_the_application() -> None:
    make_month(Click, OLD)
    with pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tracking_click_202402")


def test_old_months_move_to_files(
    link: Link, owner_connects: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with tenant(link.workspace):
        kept = [click(link, number, OLD) for number in range(3)]
        services.bind_visitor(customer=link.participant.customer, click=kept[0])
        now = click(link, 9, AT)
    call_command("archive_clicks", "--before", "2024-03", "--to", str(tmp_path))
    assert "2024-02: 3 clicks archived to" in capsys.readouterr().out
    with gzip.open(tmp_path / "clicks-2024-02.csv.gz", "rt", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    assert [row["public_id"] for row in rows] == [each.public_id for each in kept]
    assert (rows[0]["link_code"], rows[0]["country"], rows[0]["agent_browser"]) == (
        "ana-k3f",
        "DE",
        "Firefox 142",
    )
    assert date(2024, 2, 1) not in months(Click)
    with tenant(link.workspace):
        assert list(Click.objects.for_workspace(link.workspace)) == [now]
        touches = Touchpoint.objects.for_workspace(link.workspace).select_related("click__link")
        # The contact outlives the click it came from.
        assert [(touch.click_id, touch.click) for touch in touches] == [(kept[0].pk, None)]


def test_a_month_stays_if_its_file_cannot_be_written(
    link: Link, owner_connects: None, tmp_path: Path
) -> None:
    with tenant(link.workspace):
        click(link, 1, OLD)
    (tmp_path / "clicks-2024-02.csv.gz").mkdir()
    with pytest.raises(CommandError, match="Is a directory"):
        call_command("archive_clicks", "--before", "2024-03", "--to", str(tmp_path))
    with tenant(link.workspace):
        assert Click.objects.for_workspace(link.workspace).count() == 1


def test_the_month_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="'soon' is no month such as 2026-01"):
        call_command("archive_clicks", "--before", "soon", "--to", str(tmp_path))
