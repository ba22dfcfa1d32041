from programs.facts import ChangeShown, cap_sentences, changes, facts
from programs.terms import ProgramTerms, parse_terms
from tests.factories import terms


def test_facts_say_what_holds_for_every_reward() -> None:
    found = dict(facts(parse_terms(terms(hold_days=1, payout_minimum_minor=2500))))
    assert found == {
        "Headline": "Give 10 % off, get 10 %",
        "Links lead to": "https://shop.example/welcome",
        "Allowed hosts": "shop.example",
        "Credit goes by": "Last click",
        "Clicks count for": "90 days",
        "Codes count for": "90 days",
        "Clicks count for a sign-up for": "the same time",
        "First purchase after the sign-up": "any time",
        "Strongest source first": "manual, promo code, referral token, click, verified e-mail",
        "A friend stays with": "the first referrer",
        "A referral earns for": "ever",
        "Rewards are held for": "1 day",
        "Approval": "by itself after the hold",
        "Orders count from": "any amount",
        "Customers": "new ones only",
        "Countries": "all",
        "Paid out from": "€25.00",
        "Doubts hold a reward from": "50, and one finding of 100 refuses it",
    }
    empty = dict(facts(ProgramTerms(currency="EUR", approval="manual")))
    assert (empty["Links lead to"], empty["Allowed hosts"], empty["Approval"]) == (
        "nowhere yet",
        "–",
        "by a person",
    )


def test_changes_are_shown_with_added_and_removed_rewards_as_sentences() -> None:
    old = terms()
    new = terms(hold_days=7, terms_text="Be fair.", rewards=[old["rewards"][0]])
    attribution = {**old["attribution"], "lifetime_months": 1}
    new["attribution"] = attribution
    assert changes(parse_terms(old), parse_terms(new)) == [
        ChangeShown("attribution › lifetime months", "–", "1"),
        ChangeShown("reward referee-discount", "The referee gets a discount of 10 % for the sign-up.", "–"),
        ChangeShown("hold days", "30", "7"),
        ChangeShown("terms text", "–", "Be fair."),
    ]
    assert changes(parse_terms(old), parse_terms(old)) == []
    assert dict(facts(parse_terms(new)))["A referral earns for"] == "1 month"


def test_facts_name_rules_that_do_not_count_and_who_is_asked() -> None:
    fraud = {
        "hold_at": 40,
        "shadow": ["ring", "circular"],
        "off": ["same_ip"],
        "verify_email": True,
        "validation_url": "https://shop.example/validate",
        "validate_orders": True,
        "weights": {"ring": 80},
    }
    strict = parse_terms(terms(fraud=fraud))

    assert facts(strict)[-6:] == (
        ("Doubts hold a reward from", "40, and one finding of 100 refuses it"),
        ("Fraud rules on trial", "circle, ring"),
        ("Fraud rules turned off", "same network"),
        ("Friends confirm their e-mail", "before a reward is released"),
        ("Asked before approval", "https://shop.example/validate"),
        ("Orders", "confirmed by the shop"),
    )
    assert changes(parse_terms(terms()), strict)[:2] == [
        ChangeShown("fraud › hold at", "50", "40"),
        ChangeShown("fraud › weights › ring", "–", "80"),
    ]


CAPS = [
    {"key": "person", "scope": "participant", "period": "month", "limit_minor": 50_000},
    {"key": "all", "scope": "program", "period": "year", "limit_count": 9, "rules": ["referrer-credit"]},
]


def test_facts_say_who_approves_what_is_capped_and_what_lasts() -> None:
    plain = terms()
    credit = {**plain["rewards"][0], "base": "margin", "expiry_days": 90}
    document = terms(
        approval_above_minor=20_000,
        approval_score=30,
        approval_kinds=["cash", "gift_card"],
        tax_details_required=True,
        redemption_minimum=100,
        assumed_margin_bps=4000,
        expiry_warning_days=1,
        rewards=[credit, plain["rewards"][1]],
        caps=CAPS,
    )
    found = facts(parse_terms(document))
    assert [row for row in found if row not in facts(parse_terms(plain))] == [
        ("A person approves above", "€200.00"),
        ("A person approves from a fraud score of", "30"),
        ("A person approves", "cash, a gift card"),
        ("Paid out", "once the person has given their tax details"),
        ("Points are redeemed from", "100"),
        ("Warning before a reward expires", "1 day"),
        ("Margin of orders without a cost", "40 %"),
        ("Cap", "One person gets at most €500.00 a month."),
        ("Cap", "All people together get at most 9 rewards a year from “referrer-credit”."),
    ]
    assert cap_sentences(parse_terms(document), "participant") == ["One person gets at most €500.00 a month."]
    unsure = parse_terms({**document, "assumed_margin_bps": None, "expiry_warning_days": 0})
    assert dict(facts(unsure))["Margin of orders without a cost"] == "unknown"
    assert dict(facts(unsure))["Warning before a reward expires"] == "none"


def test_caps_and_amounts_are_compared_in_words() -> None:
    old = parse_terms(terms(caps=CAPS, approval_above_minor=100, assumed_margin_bps=1250))
    more = [{**CAPS[0], "limit_minor": 60_000}]
    new = parse_terms(terms(caps=more, approval_above_minor=250, assumed_margin_bps=None))
    assert changes(old, new) == [
        ChangeShown("approval above", "€1.00", "€2.50"),
        ChangeShown(
            "cap person",
            "One person gets at most €500.00 a month.",
            "One person gets at most €600.00 a month.",
        ),
        ChangeShown(
            "cap all", "All people together get at most 9 rewards a year from “referrer-credit”.", "–"
        ),
        ChangeShown("assumed margin", "12.5 %", "–"),
    ]
