"""The participant's links, and the ways to hand one on: each channel's address carries the channel's tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.db.models import QuerySet

from engagement.queries.addresses import landing_url, link_url, shared_url
from engagement.queries.offers import promises
from programs.models import Link, Participant
from programs.terms import ProgramTerms

MOST_LINKS: Final = 20

CHANNEL_WORDS: Final[dict[str, str]] = {
    "email": "E-mail",
    "link": "Copied link",
    "linkedin": "LinkedIn",
    "qr": "QR code",
    "share": "Shared from a phone",
    "sms": "Text message",
    "tiktok": "TikTok",
    "website": "Other websites",
    "whatsapp": "WhatsApp",
    "youtube": "YouTube",
}
"""Channels whose name is more than the tag with a capital letter."""


@dataclass(frozen=True, slots=True)
class ShareWay:
    """One tap that hands the link on; `href` opens another app or site."""

    channel: str
    label: str
    icon: str
    href: str


@dataclass(frozen=True, slots=True)
class ShareLink:
    """One of the participant's own links: the short address and the page that introduces it.

    `phone_url` goes through the phone's own share menu, together with `message`.
    """

    public_id: str
    code: str
    url: str
    landing_url: str
    phone_url: str
    message: str
    ways: tuple[ShareWay, ...]

    @property
    def short(self) -> str:
        """The address as people read it out."""
        return self.url.partition("://")[2]


def share_links(participant: Participant, terms: ProgramTerms) -> tuple[ShareLink, ...]:
    """Return the participant's links in use, the oldest first; needs the workspace loaded."""
    rows = (
        Link.objects.for_workspace(participant.workspace_id)
        .filter(participant=participant, status=Link.Status.ACTIVE)
        .order_by("pk")[:MOST_LINKS]
    )
    subject = f"An invitation to {participant.workspace.name}"
    message = " ".join(
        [f"I like {participant.workspace.name} and think you will too.", *promises(terms, "referee")[:1]]
    )
    return tuple(
        ShareLink(
            public_id=row.public_id,
            code=row.code,
            url=link_url(row.code, participant.workspace),
            landing_url=landing_url(row.code),
            phone_url=shared_url(row.code, "share"),
            message=message,
            ways=_ways(row.code, subject, message),
        )
        for row in rows
    )


def own_link(participant: Participant, public_id: str) -> Link | None:
    """Return a link of this participant, never anybody else's."""
    rows: QuerySet[Link] = Link.objects.for_workspace(participant.workspace_id)
    return rows.filter(participant=participant, public_id=public_id).first()


def channel_words(channel: str) -> str:
    """Return a channel's name for people."""
    return CHANNEL_WORDS.get(channel, channel.replace("_", " ").capitalize())


def _ways(code: str, subject: str, message: str) -> tuple[ShareWay, ...]:
    def at(channel: str) -> str:
        return shared_url(code, channel)

    def query(base: str, **values: Any) -> str:
        # Mail programs and phones read a plus sign as a plus sign.
        return f"{base}?{urlencode(values, quote_via=quote)}"

    def said(channel: str) -> str:
        return f"{message} {at(channel)}"

    return (
        ShareWay(
            channel="whatsapp",
            label="WhatsApp",
            icon="brand-whatsapp",
            href=query("https://wa.me/", text=said("whatsapp")),
        ),
        ShareWay(
            channel="sms",
            label="Text message",
            icon="message-2",
            # The ampersand makes iOS read what Android reads too.
            href=f"sms:?&body={quote(said('sms'))}",
        ),
        ShareWay(
            channel="email",
            label="E-mail",
            icon="mail",
            href=query("mailto:", subject=subject, body=said("email")),
        ),
        ShareWay(
            channel="x",
            label="X",
            icon="brand-x",
            href=query("https://x.com/intent/post", text=message, url=at("x")),
        ),
        ShareWay(
            channel="facebook",
            label="Facebook",
            icon="brand-facebook",
            href=query("https://www.facebook.com/sharer/sharer.php", u=at("facebook")),
        ),
        ShareWay(
            channel="linkedin",
            label="LinkedIn",
            icon="brand-linkedin",
            href=query("https://www.linkedin.com/sharing/share-offsite/", url=at("linkedin")),
        ),
        ShareWay(
            channel="telegram",
            label="Telegram",
            icon="brand-telegram",
            href=query("https://t.me/share/url", url=at("telegram"), text=message),
        ),
    )
