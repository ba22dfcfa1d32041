"""How one person appears to another: by a first or display name only."""

from __future__ import annotations

import re

from programs.models import Customer, Participant

SOMEBODY = "A friend"
A_MEMBER = "A member"
# Names come from strangers. One that reads as an address would carry it into other people's mail.
_ADDRESS_LIKE = re.compile(r"[@/:]|\w\.\w")


def first_name(customer: Customer) -> str:
    """Return a customer's first name; nothing when no name is known or it looks like an address."""
    words = customer.name.split()
    return words[0] if words and not _ADDRESS_LIKE.search(words[0]) else ""


def friend_name(customer: Customer) -> str:
    """Return the name under which a referrer sees a friend."""
    return first_name(customer) or SOMEBODY


def inviter_name(participant: Participant) -> str:
    """Return the name under which a friend sees the participant: the one chosen for showing, no other."""
    chosen = " ".join(participant.display_name.split())
    return chosen if chosen and not _ADDRESS_LIKE.search(chosen) else SOMEBODY


def masked_name(display_name: str) -> str:
    """Return how a participant appears to the others of the program: "Priya R.", of the display name."""
    words = display_name.split()
    if not words or _ADDRESS_LIKE.search(display_name):
        return A_MEMBER
    return words[0] if len(words) == 1 else f"{words[0]} {words[-1][0].upper()}."
