"""Reduces e-mail addresses to the mailbox they reach, so that one person's addresses compare as equal."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Provider:
    """How a mail provider reads the part before the @."""

    domain: str
    tag: str = "+"
    ignores_dots: bool = False


_GMAIL = _Provider("gmail.com", ignores_dots=True)
_ICLOUD = _Provider("icloud.com")
_PROTON = _Provider("proton.me")
_PROVIDERS: Mapping[str, _Provider] = {
    # Several domains of one provider stand together only where they reach the same mailbox.
    "gmail.com": _GMAIL,
    "googlemail.com": _GMAIL,
    "icloud.com": _ICLOUD,
    "me.com": _ICLOUD,
    "mac.com": _ICLOUD,
    "proton.me": _PROTON,
    "protonmail.ch": _PROTON,
    "protonmail.com": _PROTON,
    "pm.me": _PROTON,
    # Yahoo's disposable addresses put a keyword behind a hyphen, which ordinary Yahoo names cannot contain.
    "yahoo.com": _Provider("yahoo.com", tag="-"),
    **{
        domain: _Provider(domain)
        for domain in (
            "fastmail.com",
            "fastmail.fm",
            "hey.com",
            "hotmail.com",
            "live.com",
            "msn.com",
            "outlook.com",
            "yandex.com",
            "yandex.ru",
            "zoho.com",
        )
    },
}
_MAX_EMAIL = 320


def normalise_mailbox(email: str) -> str:
    """Reduce an e-mail address to the mailbox it reaches, for comparison and never for sending.

    Lower case everywhere, compatibility forms folded, the domain in ASCII (Punycode by IDNA 2003, without a
    final dot). At providers known for it, what follows the tag sign is cut, dots Gmail ignores are dropped,
    and domains that reach the same mailbox become one. Raises ValueError, without the address in it, for what
    is no address.
    """
    if len(email) > _MAX_EMAIL:
        raise ValueError("email is too long")
    local, _, domain = unicodedata.normalize("NFKC", email.strip()).lower().rpartition("@")
    if not local or re.search(r"\s", local + domain):
        raise ValueError("email is not an address")
    try:
        domain = domain.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError("email has no valid domain") from None
    if not domain:
        raise ValueError("email has no valid domain")
    provider = _PROVIDERS.get(domain)
    if provider is None:
        return f"{local}@{domain}"
    base = local.partition(provider.tag)[0]
    if provider.ignores_dots:
        base = base.replace(".", "")
    return f"{base or local}@{provider.domain}"
