"""The pages and the API of promotions, and what people are told of one."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services as account_services
from accounts.models import Member, User, Workspace
from accounts.services import SYSTEM
from core import clock
from core.tenancy import tenant
from engagement.queries.invitations import Viewer, invitation
from engagement.queries.portal import portal_of
from programs import services
from programs.models import Program, Promotion
from rewards import queries as reward_queries
from rewards.models import Reward
from tests import factories
from tests.factories import AT
from tests.rewards import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(workspace: Workspace) -> Program:
    """A program with 10 % for the referrer."""
    return builders.program(workspace)


@pytest.fixture
def olga(workspace: Workspace, owner: User) -> Client:
    """The owner, signed in."""
    client = Client()
    client.force_login(owner)
    return client


def page(name: str, *args: str) -> str:
    return reverse(name, args=["acme", *args])


def text(response: Any) -> str:
    return " ".join(response.content.decode().replace("&#x27;", "'").split())


def today() -> date:
    return clock.now().astimezone(UTC).date()


def make(
    program: Program, *, days: tuple[int, int] = (0, 5), at: datetime | None = None, **changes: Any
) -> Promotion:
    now = at or clock.now()
    first, last = (now.astimezone(UTC).date() + timedelta(days=number) for number in days)
    values = {"name": "Spring", "multiplier_bps": 20_000, **changes}
    return services.make_promotion(
        program=program, starts_on=first, ends_on=last, **values, actor=SYSTEM, at=now
    )


def typed(**changes: str) -> dict[str, str]:
    first = today() + timedelta(days=3)
    return {
        "name": "Black Friday",
        "starts_on": str(first),
        "ends_on": str(first + timedelta(days=3)),
        "multiplier": "2",
        "banner": "Double rewards",
        "countries": "",
        "enrolled_from": "",
        "enrolled_until": "",
        "amount_0": "",
        **changes,
    }


def test_planning_one(olga: Client, shop: Program) -> None:
    assert "No promotions yet" in text(olga.get(page("promotion_list", shop.public_id)))
    new = page("promotion_new", shop.public_id)
    assert "The referrer gets instead, in percent" in text(olga.get(new))
    olga.post(new, typed(countries="de, at", enrolled_from="2026-01-01", enrolled_until="2026-01-31"))
    made = Promotion.objects.for_workspace(shop.workspace).get()
    assert (made.name, made.multiplier_bps, made.banner) == ("Black Friday", 20_000, "Double rewards")
    assert made.audience == {
        "countries": ["AT", "DE"],
        "enrolled_from": "2026-01-01T00:00:00+00:00",
        "enrolled_until": "2026-02-01T00:00:00+00:00",
    }
    shown = text(olga.get(page("promotion_detail", made.public_id)))
    assert "Every reward, 2×." in shown
    assert "Participants from AT, DE who joined on 1 January 2026 or later and on 31 January 2026 or" in shown
    listed = text(olga.get(page("promotion_list", shop.public_id)))
    assert "Calendar" in listed
    assert ", coming</span>" in listed
    edited = text(olga.get(page("promotion_edit", made.public_id)))
    assert 'value="AT, DE"' in edited
    assert 'value="2026-01-31"' in edited
    assert 'name="multiplier" value="2"' in edited


def test_replacing_amounts(olga: Client, shop: Program) -> None:
    olga.post(page("promotion_new", shop.public_id), typed(multiplier="", amount_0="15.5"))
    made = Promotion.objects.for_workspace(shop.workspace).get()
    assert made.replacements == {"commission": {"type": "percentage", "bps": 1550}}
    assert "The referrer gets 15.5 %" in text(olga.get(page("promotion_detail", made.public_id))).replace(
        "15.5%", "15.5 %"
    )
    assert 'value="15.5"' in text(olga.get(page("promotion_edit", made.public_id)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"multiplier": "1"}, "multiplier"),
        ({"multiplier": "11"}, "multiplier"),
        ({"multiplier": "two"}, "multiplier"),
        ({"amount_0": "15"}, "multiplier"),
        ({"multiplier": "", "amount_0": "120"}, "amount_0"),
        ({"multiplier": "", "amount_0": "x"}, "amount_0"),
        ({"starts_on": "2026-01-01"}, "starts_on"),
        ({"ends_on": "2026-01-01"}, "ends_on"),
        ({"countries": "Germany"}, "countries"),
        ({"enrolled_from": "2026-02-02", "enrolled_until": "2026-02-01"}, "enrolled_until"),
    ],
)
def test_a_refusal_stands_at_its_field(
    olga: Client, shop: Program, changes: dict[str, str], field: str
) -> None:
    refused = olga.post(page("promotion_new", shop.public_id), typed(**changes))
    assert (refused.status_code, list(refused.context["form"].errors)) == (400, [field])
    assert not Promotion.objects.for_workspace(shop.workspace).exists()


def test_editing_and_stopping(olga: Client, shop: Program) -> None:
    made = make(shop)
    edit, detail = page("promotion_edit", made.public_id), page("promotion_detail", made.public_id)
    form = olga.get(edit).context["form"]
    values = {name: form[name].value() or "" for name in form.fields}
    refused = olga.post(edit, {**values, "multiplier": "3"})
    assert refused.context["form"].errors["multiplier"] == [
        "It runs already: what it promises stays. Stop it, and make another one."
    ]
    olga.post(edit, {**values, "banner": "Hurry"})
    made.refresh_from_db()
    assert made.banner == "Hurry"
    assert "Stop it" in text(olga.get(detail))
    olga.post(page("promotion_stop", made.public_id), {"reason": "Sold out"})
    made.refresh_from_db()
    assert made.status == "stopped"
    assert "Stop it" not in text(olga.get(detail))


def test_figures_link_to_the_rewards_behind_them(olga: Client, shop: Program) -> None:
    promotion = make(shop)
    ana = builders.participant(shop)
    under, denied = builders.settled(ana), builders.settled(ana)
    builders.settled(ana)
    rows = Reward.objects.for_workspace(shop.workspace)
    rows.filter(pk__in=[under.pk, denied.pk]).update(promotion=promotion)
    rows.filter(pk=denied.pk).update(status=Reward.Status.DENIED)
    figures = reward_queries.promotion_figures(promotion)
    assert (figures.rewards, figures.sums) == (1, ((under.amount_minor, "EUR"),))
    shown = text(olga.get(page("promotion_detail", promotion.public_id)))
    assert f"?promotion={promotion.public_id}" in shown
    listed = olga.get(page("reward_list") + f"?promotion={promotion.public_id}")
    assert (listed.context["page"].paginator.count, "Spring" in text(listed)) == (2, True)


def test_who_may_plan(workspace: Workspace, shop: Program) -> None:
    made = make(shop)
    user = factories.UserFactory.create()
    Member.objects.create(workspace=workspace, user=user, role="support", joined_at=AT)
    client = Client()
    client.force_login(user)
    assert client.get(page("promotion_list", shop.public_id)).status_code == 200
    assert client.get(page("promotion_detail", made.public_id)).status_code == 200
    assert client.get(page("promotion_new", shop.public_id)).status_code == 403
    assert client.post(page("promotion_stop", made.public_id)).status_code == 403


def test_conditions_on_the_page(olga: Client, shop: Program) -> None:
    tree = {"all": [{"fact": "referrer.attributes.team", "op": "is", "value": "red"}]}
    wrong = {"all": [{"fact": "order.quantity", "op": "is", "value": 1}]}
    refused = olga.post(page("promotion_new", shop.public_id), typed(conditions=json.dumps(wrong)))
    assert (refused.status_code, refused.context["form"].errors["conditions"]) == (
        400,
        ["Condition 1: There is no such fact to ask for here."],
    )
    olga.post(page("promotion_new", shop.public_id), typed(conditions=json.dumps(tree)))
    made = Promotion.objects.for_workspace(shop.workspace).get()
    assert made.audience == {"conditions": tree}
    assert "Participants if the referrer's “team” is red" in text(
        olga.get(page("promotion_detail", made.public_id))
    )
    form = olga.get(page("promotion_edit", made.public_id)).context["form"]
    values = {name: form[name].value() or "" for name in form.fields}
    assert json.loads(values["conditions"]) == tree
    olga.post(page("promotion_edit", made.public_id), {**values, "banner": "Hurry"})
    made.refresh_from_db()
    assert (made.banner, made.audience) == ("Hurry", {"conditions": tree})


def test_the_api(client: Client, workspace: Workspace, shop: Program) -> None:
    with tenant(workspace):
        _, key = account_services.create_api_key(
            workspace=workspace, kind="sk", name="t", scopes=("read", "write"), actor=SYSTEM, at=clock.now()
        )

    def call(method: str, path: str, body: Any = None) -> Any:
        return getattr(client, method)(
            f"/api/v1/{path}",
            *([] if body is None else [json.dumps(body)]),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )

    first = today() + timedelta(days=3)
    body = {
        "program": shop.public_id,
        "name": "Black Friday",
        "starts_on": str(first),
        "ends_on": str(first),
        "replacements": {"commission": {"type": "percentage", "bps": 2000}},
    }
    made = call("post", "promotions", body)
    assert made.status_code == 201
    answer = made.json()
    assert (answer["standing"], answer["replacements"], answer["starts_at"]) == (
        "coming",
        body["replacements"],
        f"{first}T00:00:00Z",
    )
    path = f"promotions/{answer['id']}"
    assert call("post", "promotions", {**body, "multiplier_bps": 20_000}).json()["error"]["param"] == (
        "multiplier_bps"
    )
    assert call("post", "promotions", {**body, "program": "prg_x"}).status_code == 404
    tree = {"none": [{"fact": "customer.country", "op": "is", "value": "FR"}]}
    asked = call("patch", path, {"audience": {"conditions": tree}}).json()
    assert asked["audience"] == {"conditions": tree}
    tree["none"][0]["value"] = "fr"
    faulty = call("patch", path, {"audience": {"conditions": tree}})
    assert faulty.json()["error"]["param"] == "audience.conditions.none.0.value"
    assert call("patch", path, {"name": "Cyber Monday"}).json()["name"] == "Cyber Monday"
    assert call("get", path).json()["name"] == "Cyber Monday"
    assert [each["id"] for each in call("get", f"promotions?program={shop.public_id}").json()["data"]] == [
        answer["id"]
    ]
    assert call("post", f"{path}/stop", {"reason": "x"}).json()["standing"] == "stopped"
    over = call("patch", path, {"name": "x"})
    assert (over.status_code, over.json()["error"]["code"]) == (409, "promotion_over")


def test_the_portal_and_the_invitation_tell_of_it(workspace: Workspace, shop: Program) -> None:
    ana = builders.participant(shop)
    link = factories.LinkFactory.create(workspace=workspace, participant=ana)

    def told(at: datetime) -> list[str]:
        portal = portal_of(ana, pages={}, at=at)
        shown = invitation(workspace, link.pk, viewer=Viewer(), at=at)
        assert shown is not None
        return [f"{season.when}: {season.text}" if season else "" for season in (portal.season, shown.season)]

    assert told(AT) == ["", ""]
    make(shop, days=(3, 4), at=AT, banner="Double until Friday")
    make(shop, days=(6, 9), at=AT, name="Late", multiplier_bps=15_000)
    day = timedelta(days=1)
    assert told(AT) == ["From 5 March: Double until Friday", ""]
    assert told(AT + 3 * day) == ["Until 6 March: Double until Friday"] * 2
    assert told(AT + 5 * day) == ["From 8 March: Late: 1.5× rewards", ""]
    assert told(AT + 6 * day) == ["Until 11 March: Late: 1.5× rewards"] * 2
    assert told(AT + 10 * day) == ["", ""]
