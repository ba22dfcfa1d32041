"""What every issuer of rewards speaks: a gift in, what was made of it out, or one of the four errors.

An issuer finds before it creates, by our reference, so that asking twice makes one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.providers.payouts import Wire


@dataclass(frozen=True, slots=True)
class Gift:
    """What is handed over. `reference` is ours and never changes; a discount is of `bps` or of the amount.

    `about` is the public id of the reward or redemption; `sku` and `item` are a product's number and name.
    """

    reference: str
    kind: str
    code: str = ""
    bps: int = 0
    amount_minor: int = 0
    currency: str = ""
    email: str = ""
    name: str = ""
    expires_at: datetime | None = None
    about: str = ""
    sku: str = ""
    item: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What came of it: the provider's own id, details for the owner, and whether it was used already.

    Of a cancellation: `told` says what was done, `kept` why its owner has it all the same.
    """

    reference: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    used: bool = False
    told: str = ""
    kept: str = ""


Issue = Callable[[Wire, Any, Gift], Given]
"""Makes or takes back one gift through a wire; the access is of the issuer's own kind."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A provider's side of handing over: which kinds, how one is made, and how it is taken back.

    `access` makes what opens its API of an address, a key, a secret and the connection's options.
    """

    kinds: Sequence[str]
    access: Callable[[str, str, str, Mapping[str, str]], Any]
    issue: Issue
    cancel: Issue
