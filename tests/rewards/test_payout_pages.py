"""Pages and API calls about batches by method: preview, settings, another try, the provider's sum."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User, Workspace
from rewards import queries, services
from rewards.models import MoneySettings, PayoutBatch
from rewards.services import ResultRow
from tests.factories import AT
from tests.rewards.builders import approved, participant, person, program
from tests.rewards.test_api import Api
from tests.rewards.test_views import member, olga, page, text, told  # noqa: F401

SECOND = "second@acme.example"


@pytest.fixture
def api(workspace: Workspace, client: Client, owner: User) -> Api:
    return Api(workspace, client, ("read", "payouts"), person())


def _by_mail(workspace: Workspace) -> PayoutBatch:
    ana = participant(program(workspace), account="")
    services.choose_payout_account(
        customer=ana.customer, method="paypal", details={"email": "a@b.example"}, actor=person(), at=AT
    )
    approved(ana)
    batch = services.prepare_batch(
        workspace=workspace, currency="EUR", method="paypal", actor=person(), at=AT
    )
    return services.approve_batch(batch=batch, actor=person(SECOND), at=AT)


def test_the_preview_is_of_a_method_and_a_file_has_everyone(workspace: Workspace, olga: Client) -> None:  # noqa: F811
    approved(participant(program(workspace)))
    shown = olga.get(f"{page('batch_new')}?currency=EUR&method=paypal")
    assert "Is paid by a bank account." in text(shown)
    assert shown.context["preview"].count == 0
    assert "by a bank account to 1" in text(olga.get(page("batch_list")))
    file = olga.get(f"{page('batch_new')}?currency=EUR&export=csv")
    lines = file.getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "customer,name,balance,pays,minimum,fee,currency,account,why_not"
    assert lines[1].endswith(",10.00,10.00,0.00,0.00,EUR,DE…2051,")
    odd = olga.get(f"{page('batch_new')}?currency=XXX&method=cheque")
    assert (odd.status_code, set(odd.context["form"].errors)) == (400, {"currency", "method"})


def test_the_cutoff_is_a_time_of_the_workspaces_clocks(workspace: Workspace, olga: Client) -> None:  # noqa: F811
    Workspace.objects.for_workspace(workspace).update(time_zone="America/New_York")
    approved(participant(program(workspace)))
    shown = olga.get(f"{page('batch_new')}?currency=EUR&cutoff_at={AT.date()}T09:30")
    assert shown.context["cutoff_at"] == datetime(AT.year, AT.month, AT.day, 14, 30, tzinfo=UTC)


def test_a_providers_batch_shows_what_is_missing_until_its_sum_is_known(
    workspace: Workspace,
    olga: Client,  # noqa: F811
) -> None:
    batch = _by_mail(workspace)
    detail = page("batch_detail", batch.public_id)
    assert "Payment file" not in text(olga.get(detail))
    assert 'hx-trigger="every 5s"' in text(olga.get(page("batch_progress", batch.public_id)))
    (payout,) = queries.payouts_of(batch)
    services.import_results(batch=batch, rows=[ResultRow(1, payout.public_id, "paid")], actor=person(), at=AT)
    assert "The provider has not said yet how much it paid in all." in text(olga.get(detail))
    url = page("batch_provider_total", batch.public_id)
    for wrong in ("", "ten", "-1"):
        answer = olga.post(url, {"paid": wrong})
        assert (answer.status_code, list(answer.context["total_form"].errors)) == (400, ["paid"])
    assert told(olga.post(url, {"paid": "10.00"})) == ["The provider's sum is kept."]
    batch.refresh_from_db()
    assert batch.status == "completed"


def test_the_failed_are_tried_again_from_the_page(workspace: Workspace, olga: Client) -> None:  # noqa: F811
    approved(participant(program(workspace)))
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    services.approve_batch(batch=batch, actor=person(SECOND), at=AT)
    (payout,) = queries.payouts_of(batch)
    services.mark_payout_failed(payout=payout, failure="Closed", actor=person(), at=AT)
    assert "Try the failed again" in text(olga.get(page("batch_detail", batch.public_id)))
    answer = olga.post(page("batch_retry", batch.public_id))
    again = PayoutBatch.objects.for_workspace(workspace).get(status="draft")
    assert answer["Location"] == page("batch_detail", again.public_id)


def test_settings_are_saved_and_refused_by_the_field(workspace: Workspace, olga: Client) -> None:  # noqa: F811
    url = page("money_settings")
    form = olga.get(url).context["form"]
    values: dict[str, Any] = {name: form[name].value() for name in form.fields}
    assert (values["paypal_bps"], values["stripe_bps"]) == (Decimal(2), Decimal("0.25"))
    for wrong, field in (
        ({"debtor_iban": "DE00"}, "debtor_iban"),
        ({"adjustment_limit_minor": -1}, "adjustment_limit_minor"),
        ({"paypal_bps": "0.125"}, "paypal_bps"),
        ({"payout_cutoff_days": 400}, "payout_cutoff_days"),
    ):
        refused = olga.post(url, {**values, **wrong})
        assert (refused.status_code, list(refused.context["form"].errors)) == (400, [field])
    assert not MoneySettings.objects.for_workspace(workspace).exists()
    given = {
        **values,
        "adjustment_limit_minor": 2_000,
        "payout_cutoff_days": 3,
        "debtor_name": "Acme",
        "csv_fixed_minor": 12,
        "csv_bps": "1.5",
    }
    assert told(olga.post(url, given)) == ["The money settings are saved."]
    row = MoneySettings.objects.for_workspace(workspace).get()
    assert (row.adjustment_limit_minor, row.payout_cutoff_days, row.debtor_name) == (2_000, 3, "Acme")
    assert row.payout_fees["csv"] == {"fixed_minor": 12, "bps": 150, "max_minor": 0}


def test_where_the_settings_were_leads_on(workspace: Workspace, olga: Client) -> None:  # noqa: F811
    assert olga.get(page("payout_settings"))["Location"] == f"{page('money_settings')}#cutoff"
    reader = member(workspace, "read_only", "reader@acme.example")
    shown = reader.get(page("money_settings"))
    assert all(field.disabled for field in shown.context["form"].fields.values())
    assert reader.post(page("money_settings"), {}).status_code == 403


def test_the_same_by_api(workspace: Workspace, api: Api) -> None:
    ana = participant(program(workspace))
    approved(ana)
    found = api.get("payout-batches/preview", currency="EUR").json()
    assert (found["count"], found["total_minor"], found["left_out"]) == (1, 1000, [])
    assert found["people"][0]["customer"] == ana.customer.public_id
    out = api.get("payout-batches/preview", currency="EUR", method="paypal").json()
    assert [(each["reason"], each["count"]) for each in out["left_out"]] == [("other_method", 1)]
    assert api.get("payout-batches/preview", currency="XXX").status_code == 400
    bad = api.post("payout-batches", {"currency": "EUR", "customers": ["cus_none"]})
    assert bad.json()["error"]["param"] == "customers.0"
    made = api.post("payout-batches", {"currency": "EUR", "customers": [ana.customer.public_id]}).json()
    batch = PayoutBatch.objects.for_workspace(workspace).get(public_id=made["id"])
    services.approve_batch(batch=batch, actor=person(SECOND), at=AT)
    path = f"payout-batches/{made['id']}"
    assert api.post(f"{path}/retry").status_code == 409
    (payout,) = queries.payouts_of(batch)
    failed = [{"payout_id": payout.public_id, "status": "failed", "fee_minor": 5}]
    assert api.post(f"{path}/results", {"results": failed}).json()["batch"]["status"] == "failed"
    again = api.post(f"{path}/retry")
    assert (again.status_code, again.json()["total_minor"]) == (201, 1000)
    assert queries.differences(workspace) == []
    assert api.post(f"{path}/provider-total", {"paid_minor": 0}).json()["provider_paid_minor"] == 0
