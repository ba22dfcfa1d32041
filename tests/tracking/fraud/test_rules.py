import re
from pathlib import Path
from typing import Any

import pytest

from tracking.fraud import DEFAULT_WEIGHTS, RULES, Facts, FraudSettings, Signal, judge


def facts(**known: Any) -> Facts:
    return Facts(referrer="prt_1", referee="cus_2", **known)


BOTH = (("referrer", "prt_1"), ("referee", "cus_2"))

FOUND: list[tuple[dict[str, Any], Signal]] = [
    (
        {"same_customer": True},
        Signal("same_customer", 100, "The referrer and the referred customer are the same customer.", BOTH),
    ),
    (
        {"referrer_mailbox": "9f", "referee_mailbox": "9f"},
        Signal(
            "same_mailbox",
            100,
            "The referrer's and the referred customer's e-mail addresses reach the same mailbox.",
            BOTH,
        ),
    ),
    (
        {"duplicate_of": "cnv_7"},
        Signal(
            "duplicate_order",
            100,
            "Another conversion already stands for this order.",
            (("conversion", "cnv_7"),),
        ),
    ),
    (
        {"referee_known_as": ("cus_9", "cus_8")},
        Signal(
            "known_person",
            60,
            "The referred customer bought before as 2 other customers.",
            (("customers", "cus_8, cus_9"),),
        ),
    ),
    (
        {"shared_devices": 2},
        Signal(
            "same_device",
            60,
            "The referrer and the referred customer used the same device or browser.",
            (*BOTH, ("devices", "2")),
        ),
    ),
    (
        {"shared_payments": 1},
        Signal(
            "same_payment",
            60,
            "The referrer and the referred customer paid by the same card or account.",
            (*BOTH, ("payments", "1")),
        ),
    ),
    (
        {"shared_postal": 1},
        Signal(
            "same_postal",
            30,
            "The referrer and the referred customer use the same postal address.",
            (*BOTH, ("addresses", "1")),
        ),
    ),
    (
        {"shared_addresses": 3},
        Signal(
            "same_ip",
            20,
            "The referrer and the referred customer used the same network address.",
            (*BOTH, ("addresses", "3")),
        ),
    ),
    (
        {"shared_addresses": 1, "address_is_shared_widely": True},
        Signal(
            "same_ip",
            0,
            "They used the same network address, one that many customers use; it counts nothing.",
            (*BOTH, ("addresses", "1"), ("used_by_many", "yes")),
        ),
    ),
    (
        {"participant_conversions_hour": 21},
        Signal(
            "velocity_participant",
            50,
            "The participant brought 21 conversions within an hour; more than 20 are held for a look.",
            (("conversions", "21"), ("limit", "20")),
        ),
    ),
    (
        {"address_conversions_hour": 6},
        Signal(
            "velocity_address",
            40,
            "The buyer's network address made 6 conversions within an hour; more than 5 are held for a look.",
            (("conversions", "6"), ("limit", "5")),
        ),
    ),
    (
        {"device_conversions_hour": 4},
        Signal(
            "velocity_device",
            50,
            "The buyer's device made 4 conversions within an hour; more than 3 are held for a look.",
            (("conversions", "4"), ("limit", "3")),
        ),
    ),
    (
        {"disposable_mail": True},
        Signal(
            "disposable_mail",
            30,
            "The referred customer's e-mail address is from a provider of throw-away addresses.",
            (("referee", "cus_2"),),
        ),
    ),
    (
        {"seconds_to_conversion": 9},
        Signal(
            "too_fast",
            50,
            "The conversion came 9 s after the click; under 10 s is held for a look.",
            (("seconds", "9"), ("limit_seconds", "10")),
        ),
    ),
    (
        {"refused_agent": "robot"},
        Signal(
            "refused_agent",
            40,
            "Visits of this buyer came from a robot, not from a person's browser.",
            (("agent", "robot"),),
        ),
    ),
    (
        {"refused_agent": "data_centre"},
        Signal(
            "refused_agent",
            40,
            "Visits of this buyer came from a program in a data centre, not from a person's browser.",
            (("agent", "data_centre"),),
        ),
    ),
    (
        {"participant_conversions": 5, "participant_refunded": 3},
        Signal(
            "refund_rate",
            40,
            "3 of 5 purchases brought by this participant were refunded.",
            (("purchases", "5"), ("refunded", "3"), ("limit_percent", "50")),
        ),
    ),
    (
        {"circular_with": "ref_4"},
        Signal(
            "circular",
            60,
            "The referred customer had brought the referrer: the referrals go in a circle.",
            (("referral", "ref_4"),),
        ),
    ),
    (
        {"click_country": "VN", "customer_country": "DE"},
        Signal(
            "country_mismatch",
            15,
            "The click came from VN, and the customer is in DE.",
            (("click", "VN"), ("customer", "DE")),
        ),
    ),
    (
        {"ring": ("cus_5", "cus_4")},
        Signal(
            "ring",
            70,
            "This customer shares a device, a payment or a postal address with 2 other friends of the same"
            " participant.",
            (("friends", "2"), ("customers", "cus_4, cus_5")),
        ),
    ),
    (
        {"listed_as": (("block", "domain", "*.bad.example"), ("block", "email", "lst_3"))},
        Signal(
            "block_list",
            100,
            "This matches the block list: domain, email.",
            (("entries", "2"), ("kinds", "domain, email"), ("patterns", "*.bad.example")),
        ),
    ),
    (
        {"listed_as": (("allow", "address", "lst_3"),)},
        Signal(
            "allow_list",
            0,
            "This matches the allow list: address.",
            (("entries", "1"), ("kinds", "address")),
        ),
    ),
]


@pytest.mark.parametrize(("known", "signal"), FOUND)
def test_what_each_rule_finds(known: dict[str, Any], signal: Signal) -> None:
    assert judge(facts(**known), FraudSettings()).signals == (signal,)


def test_the_examples_leave_no_rule_out() -> None:
    assert {signal.rule for _, signal in FOUND} | {"banned_source"} == set(DEFAULT_WEIGHTS)
    assert [rule.__name__ for rule in RULES] == list(DEFAULT_WEIGHTS)


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"referrer_mailbox": "9f", "referee_mailbox": "aa"},
        {"referrer_mailbox": "9f"},
        {"referee_mailbox": "9f"},
        {"referrer_mailbox": "", "referee_mailbox": ""},
        {"duplicate_of": ""},
        {"address_is_shared_widely": True},
        {"participant_conversions_hour": 20, "address_conversions_hour": 5, "device_conversions_hour": 3},
        {"seconds_to_conversion": 10},
        {"participant_conversions": 4, "participant_refunded": 4},
        {"participant_conversions": 5, "participant_refunded": 2},
        {"source_host": "blog.example"},
        {"click_country": "DE", "customer_country": "DE"},
        {"click_country": "DE"},
        {"customer_country": "DE"},
        {"click_country": "DE", "customer_country": ""},
        {"ring": ("cus_4",)},
    ],
)
def test_what_differs_is_below_the_limit_or_not_known_is_no_signal(known: dict[str, Any]) -> None:
    assert judge(facts(**known), FraudSettings()).signals == ()


@pytest.mark.parametrize(
    ("settings", "known", "rule"),
    [
        ({"participant_per_hour": 1}, {"participant_conversions_hour": 2}, "velocity_participant"),
        ({"address_per_hour": 1}, {"address_conversions_hour": 2}, "velocity_address"),
        ({"device_per_hour": 1}, {"device_conversions_hour": 2}, "velocity_device"),
        ({"too_fast_seconds": 61}, {"seconds_to_conversion": 60}, "too_fast"),
        (
            {"refund_rate_percent": 25, "refund_rate_least": 4},
            {"participant_conversions": 4, "participant_refunded": 1},
            "refund_rate",
        ),
        ({"ring_size": 1}, {"ring": ("cus_4",)}, "ring"),
    ],
)
def test_a_program_sets_the_limits(settings: dict[str, Any], known: dict[str, Any], rule: str) -> None:
    assert judge(facts(**known), FraudSettings()).signals == ()
    found = judge(facts(**known), FraudSettings(**settings)).signals
    assert [signal.rule for signal in found] == [rule]


@pytest.mark.parametrize(
    ("host", "pattern"),
    [
        ("coupons.example", "coupons.example"),
        ("www.coupons.example", "coupons.example"),
        ("Best-Deals.Example", "*deals*"),
        ("shop.coupon-site.example", "coupon*.example"),
    ],
)
def test_a_banned_source_covers_all_below_it(host: str, pattern: str) -> None:
    settings = FraudSettings(banned_sources=("other.example", pattern))
    assert judge(facts(source_host=host), settings).signals == (
        Signal(
            "banned_source",
            50,
            f"The visitor came from {host}, a site that this program does not reward.",
            (("host", host), ("pattern", pattern)),
        ),
    )


def test_a_host_of_a_similar_name_is_not_banned() -> None:
    settings = FraudSettings(banned_sources=("coupons.example",))
    assert judge(facts(source_host="notcoupons.example"), settings).signals == ()
    assert judge(facts(source_host="coupons.example.org"), settings).signals == ()


def test_one_finding_names_ten_customers_at_most() -> None:
    many = tuple(f"cus_{number:02}" for number in range(12))
    [signal] = judge(facts(ring=many), FraudSettings()).signals
    assert signal.evidence == (
        ("friends", "12"),
        (
            "customers",
            "cus_00, cus_01, cus_02, cus_03, cus_04, cus_05, cus_06, cus_07, cus_08, cus_09 and 2 more",
        ),
    )


def test_every_rule_says_why_it_exists_and_what_else_it_may_be() -> None:
    for rule in RULES:
        reason, _, innocent = (rule.__doc__ or "").partition("\n\n")
        assert reason.startswith("Find "), rule.__name__
        assert innocent.strip().endswith("."), rule.__name__


def test_the_documentation_lists_every_rule_with_its_weight() -> None:
    text = (Path(__file__).parents[3] / "docs" / "fraud.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE)

    assert [(rule, int(weight)) for rule, weight in listed][: len(RULES)] == list(DEFAULT_WEIGHTS.items())
