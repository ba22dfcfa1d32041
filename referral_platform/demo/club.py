"""The demo's club, whose rewards are things, and what people spend their points on."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts.services import SYSTEM
from core.errors import Conflict
from programs import services as program_services
from programs.models import Participant
from programs.terms import CapTerms, CustomTerms, FixedAmount, PercentageAmount, ProductTerms, RewardRule
from referral_platform.demo import cast
from referral_platform.demo.stage import Stage
from rewards import services as reward_services
from rewards.models import CatalogueItem, Fulfilment, Reward
from rewards.services import ItemFacts
from tracking import services as tracking_services
from tracking.models import CODES_USED, Conversion

HOST: Final = 9_700
"""The number of the member who brings friends; theirs follow."""

CODE: Final = "CLUB-9700"
RULES: Final = (
    RewardRule(
        key="club-code",
        side="referrer",
        event="purchase",
        kind="discount",
        amount=None,
        discount=PercentageAmount(bps=1500),
        expiry_days=180,
    ),
    RewardRule(
        key="club-mug",
        side="referrer",
        event="purchase",
        kind="product",
        amount=FixedAmount(minor=900),
        product=ProductTerms(sku="MUG-LUMEN", name="Lumen mug"),
    ),
    RewardRule(
        key="club-gift-card",
        side="referrer",
        event="purchase",
        kind="gift_card",
        amount=FixedAmount(minor=1_000),
    ),
    RewardRule(
        key="club-seat",
        side="referrer",
        event="purchase",
        kind="custom",
        amount=None,
        custom=CustomTerms(name="Seat at the roasting"),
    ),
    RewardRule(
        key="club-credit",
        side="referee",
        event="purchase",
        kind="credit",
        amount=FixedAmount(minor=400),
        first_only=True,
        expiry_days=14,
    ),
)
BUDGET: Final = CapTerms(key="club-budget", scope="program", period="lifetime", limit_minor=7_900)
"""Three friends' rewards are more than four fifths of it."""
ITEMS: Final = (
    ItemFacts(name="€5 store credit", kind="credit", points=20, value_minor=500, currency="EUR"),
    ItemFacts(name="10 % off", kind="discount", points=10, details={"percent_bps": 1000}),
    ItemFacts(name="Bag of espresso", kind="product", points=15, details={"sku": "BEAN-ESP"}, stock=12),
    ItemFacts(name="Barista course", kind="custom", points=400, stock=0),
)


def open_club(stage: Stage, at: datetime) -> None:
    """Take a member in, with a code; and offer what points buy."""
    participant, _ = program_services.enrol_participant(
        program=stage.programs["club"], customer=stage.customer(HOST, at), actor=SYSTEM, at=at
    )
    stage.codes[HOST] = program_services.create_promo_code(
        participant=participant, code=CODE, actor=stage.olga, at=at
    )
    for facts in ITEMS:
        reward_services.create_item(workspace=stage.workspace, facts=facts, actor=stage.olga, at=at)


def buy(stage: Stage, at: datetime) -> None:
    """Three friends buy with the member's code."""
    for number in range(1, 4):
        _order(stage, HOST + number, at, code=True)


def buy_again(stage: Stage, at: datetime) -> None:
    """A fourth friend buys, in the place of the one whose order came back."""
    _order(stage, HOST + 4, at, code=True)


def hand_over(stage: Stage, at: datetime) -> None:
    """Send one mug and one gift card; have a seat refused by the shop's own booking system."""
    _done(stage, "product", {"reference": "DHL 00340434161094", "details": {"note": "It is on its way."}}, at)
    link = "https://gifts.lumen-coffee.example/c/7Q2M"
    _done(stage, "gift_card", {"reference": "GC-2041", "details": {"link": link}}, at)
    reward_services.set_give_url(
        workspace=stage.workspace, url="https://booking.lumen-coffee.example/seats", actor=stage.olga
    )
    seat = _first(stage, "custom")
    reward_services.retry_fulfilment(fulfilment=seat, actor=stage.olga, at=at)
    reward_services.fail_fulfilment(fulfilment=seat, failure="Your system answered 422.", at=at)
    reward_services.set_give_url(workspace=stage.workspace, url="", actor=stage.olga)


def use_and_send_back(stage: Stage, at: datetime) -> None:
    """The member uses a code; a friend sends the order back, and what it earned is called off."""
    issued = Fulfilment.objects.for_workspace(stage.workspace).filter(kind="discount", status="done")
    first = issued.filter(customer=stage.customers[HOST]).order_by("pk")[0]
    _order(stage, HOST, at, used=first.code)
    back: Conversion = Conversion.objects.for_workspace(stage.workspace).get(source_key=f"club-{HOST + 3}")
    tracking_services.record_refund(
        conversion=back,
        source_key=f"club-{HOST + 3}-back",
        amount_minor=back.amount_minor,
        occurred_at=at,
        at=at,
    )


def redeem(stage: Stage, at: datetime) -> None:
    """Two creators spend their points: on a code, and on coffee."""
    items = {item.name: item for item in CatalogueItem.objects.for_workspace(stage.workspace).order_by("pk")}
    wishes = [items["10 % off"], items["Bag of espresso"]]
    rich = Participant.objects.for_workspace(stage.workspace).filter(
        program=stage.programs["creators"], customer__accounts__kind="points"
    )
    for participant in rich.select_related("customer").order_by("-customer__accounts__balance_minor", "pk"):
        if not wishes:
            return
        try:
            reward_services.redeem_points(
                customer=participant.customer,
                participant=participant,
                item=wishes[0],
                key=f"demo:{participant.public_id}",
                at=at,
            )
        except Conflict:
            return
        wishes.pop(0)


def _order(stage: Stage, person: int, at: datetime, *, code: bool = False, used: str = "") -> None:
    tracking_services.record_conversion(
        workspace=stage.workspace,
        fact=tracking_services.ConversionFact(
            kind=Conversion.Kind.PURCHASE,
            customer=stage.customer(person, at),
            source="api",
            source_key=f"club-{person}",
            amount_minor=4_200,
            currency=cast.CURRENCY,
            promo_codes=[stage.codes[HOST]] if code else [],
            metadata={CODES_USED: [used]} if used else None,
            occurred_at=at,
            at=at,
        ),
    )


def _first(stage: Stage, kind: str) -> Fulfilment:
    rows = Fulfilment.objects.for_workspace(stage.workspace).filter(
        kind=kind, status=Fulfilment.Status.TODO, reward__status=Reward.Status.APPROVED
    )
    found: Fulfilment = rows.order_by("pk")[0]
    return found


def _done(stage: Stage, kind: str, what: dict[str, object], at: datetime) -> None:
    reward_services.complete_fulfilment(
        fulfilment=_first(stage, kind),
        reference=str(what["reference"]),
        details=what["details"],  # type: ignore[arg-type]
        actor=stage.olga,
        at=at,
    )
