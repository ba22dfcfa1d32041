"""The participant whose portal the demo shows, and their friends, one by one. Pure.

Days count from the start of the story, and the story is told on its last one: the later friends are still on
their way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

PERSON: Final = 0
JOINED: Final = timedelta(hours=9, minutes=5)

_WHATSAPP: Final = {"tags": {"ch": "whatsapp"}}
_EMAIL: Final = {"tags": {"ch": "email"}}
_QR: Final = {"tags": {"ch": "qr"}}
_INSTAGRAM: Final = {"referrer": "https://www.instagram.com/"}


@dataclass(frozen=True, slots=True)
class Friend:
    """One friend: when they followed the link, and what they did then.

    `orders` are (days after the sign-up, amount, percent returned six days later).
    """

    clicked_on: int
    hour: int
    channel: Mapping[str, Any] = field(hash=False)
    signs_up: bool = True
    orders: tuple[tuple[int, int, int], ...] = ()


FRIENDS: Final = (
    Friend(4, 20, _WHATSAPP, orders=((0, 2_990, 0), (41, 3_480, 0), (96, 5_980, 0))),
    Friend(11, 18, _WHATSAPP, orders=((2, 4_770, 0), (60, 2_490, 0))),
    Friend(26, 21, _EMAIL, orders=((1, 1_890, 0),)),
    Friend(38, 19, _INSTAGRAM, signs_up=False),
    Friend(52, 12, _WHATSAPP, orders=((3, 11_900, 0), (70, 5_980, 0))),
    Friend(67, 22, _QR, orders=((0, 2_490, 100),)),
    Friend(83, 9, _WHATSAPP, orders=((5, 3_980, 0),)),
    Friend(101, 20, _INSTAGRAM, signs_up=False),
    Friend(119, 17, _EMAIL, orders=((1, 7_450, 50),)),
    Friend(137, 21, _WHATSAPP),
    Friend(149, 19, _WHATSAPP, orders=((0, 4_770, 0),)),
    Friend(158, 10, _QR, signs_up=False),
    Friend(166, 20, _WHATSAPP, orders=((2, 3_480, 0),)),
    Friend(173, 18, _INSTAGRAM, orders=((1, 5_980, 0),)),
    Friend(177, 21, _WHATSAPP),
    Friend(179, 19, _EMAIL, orders=((0, 2_990, 0),)),
    Friend(180, 20, _WHATSAPP),
)
