import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import MAX_MINOR
from programs.terms import (
    PercentageAmount,
    ProgramTerms,
    TermsInvalid,
    dump_terms,
    parse_terms,
    publish_errors,
    summary,
)
from tests.programs.terms.examples import full_document, full_terms, program_terms


def tiers_of(*thresholds: int) -> list[dict[str, Any]]:
    return [
        {"at_least": n, "amount": {"type": "percentage", "bps": 100 + index}}
        for index, n in enumerate(thresholds)
    ]


def faults(document: object) -> list[tuple[str, str]]:
    with pytest.raises(TermsInvalid) as caught:
        parse_terms(document)
    return [(fault.param, fault.code) for fault in caught.value.errors]


def set_at(document: Any, path: str, value: object) -> None:
    *way, last = path.split(".")
    for step in way:
        document = document[int(step) if isinstance(document, list) else step]
    document[int(last) if isinstance(document, list) else last] = value


def test_a_full_document_is_read_and_written_back() -> None:
    assert parse_terms(full_document()) == full_terms()
    assert dump_terms(full_terms()) == full_document()
    assert json.dumps(dump_terms(full_terms())) == json.dumps(full_document())


def test_absent_fields_take_their_defaults() -> None:
    assert parse_terms({"schema": 1, "currency": "JPY"}) == ProgramTerms(currency="JPY")
    assert parse_terms(
        {"schema": 1, "currency": "JPY", "attribution": {}, "eligibility": None}
    ) == ProgramTerms(currency="JPY")
    assert dump_terms(ProgramTerms(currency="JPY"))["attribution"] == {
        "model": "last_click",
        "click_window_hours": 2_160,
        "code_window_hours": 2_160,
        "signup_window_hours": None,
        "conversion_window_hours": None,
        "half_life_days": 7,
        "position_weights": [40, 20, 40],
        "custom_weights": [],
        "channel_weights": {},
        "precedence": ["manual", "code", "token", "click", "email"],
        "lifetime_months": None,
        "first_bind_wins": True,
    }


@pytest.mark.parametrize(
    ("path", "value", "param", "code"),
    [
        ("schema", 2, "schema", "out_of_range"),
        ("schema", "1", "schema", "not_an_integer"),
        ("currency", "eur", "currency", "unknown_currency"),
        ("currency", "PTS", "currency", "unknown_currency"),
        ("currency", "EURO", "currency", "too_long"),
        ("currency", "", "currency", "blank"),
        ("currency", None, "currency", "not_text"),
        ("colour", "red", "colour", "unknown_key"),
        ("half\ud800", 1, "half?", "unknown_key"),
        ("attribution", [], "attribution", "not_an_object"),
        ("attribution.model", "latest", "attribution.model", "not_a_choice"),
        ("attribution.model", ["custom"], "attribution.model", "not_a_choice"),
        ("attribution.click_window_hours", 0, "attribution.click_window_hours", "out_of_range"),
        ("attribution.code_window_hours", 87_601, "attribution.code_window_hours", "out_of_range"),
        ("attribution.half_life_days", 7.0, "attribution.half_life_days", "not_an_integer"),
        ("attribution.half_life_days", True, "attribution.half_life_days", "not_an_integer"),
        ("attribution.position_weights", [40, 20, 39], "attribution.position_weights", "bad_sum"),
        ("attribution.position_weights", [50, 50], "attribution.position_weights", "bad_sum"),
        ("attribution.position_weights", [25] * 4, "attribution.position_weights", "too_many"),
        ("attribution.position_weights", "334", "attribution.position_weights", "not_a_list"),
        ("attribution.position_weights", [110, 0, 0], "attribution.position_weights.0", "out_of_range"),
        ("attribution.custom_weights", [0, 0], "attribution.custom_weights", "all_zero"),
        ("attribution.custom_weights", [1, "2"], "attribution.custom_weights.1", "not_an_integer"),
        (
            "attribution.channel_weights",
            {"E-Mail": 1},
            "attribution.channel_weights.E-Mail",
            "invalid_format",
        ),
        ("attribution.channel_weights", {"ads": 1001}, "attribution.channel_weights.ads", "out_of_range"),
        ("attribution.channel_weights", {7: 100}, "attribution.channel_weights.7", "required"),
        ("attribution.precedence", [], "attribution.precedence", "required"),
        ("attribution.precedence", ["click", "click"], "attribution.precedence", "duplicate"),
        ("attribution.precedence", ["cookie"], "attribution.precedence.0", "not_a_choice"),
        ("attribution.lifetime_months", 0, "attribution.lifetime_months", "out_of_range"),
        ("attribution.first_bind_wins", 1, "attribution.first_bind_wins", "not_a_boolean"),
        ("attribution.colour", 1, "attribution.colour", "unknown_key"),
        ("rewards", {}, "rewards", "not_a_list"),
        ("rewards", [{}] * 51, "rewards", "too_many"),
        ("rewards.1", "mug", "rewards.1", "not_an_object"),
        ("rewards.1.key", "referrer-purchase", "rewards", "duplicate"),
        ("rewards.0.key", "Referrer", "rewards.0.key", "invalid_format"),
        ("rewards.0.side", "both", "rewards.0.side", "not_a_choice"),
        ("rewards.0.event", "lead", "rewards.0.event", "not_a_choice"),
        ("rewards.0.kind", "gold", "rewards.0.kind", "not_a_choice"),
        ("rewards.0.amount", None, "rewards.0.amount", "required"),
        ("rewards.0.amount", 10, "rewards.0.amount", "not_an_object"),
        ("rewards.0.amount", {"type": "half"}, "rewards.0.amount.type", "not_a_choice"),
        ("rewards.0.amount.bps", 10_001, "rewards.0.amount.bps", "out_of_range"),
        ("rewards.0.amount.bps", 0, "rewards.0.amount.bps", "out_of_range"),
        ("rewards.0.amount.bps", 12.5, "rewards.0.amount.bps", "not_an_integer"),
        ("rewards.0.amount.minor", 5, "rewards.0.amount.minor", "unknown_key"),
        ("rewards.0.event_name", "won", "rewards.0.event_name", "event_name"),
        ("rewards.1.event_name", None, "rewards.1.event_name", "event_name"),
        ("rewards.1.event_name", "", "rewards.1.event_name", "blank"),
        ("rewards.0.duration_months", 121, "rewards.0.duration_months", "out_of_range"),
        ("rewards.0.first_only", None, "rewards.0.first_only", "not_a_boolean"),
        ("rewards.0.minimum_order_minor", -1, "rewards.0.minimum_order_minor", "out_of_range"),
        ("rewards.2.minimum_order_minor", 1, "rewards.2.minimum_order_minor", "not_allowed"),
        ("rewards.0.max_minor", MAX_MINOR + 1, "rewards.0.max_minor", "out_of_range"),
        ("rewards.0.product", {"sku": "A", "name": "B"}, "rewards.0.product", "not_allowed"),
        ("rewards.0.discount", {"type": "fixed", "minor": 1}, "rewards.0.discount", "not_allowed"),
        ("rewards.1.product", None, "rewards.1.product", "required"),
        ("rewards.1.product.sku", "", "rewards.1.product.sku", "blank"),
        ("rewards.1.product.size", "L", "rewards.1.product.size", "unknown_key"),
        ("rewards.1.amount", {"type": "percentage", "bps": 1}, "rewards.1.amount", "not_fixed"),
        ("rewards.2.discount", None, "rewards.2.discount", "required"),
        ("rewards.2.discount.minor", MAX_MINOR + 1, "rewards.2.discount.minor", "out_of_range"),
        ("rewards.2.colour", 1, "rewards.2.colour", "unknown_key"),
        ("hold_days", 366, "hold_days", "out_of_range"),
        ("approval", "maybe", "approval", "not_a_choice"),
        ("eligibility", "all", "eligibility", "not_an_object"),
        ("eligibility.countries", ["de"], "eligibility.countries.0", "invalid_format"),
        ("eligibility.countries", ["DE", "DE"], "eligibility.countries", "duplicate"),
        ("eligibility.age", 18, "eligibility.age", "unknown_key"),
        ("eligibility.conditions", [], "eligibility.conditions", "not_an_object"),
        ("eligibility.conditions", {}, "eligibility.conditions.all", "one_of"),
        ("eligibility.conditions", {"all": [], "any": []}, "eligibility.conditions.any", "one_of"),
        ("eligibility.conditions.all", [], "eligibility.conditions.all", "required"),
        ("eligibility.conditions.all.1.any", [], "eligibility.conditions.all.1.any", "required"),
        ("eligibility.conditions.all", {}, "eligibility.conditions.all", "not_a_list"),
        ("eligibility.conditions.all.0", 1, "eligibility.conditions.all.0", "not_an_object"),
        ("eligibility.conditions.some", [], "eligibility.conditions.some", "unknown_key"),
        ("eligibility.conditions.all.0.fact", "age", "eligibility.conditions.all.0.fact", "not_a_choice"),
        ("eligibility.conditions.all.0.op", "contains", "eligibility.conditions.all.0.op", "not_a_choice"),
        ("eligibility.conditions.all.0.value", [3, 0], "eligibility.conditions.all.0.value", "not_rising"),
        ("eligibility.conditions.all.0.value", [3], "eligibility.conditions.all.0.value", "required"),
        ("eligibility.conditions.all.0.value", 3, "eligibility.conditions.all.0.value", "not_a_list"),
        ("eligibility.conditions.all.0.unit", "EUR", "eligibility.conditions.all.0.unit", "unknown_key"),
        (
            "eligibility.conditions.all.1.any.0.value",
            1.5,
            "eligibility.conditions.all.1.any.0.value",
            "not_text",
        ),
        (
            "eligibility.conditions.all.1.any.1.none.0",
            {"all": [{"fact": "customer.country", "op": "is_known"}]},
            "eligibility.conditions.all.1.any.1.none.0.all",
            "too_deep",
        ),
        (
            "eligibility.conditions.all.1.any.1.none.0.value",
            [],
            "eligibility.conditions.all.1.any.1.none.0.value",
            "required",
        ),
        (
            "eligibility.conditions.all.1.any.2.value",
            1,
            "eligibility.conditions.all.1.any.2.value",
            "unknown_key",
        ),
        ("rewards.0.conditions.all.0.value", "sms", "rewards.0.conditions.all.0.value", "not_a_list"),
        (
            "rewards.2.conditions",
            {"all": [{"fact": "order.quantity", "op": "at_least", "value": 2}]},
            "rewards.2.conditions",
            "not_allowed",
        ),
        (
            "rewards.3.conditions",
            {"all": [{"fact": "customer.country", "op": "is_known"}]},
            "rewards.3.conditions",
            "not_allowed",
        ),
        ("payout_minimum_minor", -1, "payout_minimum_minor", "out_of_range"),
        ("allowed_hosts", ["https://shop.example"], "allowed_hosts.0", "invalid_format"),
        ("allowed_hosts", [None], "allowed_hosts.0", "invalid_format"),
        ("terms_text", "x" * 20_001, "terms_text", "too_long"),
        ("terms_text", "nul\x00", "terms_text", "invalid_characters"),
        ("terms_text", "half \udc00", "terms_text", "invalid_characters"),
    ],
)
def test_one_wrong_field_is_the_one_named(path: str, value: object, param: str, code: str) -> None:
    document = full_document()
    set_at(document, path, value)
    assert faults(document) == [(param, code)]


def test_a_sign_up_has_no_percentage() -> None:
    document = full_document()
    document["rewards"][0] |= {
        "event": "signup",
        "minimum_order_minor": 0,
        "tiers": [],
        "items": None,
        "base": "revenue",
    }
    assert faults(document) == [("rewards.0.amount", "not_fixed")]


@pytest.mark.parametrize(
    ("position", "change", "found"),
    [
        (0, {"nth": 2, "first_only": True}, [("nth", "not_allowed")]),
        (0, {"items": {}}, [("items.skus", "required")]),
        (0, {"items": {"skus": [""]}}, [("items.skus.0", "blank")]),
        (0, {"items": {"skus": ["A", "A"]}}, [("items.skus", "duplicate")]),
        (0, {"items": {"skus": ["A"], "brand": "x"}}, [("items.brand", "unknown_key")]),
        (0, {"base": "profit"}, [("base", "not_a_choice")]),
        (0, {"expiry_days": 30}, [("expiry_days", "not_allowed")]),
        (0, {"custom": {"name": "A day"}}, [("custom", "not_allowed")]),
        (0, {"milestone": {"basis": "friends", "at_least": 5}}, [("milestone", "not_allowed")]),
        (0, {"kind": "gift_card", "amount": None}, [("amount", "required")]),
        (
            0,
            {"event": "signup"},
            [
                ("amount", "not_fixed"),
                ("minimum_order_minor", "not_allowed"),
                ("items", "not_allowed"),
                ("base", "not_allowed"),
                ("tiers", "not_allowed"),
            ],
        ),
        (3, {"milestone": None}, [("milestone", "required")]),
        (3, {"side": "referee"}, [("side", "not_allowed")]),
        (3, {"custom": None}, [("custom", "required")]),
        (3, {"custom": {"name": "x", "sku": "y"}}, [("custom.sku", "unknown_key")]),
        (3, {"amount": {"type": "percentage", "bps": 5}}, [("amount", "not_fixed"), ("amount", "not_fixed")]),
        (3, {"milestone": {"basis": "streak", "at_least": 1}}, [("milestone.at_least", "out_of_range")]),
        (3, {"milestone": {"basis": "revenue", "at_least": 99}}, [("milestone.at_least", "out_of_range")]),
        (
            3,
            {"nth": 3, "duration_months": 2, "new_customers_only": True, "group": "g"},
            [(key, "not_allowed") for key in ("nth", "duration_months", "new_customers_only", "group")],
        ),
        (3, {"first_only": True}, [("first_only", "not_allowed")]),
        (
            3,
            {"kind": "points", "custom": None, "amount": {"type": "fixed", "minor": 5}, "tiers": tiers_of(5)},
            [("tiers", "not_allowed")],
        ),
    ],
)
def test_a_reward_says_nothing_that_means_nothing(
    position: int, change: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    document = full_document()
    document["rewards"][position] |= change
    assert faults(document) == [(f"rewards.{position}.{key}", code) for key, code in found]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"limit_minor": None}, [("caps.0.limit_minor", "required")]),
        ({"pause": True}, [("caps.0.pause", "not_allowed")]),
        ({"key": "A b"}, [("caps.0.key", "invalid_format")]),
        ({"key": "budget"}, [("caps", "duplicate")]),
        ({"rules": ["Not a key"]}, [("caps.0.rules.0", "invalid_format")]),
        (
            {"period": "hour", "limit_count": 0},
            [("caps.0.period", "not_a_choice"), ("caps.0.limit_count", "out_of_range")],
        ),
    ],
)
def test_a_cap_limits_something(change: dict[str, Any], found: list[tuple[str, str]]) -> None:
    document = full_document()
    document["caps"][0] |= change
    assert faults(document) == found


def test_the_custom_model_needs_weights() -> None:
    document = full_document()
    document["attribution"] |= {"custom_weights": [], "channel_weights": {}}
    assert faults(document) == [("attribution.custom_weights", "required")]
    document["attribution"]["channel_weights"] = {"email": 0}
    assert parse_terms(document).attribution.channel_weights == (("email", 0),)


def test_points_may_outnumber_the_cents() -> None:
    document = full_document()
    document["rewards"][0] |= {"kind": "points", "amount": {"type": "percentage", "bps": 20_000}}
    assert parse_terms(document).rewards[0].amount == PercentageAmount(bps=20_000)


def test_all_faults_are_reported_at_once() -> None:
    document = {
        "currency": "XXX",
        "rewards": [{"key": "a", "amount": {"type": "fixed"}}, None],
        "hold_days": "30",
        "extra": 1,
    }
    with pytest.raises(TermsInvalid) as caught:
        parse_terms(document)
    assert [(fault.param, fault.code) for fault in caught.value.errors] == [
        ("schema", "required"),
        ("currency", "unknown_currency"),
        ("rewards.1", "not_an_object"),
        ("rewards.0.kind", "required"),
        ("rewards.0.side", "required"),
        ("rewards.0.event", "required"),
        ("rewards.0.amount.minor", "required"),
        ("hold_days", "not_an_integer"),
        ("extra", "unknown_key"),
    ]
    assert caught.value.code == "terms_invalid"
    assert caught.value.param == "schema"
    assert caught.value.message == "This field is required."
    assert caught.value.details["errors"][1] == {
        "param": "currency",
        "code": "unknown_currency",
        "message": "The currency is not an active ISO 4217 code.",
    }


@pytest.mark.parametrize("document", [None, [], "{}", 1, 1.5, True])
def test_terms_must_be_an_object(document: object) -> None:
    assert faults(document) == [("", "not_an_object")]


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example",
        "https://shop.example/",
        "HTTPS://Shop.Example:8443/a/b?c=d&e=%20#f",
        "http://www.shop.example?x",
    ],
)
def test_destinations_on_an_allowed_host(url: str) -> None:
    assert parse_terms(full_document() | {"destination_url": url}).destination_url == url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://evil.example/", "host_not_allowed"),
        ("https://shop.example.evil.example/", "host_not_allowed"),
        ("https://evilshop.example/", "host_not_allowed"),
        ("//shop.example/", "invalid_format"),
        ("javascript:alert(1)", "invalid_format"),
        ("https://user@shop.example/", "invalid_format"),
        ("https://shop.example\\@evil.example/", "invalid_format"),
        ("https://shop.example/\\evil", "invalid_format"),
        ("https://shop.example:99999/", "invalid_format"),
        ("https://shop..example/", "invalid_format"),
        ("https://-shop.example/", "invalid_format"),
        ("https://shop.example/ü", "invalid_format"),
        ("httpſ://shop.example/", "invalid_format"),
        ("https://[::1]/", "invalid_format"),
        ("https://shop.example/ ", "invalid_format"),
        ("https://shop.example/\n", "invalid_format"),
        ("https://shop.example/" + "a" * 2048, "too_long"),
    ],
)
def test_destinations_elsewhere(url: str, code: str) -> None:
    assert faults(full_document() | {"destination_url": url}) == [("destination_url", code)]


def test_without_allowed_hosts_any_host_will_do() -> None:
    document = full_document() | {"allowed_hosts": [], "destination_url": "https://other.example/"}
    assert parse_terms(document).destination_url == "https://other.example/"


def test_what_is_missing_before_publishing() -> None:
    assert [(fault.param, fault.code) for fault in publish_errors(ProgramTerms(currency="EUR"))] == [
        ("destination_url", "required"),
        ("rewards", "required"),
    ]
    assert publish_errors(full_terms()) == ()


@given(program_terms())
def test_documents_round_trip_through_json(terms: ProgramTerms) -> None:
    document = json.loads(json.dumps(dump_terms(terms)))
    assert parse_terms(document) == terms
    assert dump_terms(parse_terms(document)) == document
    assert len(summary(terms)) == len(terms.rewards)
    assert all(sentence.endswith(".") for sentence in summary(terms))


garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def paths(value: Any, prefix: str = "") -> list[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = []
    for key, inner in items:
        found += [f"{prefix}{key}", *paths(inner, f"{prefix}{key}.")]
    return found


def refused_or_sound(document: object) -> None:
    try:
        terms = parse_terms(document)
    except TermsInvalid as refused:
        # An answer must be able to carry the faults, whatever the keys were made of.
        json.dumps(refused.details, ensure_ascii=False).encode()
    else:
        assert parse_terms(dump_terms(terms)) == terms
        summary(terms)


@given(garbage | st.fixed_dictionaries({}, optional=dict.fromkeys(full_document(), garbage)))
def test_garbage_is_refused_by_name(document: object) -> None:
    refused_or_sound(document)


@given(st.sampled_from(paths(full_document())), garbage)
def test_one_spoilt_field_never_breaks_the_reader(path: str, value: object) -> None:
    document = copy.deepcopy(full_document())
    set_at(document, path, value)
    refused_or_sound(document)


@pytest.mark.parametrize(
    ("position", "value", "param", "code"),
    [
        (0, tiers_of(5, 5), "rewards.0.tiers.1.at_least", "not_rising"),
        (0, tiers_of(5, 10, 7), "rewards.0.tiers.2.at_least", "not_rising"),
        (0, tiers_of(1), "rewards.0.tiers.0.at_least", "out_of_range"),
        (0, tiers_of(*range(2, 13)), "rewards.0.tiers", "too_many"),
        (0, [{"at_least": 5}], "rewards.0.tiers.0.amount", "required"),
        (0, [{"at_least": 5, "amount": 5}], "rewards.0.tiers.0.amount", "not_an_object"),
        (0, [{**tiers_of(5)[0], "sku": "x"}], "rewards.0.tiers.0.sku", "unknown_key"),
        (1, tiers_of(5), "rewards.1.tiers", "not_allowed"),
    ],
)
def test_tiers_rise_and_stand_where_they_mean_something(
    position: int, value: object, param: str, code: str
) -> None:
    document = full_document()
    document["rewards"][position]["tiers"] = value
    with pytest.raises(TermsInvalid) as caught:
        parse_terms(document)
    assert [(fault.param, fault.code) for fault in caught.value.errors] == [(param, code)]


@pytest.mark.parametrize("change", [{"kind": "discount"}, {"event": "signup"}])
def test_a_referrers_gift_or_sign_up_has_no_tiers(change: dict[str, Any]) -> None:
    rule: dict[str, Any] = {
        "key": "a",
        "side": "referrer",
        "event": "purchase",
        "kind": "cash",
        "amount": {"type": "fixed", "minor": 500},
        "discount": {"type": "fixed", "minor": 500} if "kind" in change else None,
        "tiers": tiers_of(5),
    }
    with pytest.raises(TermsInvalid) as caught:
        parse_terms({"schema": 1, "currency": "EUR", "rewards": [rule | change]})
    assert [fault.param for fault in caught.value.errors] == ["rewards.0.tiers"]


def test_the_tier_reached_gives_the_amount() -> None:
    rule = full_terms().rewards[0]
    found = [rule.amount_for(friends) for friends in (1, 4, 5, 9, 10, 1000)]
    base, middle, top = rule.amount, rule.tiers[0].amount, rule.tiers[1].amount
    assert found == [base, base, middle, middle, top, top]


def test_tiers_may_count_revenue_and_belong_to_the_friend_too() -> None:
    document = full_document()
    document["rewards"][0] |= {
        "side": "referee",
        "tier_basis": "revenue",
        "tiers": tiers_of(1, 5000, 900_000),
    }
    rule = parse_terms(document).rewards[0]
    assert [rule.tier_at(revenue) for revenue in (0, 1, 4999, 5000, 10**12)] == [0, 1, 1, 2, 3]
    document["rewards"][0]["tiers"] = tiers_of(5000, 5000)
    assert faults(document) == [("rewards.0.tiers.1.at_least", "not_rising")]


def test_what_a_cap_and_a_group_rest_on_is_missed_before_publishing() -> None:
    document = full_document()
    document["caps"][1]["rules"] = ["referrer-purchase", "gone"]
    for rule in document["rewards"][:3]:
        rule["group"] = "best"
    document["rewards"].append(
        {
            "key": "more",
            "side": "referrer",
            "event": "purchase",
            "kind": "points",
            "group": "best",
            "amount": {"type": "fixed", "minor": 5},
        }
    )
    assert [(fault.param, fault.code) for fault in publish_errors(parse_terms(document))] == [
        ("caps.1.rules", "unknown_reward"),
        ("rewards.2.amount", "required"),
        ("rewards.4.group", "unit_differs"),
    ]
