"""How short codes look: the random ones are readable, the chosen ones are checked. Pure but for the dice."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterator
from typing import Final

from core.errors import Invalid

# No 0 o 1 l i, which people mistake for each other, and no vowels, so that no words come out.
ALPHABET: Final = "bcdfghjkmnpqrstvwxyz23456789"
_RESERVED_WORDS = (
    "about abuse account accounts admin api app apps assets auth billing blog checkout contact dashboard "
    "demo docs embed help home index info join legal login logout mail media new news null official owner "
    "portal privacy public root sales search security settings shop sign-in sign-out sign-up signin signout "
    "signup static status store support system team terms test undefined user users webhook webhooks www"
)
RESERVED: Final = frozenset(_RESERVED_WORDS.split())

_CODE = re.compile("[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])")
_FIRST_LENGTH = 3
_TRIES_AT_A_LENGTH = 4
_LONGEST = 10


def check_code(code: str, *, param: str = "code") -> str:
    """Return a chosen code without blanks around it, as it was typed; codes compare in small letters.

    Raises Invalid for anything but 3 to 40 of a-z, 0-9 and hyphens inside, and for reserved words.
    """
    text = code.strip(" ")
    if not _CODE.fullmatch(text.lower()) or not text.isascii():
        raise Invalid(
            "A code is 3 to 40 letters a-z, digits and hyphens, with no hyphen at either end.",
            code="invalid_format",
            param=param,
        )
    if text.lower() in RESERVED:
        raise Invalid("This code is reserved.", code="reserved", param=param)
    return text


def readable_codes(name: str) -> Iterator[str]:
    """Propose codes such as `ana-k3f` for a name; the random part grows as proposals are turned down."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub("[^a-z0-9]+", "-", plain).strip("-")[:20].strip("-") or "friend"
    for length in range(_FIRST_LENGTH, _LONGEST + 1):
        for _ in range(_TRIES_AT_A_LENGTH):
            yield f"{base}-{''.join(secrets.choice(ALPHABET) for _ in range(length))}"
