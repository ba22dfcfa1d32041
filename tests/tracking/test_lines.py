"""What was bought in an order: told with it, kept, shown, and brought up to date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from core.errors import Invalid
from core.models import Event
from tests import factories
from tests.factories import AT
from tests.tracking.conftest import Call, token
from tracking import services
from tracking.lines import MAX_LINES, Line, check_lines, cost_of, line_of
from tracking.models import Conversion

pytestmark = pytest.mark.django_db

SALE = {"customerExternalId": "c1", "amount": 4_990, "currency": "EUR", "invoiceId": "inv-1"}
SHIRT = {"sku": "SHIRT-M", "category": "clothes", "amount": 3_000, "quantity": 2, "cost": 1_200}
MUG = {"sku": "MUG", "amount": 1_990}
KEPT = [
    {
        "sku": "SHIRT-M",
        "category": "clothes",
        "quantity": 2,
        "amount_minor": 3_000,
        "cost_minor": 1_200,
    },
    {"sku": "MUG", "category": "", "quantity": 1, "amount_minor": 1_990, "cost_minor": None},
]


def test_a_sale_tells_what_was_bought(call: Call, workspace: Workspace) -> None:
    answer = call("track/sale", {**SALE, "items": [SHIRT, MUG], "cost": 2_000})
    assert answer.status_code == 201
    conversion = Conversion.objects.for_workspace(workspace).get()
    assert (conversion.lines, conversion.cost_minor) == (KEPT, 2_000)
    read = call(f"conversions/{conversion.public_id}").json()
    assert (read["lines"], read["cost_minor"]) == (KEPT, 2_000)
    assert call("track/sale", {**SALE, "items": [SHIRT, MUG]}).json()["duplicate"] is True


def test_costs_of_all_items_are_the_orders(call: Call, workspace: Workspace) -> None:
    batch = [
        {"type": "sale", **SALE, "items": [SHIRT, {**MUG, "cost": 300}]},
        {"type": "sale", **SALE, "invoiceId": "inv-2", "items": [SHIRT, MUG]},
        {"type": "sale", **SALE, "invoiceId": "inv-3"},
        {"type": "sale", **SALE, "invoiceId": "inv-4", "items": [SHIRT, {**MUG, "amount": 1_991}]},
    ]
    done = call("track/batch", {"events": batch}).json()
    assert (done["taken"], done["failed"]) == (3, 1)
    assert done["results"][3]["error"]["param"] == "items"
    assert done["results"][3]["error"]["message"] == (
        "The items come to 4991, which is more than the amount of 4990."
    )
    rows = Conversion.objects.for_workspace(workspace).order_by("source_key")
    assert [row.cost_minor for row in rows] == [1_500, None, None]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"items": [{"amount": 1}]}, "items.0.sku"),
        ({"items": [SHIRT, {**MUG, "amount": 19.9}]}, "items.1.amount"),
        ({"items": [SHIRT, {**MUG, "amount": -1}]}, "items.1.amount"),
        ({"items": [{**MUG, "cost": -1}]}, "items.0.cost"),
        ({"items": [{**MUG, "quantity": 0}]}, "items.0.quantity"),
        ({"items": [{**MUG, "price": 1}]}, "items.0.price"),
        ({"items": [{**MUG, "category": "x" * 101}]}, "items.0.category"),
        ({"items": [{**MUG, "sku": "a\nb"}]}, "items.0.sku"),
        ({"items": [MUG] * 3}, "items"),
        ({"items": [{**MUG, "amount": 1}] * (MAX_LINES + 1)}, "items"),
        ({"items": "MUG"}, "items"),
        ({"cost": -1}, "cost"),
        ({"cost": "12"}, "cost"),
    ],
)
def test_a_refused_line_names_the_field(
    call: Call, workspace: Workspace, change: dict[str, Any], param: str
) -> None:
    refused = call("track/sale", {**SALE, **change})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert not Conversion.objects.for_workspace(workspace).exists()


def test_a_page_tells_of_no_costs_and_hears_of_none(call: Call, workspace: Workspace) -> None:
    page = token(workspace, "pk", ("track:browser_sale",))
    refused = call("track/sale", {**SALE, "items": [MUG, SHIRT]}, key=page)
    assert (refused.status_code, refused.json()["error"]["param"]) == (403, "items.1.cost")
    refused = call("track/sale", {**SALE, "cost": 1}, key=page)
    assert (refused.status_code, refused.json()["error"]["param"]) == (403, "cost")
    call("track/sale", {**SALE, "items": [SHIRT], "cost": 1})
    heard = call("track/sale", {**SALE, "items": [MUG]}, key=page).json()["conversion"]
    assert (heard["cost_minor"], heard["lines"][0]["cost_minor"]) == (None, None)


def test_lines_are_kept_and_read_alike() -> None:
    lines = [line_of(document) for document in KEPT]
    assert [line.document for line in lines] == KEPT
    assert line_of({"sku": "A", "amount_minor": 1}) == Line("A", 1)
    assert (cost_of(lines), cost_of(lines[:1]), cost_of([])) == (None, 1_200, None)
    with pytest.raises(Invalid) as refused:
        check_lines([Line("A", 1, cost_minor=10**15 + 1)], amount_minor=1, cost_minor=None)
    assert refused.value.param == "items.0.cost"


def test_editing_what_was_bought(workspace: Workspace) -> None:
    conversion = factories.ConversionFactory.create(workspace=workspace, amount_minor=4_990)
    lines = [line_of(document) for document in KEPT]

    def edit(lines: list[Line]) -> bool:
        return services.edit_lines(
            conversion=conversion, lines=lines, cost_minor=None, at=AT + timedelta(hours=1)
        )

    assert [edit(lines), edit(lines), edit(lines[:1])] == [True, False, True]
    conversion.refresh_from_db()
    assert (conversion.lines, conversion.cost_minor) == (KEPT[:1], 1_200)
    assert Event.objects.for_workspace(workspace).filter(kind="conversion.edited").count() == 2
    services.record_refund(
        conversion=conversion, source_key="r", amount_minor=1, occurred_at=AT, at=AT + timedelta(hours=2)
    )
    assert edit(lines) is False
    with pytest.raises(Invalid) as refused:
        edit([Line("A", 5_000)])
    assert refused.value.param == "items"


def test_the_page_shows_what_was_bought(client: Client, owner: User, workspace: Workspace) -> None:
    conversion = factories.ConversionFactory.create(
        workspace=workspace, amount_minor=4_990, lines=KEPT, cost_minor=2_000
    )
    client.force_login(owner)
    page = client.get(reverse("conversion_detail", args=[workspace.slug, conversion.public_id]))
    text = " ".join(page.content.decode().split())
    assert "What was bought" in text
    assert "SHIRT-M" in text
    assert "€30.00" in text
    assert "not known" in text
    assert "Cost to the shop" in text
