"""What can happen in the demo's story: the actions, and the scenes that date them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

Program = Literal["friends", "creators", "tasting"]
Label = Literal["fraud", "fine"]
"""The truth about an order or a sign-up."""


@dataclass(frozen=True, slots=True)
class Enrol:
    """Person `person` joins a program; `payout` says whether they left an account for their money."""

    person: int
    program: Program
    payout: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody, or something, requests a participant's link."""

    key: int
    participant: int
    visitor: int
    facts: dict[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class SignUp:
    """Visitor becomes a customer; `visit` is the click they came by."""

    person: int
    visit: int
    country: str


@dataclass(frozen=True, slots=True)
class Buy:
    """A customer buys. `visit` or `code_of` (a participant) is how they came, if they say so.

    `shop` orders come in by the shop's webhooks, the others through the API. `traces` are the fields of
    `tracking.identifiers.Traces` that the shop's server tells.
    """

    order: int
    person: int
    amount_minor: int
    visit: int | None = None
    code_of: int | None = None
    shop: bool = False
    label: Label = "fine"
    traces: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Some of an order's amount is refunded."""

    order: int
    percent: int


Action = Enrol | Visit | SignUp | Buy | GiveBack


@dataclass(frozen=True, slots=True)
class Scene:
    """One action at its time from the start."""

    after: timedelta
    action: Action
