"""The liability report: every amount in its place, with the list of rewards behind it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from accounts.services import Actor
from rewards import queries, services
from rewards.models import Allowance, Reward
from tests.factories import AT
from tests.rewards.builders import approved, paid_batch, participant, person, program, refund, rule, settled
from tests.rewards.test_api import Api
from tests.rewards.test_views import member


def _figures(workspace: Workspace) -> dict[str, dict[str, int]]:
    return {
        f"{row.kind} {row.unit}": {f.key: f.amount_minor for f in row.figures if f.count}
        for row in queries.liability(workspace, at=AT).rows
    }


def test_each_amount_stands_in_its_place(workspace: Workspace) -> None:
    cash = participant(program(workspace))
    approved(cash)
    paid_batch(workspace)
    approved(cash)
    services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    approved(cash)
    settled(cash)
    denied = settled(cash)
    services.deny_reward(reward=denied, reason="no", actor=person(), at=AT)
    back = settled(cash)
    refund(back.conversion, 2_500)
    services.settle_conversion(conversion=back.conversion, at=AT)
    assert _figures(workspace) == {
        "cash EUR": {"on_hold": 1_750, "payable": 1_000, "in_transit": 1_000, "paid": 1_000, "reversed": 250}
    }
    report = queries.liability(workspace, at=AT)
    assert report.owed == (("EUR", 3_750),)
    for figure in report.rows[0].figures:
        found = queries.in_place(queries.rewards(workspace), figure.key).exclude(status="denied")
        assert found.count() == figure.count


def test_points_are_owed_until_they_are_spent_or_lapse(workspace: Workspace) -> None:
    reward = approved(
        participant(program(workspace, rule(kind="points", amount={"type": "fixed", "minor": 100})))
    )
    Reward.objects.for_workspace(workspace).filter(pk=reward.pk).update(redeemed_minor=30, expired_minor=5)
    assert _figures(workspace) == {"points PTS": {"outstanding": 65, "spent": 30, "expired": 5}}


def test_the_forecast_goes_by_what_survived_and_by_the_last_days(workspace: Workspace) -> None:
    ana = participant(program(workspace, hold_days=10))
    for amount, days in ((40_000, 100), (60_000, 50)):
        fact_at = AT - timedelta(days=days)
        earlier = settled(ana, at=fact_at, amount_minor=amount, received_at=fact_at, occurred_at=fact_at)
        services.approve_reward(reward=earlier, actor=person(), at=AT)
    # A quarter of what was promised was taken back.
    refund(earlier.conversion, 25_000)
    services.settle_conversion(conversion=earlier.conversion, at=AT)
    settled(ana, amount_minor=20_000, received_at=AT, occurred_at=AT)
    month, quarter = queries.liability(workspace, at=AT).forecasts
    assert (month.unit, month.days, quarter.days) == ("EUR", 30, 90)
    assert (month.survival.promised_minor, month.survival.kept_minor) == (10_000, 7_500)
    assert (month.becoming_payable_minor, quarter.becoming_payable_minor) == (1_500, 1_500)
    # One day of 6,000 in the 90 days before today; today's own does not count yet.
    assert (month.promised.expected_minor, quarter.promised.expected_minor) == (2_000, 6_000)


def test_caps_show_what_is_used_of_them(workspace: Workspace) -> None:
    of = program(workspace)
    Allowance.objects.create(
        workspace=workspace, program=of, cap_key="month", period="2026-03", used_minor=850, used_count=2
    )
    [cap] = queries.liability(workspace, at=AT).caps
    assert (cap.limit_minor, cap.limit_count, cap.percent, cap.unit) == (None, None, None, "EUR")


def test_the_page_links_each_figure_to_its_rewards(workspace: Workspace, owner: User) -> None:
    client = Client()
    client.force_login(owner)
    address = reverse("liability", args=["acme"])
    assert "Nothing is owed yet" in client.get(address).content.decode()
    of = program(workspace)
    reward = approved(participant(of))
    settled(participant(of))
    text = client.get(address).content.decode()
    link = f"/w/acme/rewards/?program={of.public_id}&amp;kind=cash&amp;unit=EUR&amp;stands=payable"
    assert link in text
    listed = client.get(link.replace("&amp;", "&")).content.decode()
    assert reward.public_id in listed
    assert listed.count("/rewards/rwd_") >= 1
    rows = list(csv.DictReader(io.StringIO(client.get(f"{address}?export=csv").content.decode("utf-8-sig"))))
    assert [(row["kind"], row["on_hold"], row["payable"], row["owed"]) for row in rows] == [
        ("cash", "10.00", "10.00", "20.00")
    ]
    support = member(workspace, "support", "sam@acme.example")
    assert support.get(f"{address}?export=csv").status_code == 403


def test_the_api_gives_the_report(workspace: Workspace, client: Client, owner: User) -> None:
    approved(participant(program(workspace)))
    api = Api(workspace, client, ("read",), Actor(kind="user", label=owner.email, user=owner))
    found = api.get("liability").json()
    [row] = found["rows"]
    assert (row["owed_minor"], row["figures"][2]) == (
        1000,
        {"key": "payable", "amount_minor": 1000, "count": 1},
    )
    assert [each["days"] for each in found["forecasts"]] in ([30, 90], [])
    assert found["caps"] == []
