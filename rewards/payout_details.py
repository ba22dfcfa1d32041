"""What has to be known to pay somebody by each method: checked, and shortened to what may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.countries import country_codes
from core.errors import Invalid
from core.mailbox import normalise_mailbox
from core.text import clean_line
from rewards.bank_files.iban import compact, valid_iban

FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "bank": ("holder", "country", "iban", "account"),
    "paypal": ("email",),
    "stripe": (),
    "gift_card": ("email",),
}
"""What a person may say about themselves by method; a Stripe account is set up at Stripe."""

_SHORTEST_SHOWN: Final = 9


def checked_details(method: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return the details of a payout account, cleaned: of a bank account its holder, country and number.

    The number is an `iban`, or free text in `account` where there is none; a mailbox is an address that mail
    can reach. Raises Invalid naming the field.
    """
    for name, value in given.items():
        if value and name not in FIELDS[method]:
            raise Invalid(f"This method has no field {name!r}.", code="unknown_field", param=name)
    if method == "bank":
        return _bank(given)
    return {"email": _mailbox(given.get("email", ""))} if "email" in FIELDS[method] else {}


def label_of(method: str, details: Mapping[str, str]) -> str:
    """Return enough of the details to recognise them, and too little to use them: "DE…3438".

    Of an address the first letter and the ending after the last dot are left.
    """
    if iban := details.get("iban"):
        return f"{iban[:2]}…{iban[-4:]}"
    if email := details.get("email"):
        return f"{email[0]}…@….{email.rpartition('.')[2]}"[:80]
    number = "".join(details.get("account", "").split())
    return f"…{number[-4:]}" if len(number) >= _SHORTEST_SHOWN else "…"


def as_line(details: Mapping[str, str]) -> str:
    """Return where the money goes in one line, in full: an IBAN, an account, an address, a provider's id."""
    return next(
        (details[name] for name in ("iban", "account", "email", "account_id") if details.get(name)), ""
    )


def checked_country(text: str) -> str:
    """Return a country's code in capitals. Raises Invalid naming `country`."""
    country = text.strip().upper()
    if country not in country_codes():
        raise Invalid("A country is an ISO 3166 code of two letters.", code="invalid_format", param="country")
    return country


def _bank(given: Mapping[str, str]) -> dict[str, str]:
    holder = clean_line(given.get("holder", ""), param="holder", longest=70, required=True)
    country = checked_country(given.get("country", ""))
    iban = compact(clean_line(given.get("iban", ""), param="iban", longest=50))
    account = clean_line(given.get("account", ""), param="account", longest=120)
    if iban and account:
        raise Invalid("Give an IBAN or another account number, not both.", code="both", param="account")
    if iban and not valid_iban(iban):
        raise Invalid("This is not an IBAN: its check digits do not fit.", code="invalid_iban", param="iban")
    if not iban and not account:
        raise Invalid(
            "Give the IBAN, or the account number where there is none.", code="required", param="iban"
        )
    if account and valid_iban(account):
        iban, account = compact(account), ""
    named = {"iban": iban} if iban else {"account": account}
    return {"holder": holder, "country": country, **named}


def _mailbox(text: str) -> str:
    email = clean_line(text, param="email", longest=254, required=True)
    try:
        normalise_mailbox(email)
    except ValueError:
        raise Invalid("Enter a valid email address.", code="invalid_format", param="email") from None
    return email
