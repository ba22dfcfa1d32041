"""The UTM parameters that a link adds to its destination: texts with placeholders. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from core.errors import Invalid

NAMES: Final = ("source", "medium", "campaign", "content", "term")
PLACEHOLDERS: Final = ("campaign", "channel", "code")
LONGEST: Final = 100

_TEXT = re.compile(r"[\w .,:+~|/()-]*")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check_utm(utm: Mapping[str, Any], *, param: str = "utm") -> dict[str, str]:
    """Return the template without blanks around its texts and without empty ones.

    Its names are `NAMES`; a text may hold `{campaign}`, `{channel}` and `{code}`. Raises Invalid naming the
    part at fault, as in `utm.source`.
    """
    checked = {}
    for name, given in utm.items():
        where = f"{param}.{name}"
        if name not in NAMES:
            raise Invalid(f"A UTM template has {', '.join(NAMES)} only.", code="unknown_field", param=where)
        if not isinstance(given, str):
            raise Invalid("This must be a text.", param=where)
        text = given.strip()
        if len(text) > LONGEST:
            raise Invalid(f"This may have at most {LONGEST} characters.", code="too_long", param=where)
        unknown = set(_PLACEHOLDER.findall(text)) - set(PLACEHOLDERS)
        if unknown or not _TEXT.fullmatch(_PLACEHOLDER.sub("", text)):
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise Invalid(
                f"This holds letters, digits, blanks, . , : + ~ | / ( ) - _ and {known} only.",
                code="invalid_characters",
                param=where,
            )
        if text:
            checked[name] = text
    return checked


def filled_utm(utm: Mapping[str, str], *, code: str, channel: str, campaign: str) -> dict[str, str]:
    """Return the query parameters of a checked template for one click, `utm_source` and so on.

    A text that comes out empty is left out.
    """
    values = {"code": code, "channel": channel, "campaign": campaign}
    texts = {
        f"utm_{name}": _PLACEHOLDER.sub(lambda found: values[found[1]], utm[name])
        for name in NAMES
        if name in utm
    }
    return {name: text for name, text in texts.items() if text}
