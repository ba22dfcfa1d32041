"""What the template filters show."""

from __future__ import annotations

import pytest

from core.templatetags.display import words


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("below_minimum_order", "below minimum order"),
        ("bot", "bot"),
        ("", ""),
        ("Stolen card, case no_17", "Stolen card, case no_17"),
    ],
)
def test_a_code_is_shown_as_words_and_a_sentence_as_it_is(code: str, text: str) -> None:
    assert words(code) == text
