"""Icons in pages: `{% icon "copy" %}`; built in to every template."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
ICONS = Path(settings.BASE_DIR) / "static" / "dist" / "icons.json"


@cache
def _shapes() -> dict[str, str]:
    shapes: dict[str, str] = json.loads(ICONS.read_text())
    return shapes


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """Draw a Tabler outline icon; decoration only, so the text beside it or a label must say the same.

    Raises KeyError for a name the build did not collect, so that a missing icon is seen in a test.
    """
    return format_html(
        '<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        classes,
        mark_safe(_shapes()[name]),  # noqa: S308 - the shapes are our own built file
    )
