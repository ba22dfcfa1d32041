"""The captured requests of a real shop, sent three times over and four at once to the running server."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.journeys import people
from tests.journeys.numbers import balance
from tests.journeys.people import CASH_TEN_PERCENT
from tests.journeys.platform import Platform

CAPTURED: Final = Path(__file__).parents[1] / "contracts" / "woocommerce"
SECRET: Final = 'whsec-test-<&>"quote'
RITA, NORA = "rita@owners.example", "nora@owners.example"


def test_a_shops_requests_count_once_however_often_they_come(platform: Platform) -> None:
    browser = people.sign_up(platform, "paula@shop.example")
    shop = people.new_workspace(browser, "Captured Shop", currency="USD")
    program = people.publish_program(
        shop,
        "Coupons",
        rules=[CASH_TEN_PERCENT],
        hold_days="30",
        approval="manual",
        destination_url="https://shop.example/",
    )
    owners = {
        "REF-ANN-10": people.enrol(shop, program, email=RITA, name="Rita Coupon"),
        "FRIEND42": people.enrol(shop, program, email=NORA, name="Nora Coupon"),
    }
    for code, owner in owners.items():
        shop.fill(f"participants/{owner.public_id}/promo-codes/new/", "Create promo code", {"code": code})
    url, secret = people.new_shop(shop, secret=SECRET)
    assert secret == SECRET

    said = platform.manage(
        "replay_requests", str(CAPTURED), "--url", url, "--times", "3", "--concurrency", "4"
    )
    assert said.splitlines()[-1] == "54 sent: 54 x 200"
    platform.settle(shop.slug)

    # 17 different signed bodies; the ping left nothing behind.
    inbox = platform.rows(
        shop.slug, "SELECT topic, outcome, reason, repeats, sentence FROM integrations_inboxitem"
    )
    assert len(inbox) == 17
    assert {repeats for _, _, _, repeats, _ in inbox} == {2}
    errors = [row for row in inbox if row[2] == "rest_error"]
    assert [(topic, outcome) for topic, outcome, _, _, _ in sorted(errors)] == [
        ("order.created", "set_aside"),
        ("order.updated", "set_aside"),
    ]
    assert all("woocommerce_rest_shop_order_invalid_id: Invalid ID." in row[4] for row in errors)

    orders = {
        key: facts
        for key, *facts in platform.rows(
            shop.slug,
            """
            SELECT conversion.source_key, conversion.status, conversion.amount_minor,
                conversion.refunded_minor, participant.public_id,
                (SELECT count(*) FROM tracking_click click
                    WHERE click.workspace_id = conversion.workspace_id)
            FROM tracking_conversion conversion
            LEFT JOIN tracking_credit credit ON credit.conversion_id = conversion.id
            LEFT JOIN programs_participant participant ON participant.id = credit.participant_id
            WHERE conversion.source_key <> '21'
            """,
        )
    }
    assert orders == {
        "12": ["partly_refunded", 8820, 2000, owners["REF-ANN-10"].public_id, 0],
        "23": ["recorded", 8300, 0, owners["FRIEND42"].public_id, 0],
    }
    # The trashed order was taken back, or never counted where its deletion was read first.
    assert platform.rows(
        shop.slug, "SELECT DISTINCT status FROM tracking_conversion WHERE source_key = '21'"
    ) in ([], [("rejected",)])

    # 10 % of 88.20, of which 20.00 out of 88.20 were clawed back; 10 % of 83.00.
    rewards = platform.rows(
        shop.slug,
        """
        SELECT conversion.source_key, reward.amount_minor, reward.reversed_minor, reward.unit, reward.status
        FROM rewards_reward reward JOIN tracking_conversion conversion ON conversion.id = reward.conversion_id
        ORDER BY 1
        """,
    )
    assert rewards == [("12", 882, 200, "USD", "pending"), ("23", 830, 0, "USD", "pending")]
    assert balance(platform, shop.slug, "pending", RITA, "USD") == 682
    assert balance(platform, shop.slug, "pending", NORA, "USD") == 830
    assert balance(platform, shop.slug, "expense", "", "USD") == -682 - 830
    assert "balances sum to 0" in platform.manage("verify_ledger", "--workspace", shop.slug)
