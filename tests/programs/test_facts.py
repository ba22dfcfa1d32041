from programs.facts import ChangeShown, changes, facts
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
