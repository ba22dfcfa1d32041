"""Whether PayPal sent a webhook: RSA over what was sent when, with a certificate from PayPal's hosts only.

Signed is `transmission id|transmission time|webhook id|CRC-32 of the body in decimal`
(developer.paypal.com, "Verify webhook signature").
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from integrations.providers import ProviderError, Refused, Retry
from integrations.providers.payouts import Wire, members, text

MAX_CERTIFICATE: Final = 65_536
_PREFIX: Final = "paypal-"
_CERTIFICATE: Final = re.compile(
    r"https://api(?:-m)?(?:\.sandbox)?\.paypal\.com/v1/notifications/certs/[A-Za-z0-9._-]{1,120}"
)


def verify(headers: Mapping[str, str], body: bytes, secret: str, wire: Wire) -> bool:
    """Say whether PayPal signed `body` for the webhook whose id is `secret`.

    The certificate is fetched, once per address, after everything else about the message fits. Raises Retry
    where PayPal does not hand it out now, and nothing else.
    """
    given = {name.lower(): value for name, value in headers.items() if name.lower().startswith(_PREFIX)}
    url = given.get("paypal-cert-url", "")
    sent_id, sent_at = given.get("paypal-transmission-id", ""), given.get("paypal-transmission-time", "")
    if given.get("paypal-auth-algo") != "SHA256withRSA" or not (secret and sent_id and sent_at):
        return False
    if not _CERTIFICATE.fullmatch(url):
        return False
    try:
        signature = base64.b64decode(given.get("paypal-transmission-sig", ""), validate=True)
        signed = f"{sent_id}|{sent_at}|{secret}|{zlib.crc32(body)}".encode()
        certificate = _certificate(_fetched(wire, url))
    except Retry:
        raise
    except (ValueError, ProviderError):
        return False
    if not certificate.not_valid_before_utc <= wire.at <= certificate.not_valid_after_utc:
        return False
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def fingerprint(headers: Mapping[str, str], body: bytes) -> str:
    """Return what makes a message the same one again: the event's id, which repetitions keep."""
    return f"{text(members(body), 'id', 60) or '?'}:{hashlib.sha256(body).hexdigest()}"


def topic(headers: Mapping[str, str], body: bytes) -> str:
    """Return the kind of event, in lower case."""
    return text(members(body), "event_type", 80).lower()


_known: dict[str, bytes] = {}


def _fetched(wire: Wire, url: str) -> bytes:
    found = _known.get(url)
    if found is None:
        answer = wire.call("GET", url, headers={"accept": "application/x-pem-file"})
        if answer.status != 200:
            raise wire.problem(answer)
        if len(answer.body) > MAX_CERTIFICATE:
            raise Refused("This is no certificate.")
        if len(_known) >= 16:
            _known.clear()
        found = _known[url] = answer.body
    return found


@lru_cache(maxsize=16)
def _certificate(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificates(pem)[0]
