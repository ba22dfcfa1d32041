"""Reduces e-mail addresses to the mailbox they reach, so that one person's addresses compare as equal.

What each provider does with the part before the @ is its own documentation's word; only domains that are
known to belong to a provider are treated so. QQ, GMX and AOL know no tags, and a company's own domain may
mean anything by a plus sign.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Provider:
    """How a mail provider reads the part before the @.

    What follows `tag` is cut, the signs in `ignored` are dropped, and with `hyphen_is_dot` a hyphen is a dot.
    With `names_in_domain`, any address at `ana.domain` reaches `ana@domain`.
    """

    domain: str
    tag: str = "+"
    ignored: str = ""
    hyphen_is_dot: bool = False
    names_in_domain: bool = False


def _same(domains: str, provider: _Provider) -> dict[str, _Provider]:
    """Return domains that all reach the provider's one mailbox."""
    return dict.fromkeys(domains.split(), provider)


def _each(domains: str, tag: str = "+", *, names_in_domain: bool = False) -> dict[str, _Provider]:
    """Return domains where the same name is another person's on each."""
    return {domain: _Provider(domain, tag, names_in_domain=names_in_domain) for domain in domains.split()}


def _countries(name: str, countries: str) -> str:
    return " ".join(f"{name}.{country}" for country in countries.split())


_PROVIDERS: Mapping[str, _Provider] = {
    **_same("gmail.com googlemail.com", _Provider("gmail.com", ignored=".")),
    **_same("icloud.com me.com mac.com", _Provider("icloud.com")),
    **_same("proton.me protonmail.ch protonmail.com pm.me", _Provider("proton.me", ignored=".-_")),
    # Yandex opens every name on all its domains at once, and takes a dot for a hyphen.
    **_same(
        "ya.ru "
        + _countries(
            "yandex",
            "az by co.il com com.am com.ge com.tr ee fr kg kz lt lv md net ru tj tm ua uz",
        ),
        _Provider("yandex.ru", hyphen_is_dot=True),
    ),
    # Yahoo's disposable addresses put a keyword behind a hyphen, which ordinary Yahoo names cannot contain.
    **_each(
        "myyahoo.com rocketmail.com y7mail.com ymail.com "
        + _countries(
            "yahoo",
            "at be bg ca cl co.id co.il co.in co.kr co.nz co.th co.uk co.za com com.ar com.au com.br com.co"
            " com.hk com.hr com.mx com.my com.pe com.ph com.sg com.tr com.tw com.ua com.ve com.vn cz de dk ee"
            " es fi fr gr hr hu ie in it lt lv nl no pl pt ro se sk",
        ),
        "-",
    ),
    **_each(
        "msn.com passport.com windowslive.com "
        + _countries(
            "hotmail",
            "at be ca cl co.il co.nz co.th co.uk com com.ar com.au com.br com.gr com.mx com.pe com.tr com.vn"
            " cz de dk es fr hu id ie in it jp kr lv my nl no ph pt sa se sg sk",
        )
        + " "
        + _countries(
            "outlook",
            "at be cl co.id co.il co.nz co.th com com.ar com.au com.br com.gr com.pe com.tr com.vn cz de dk"
            " es fr hu ie in it jp kr lv my ph pt sa sg sk",
        )
        + " "
        + _countries(
            "live", "at be ca cl cn co.uk com com.ar com.au com.mx com.pt de dk es fr ie it nl no se"
        ),
    ),
    # https://www.fastmail.com/about/ourdomains/, and its "subdomain addressing".
    **_each(
        "123mail.org 150mail.com airpost.net allmail.net cluemail.com elitemail.org eml.cc emailcorner.net"
        " fast-email.com fast-mail.org fastem.com fastemail.us fastest.cc fastimap.com fastmailbox.net"
        " fastmessaging.com fea.st fmail.co.uk fmailbox.com fmgirl.com fmguy.com ftml.net hailmail.net"
        " imap-mail.com imap.cc imapmail.org inoutbox.com internet-e-mail.com internet-mail.org"
        " internetemails.net jetemail.net justemail.net letterboxes.org mail-central.com mail-page.com"
        " mailas.com mailbolt.com mailc.net mailcan.com mailforce.net mailhaven.com mailingaddress.org"
        " mailite.com mailmight.com mailnew.com mailsent.net mailservice.ms mailup.net mailworks.org"
        " messagingengine.com ml1.net mm.st myfastmail.com mymacmail.com nospammail.net ownmail.net"
        " petml.com postinbox.com postpro.net proinbox.com promessage.com reallyfast.biz reallyfast.info"
        " rushpost.com sent.as sent.at sent.com speedpost.net speedymail.org ssl-mail.com swift-mail.com"
        " the-fastest.net the-quickest.com theinternetemail.com veryfast.biz veryspeedy.net warpmail.net"
        " xsmail.com yepmail.net your-mail.com "
        + _countries("fastmail", "cn co.uk com com.au de es fm fr im in jp mx net nl org se to tw uk us"),
        names_in_domain=True,
    ),
    **_each(
        "hey.com mailbox.org pobox.com posteo.de posteo.net zoho.com zoho.eu zoho.in zohomail.com zohomail.eu"
    ),
}
_MAX_EMAIL = 320


def normalise_mailbox(email: str) -> str:
    """Reduce an e-mail address to the mailbox it reaches, for comparison and never for sending.

    Lower case everywhere, compatibility forms folded, the domain in ASCII (see `normalise_domain`). At
    providers known for it, what follows the tag sign is cut, signs they ignore are dropped, and domains that
    reach the same mailbox become one. Raises ValueError, without the address in it, for what is no address.
    """
    if len(email) > _MAX_EMAIL:
        raise ValueError("email is too long")
    local, _, domain = _folded(email).rpartition("@")
    if not local or re.search(r"\s", local + domain):
        raise ValueError("email is not an address")
    domain = _ascii(domain)
    provider = _PROVIDERS.get(domain)
    if provider is None:
        name, _, parent = domain.partition(".")
        provider = _PROVIDERS.get(parent)
        if provider is None or not provider.names_in_domain:
            return f"{local}@{domain}"
        local = name
    base = local.partition(provider.tag)[0]
    if provider.hyphen_is_dot:
        base = base.replace("-", ".")
    for sign in provider.ignored:
        base = base.replace(sign, "")
    return f"{base or local}@{provider.domain}"


def normalise_domain(domain: str) -> str:
    """Write a domain in small ASCII letters (Punycode by IDNA 2003), without a final dot.

    Raises ValueError, without the domain in it, for what cannot be one.
    """
    return _ascii(_folded(domain))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text.strip()).lower()


def _ascii(domain: str) -> str:
    try:
        name = domain.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if not name:
        raise ValueError("email has no valid domain")
    return name
