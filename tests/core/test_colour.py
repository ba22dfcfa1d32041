"""Contrast, and the shades made of one accent colour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import colour
from core.colour import BLACK, DARK_GROUNDS, LIGHT_GROUNDS, WHITE, Colour, ColourTooPale
from core.errors import Invalid

part = st.integers(0, 255)
colours = st.builds(Colour, part, part, part)
INDIGO = Colour(0x4F, 0x46, 0xE5)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#4f46e5", "#ffffff", 6.29),
        ("#abcdef", "#abcdef", 1.0),
    ],
)
def test_contrast_is_what_wcag_says(one: str, other: str, ratio: float) -> None:
    pair = colour.parse_colour(one), colour.parse_colour(other)

    assert round(colour.contrast(*pair), 2) == ratio
    assert colour.contrast(*pair) == colour.contrast(*reversed(pair))


@pytest.mark.parametrize(
    "text", ["", "4f46e5", "#4f46e", "#4f46e5ff", "#gggggg", "red", "#4f46e5;}", "#４f46e5"]
)
def test_what_is_no_colour_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        colour.parse_colour(text, param="brand_color")

    assert (refused.value.code, refused.value.param) == ("invalid_colour", "brand_color")


@given(colours)
def test_a_colour_is_read_as_it_is_written(it: Colour) -> None:
    assert colour.parse_colour(f" {str(it).upper()} ") == it


@given(colours)
def test_text_on_any_colour_can_be_read(ground: Colour) -> None:
    assert colour.contrast(colour.text_on(ground), ground) >= 4.5


@given(colours)
def test_every_shade_of_a_palette_can_be_seen_on_its_grounds(it: Colour) -> None:
    made = colour.palette(it)

    for scheme, grounds in ((made.light, LIGHT_GROUNDS), (made.dark, DARK_GROUNDS)):
        assert colour.contrast(scheme.text_on_fill, scheme.fill) >= 4.5
        for ground in grounds:
            assert colour.contrast(scheme.fill, ground) >= 3
            assert colour.contrast(scheme.link, ground) >= 4.5


@given(colours)
def test_a_colour_that_would_be_changed_is_refused_and_what_it_would_become_accepted(it: Colour) -> None:
    shade = colour.palette(it).light.fill
    colour.require_visible(shade)

    if shade != it:
        with pytest.raises(ColourTooPale) as refused:
            colour.require_visible(it, param="brand_color")
        assert (refused.value.param, refused.value.shade) == ("brand_color", shade)
        assert refused.value.details == {"shade": str(shade)}
    else:
        colour.require_visible(it)


def test_pale_yellow_is_refused_and_its_dark_shade_offered() -> None:
    with pytest.raises(ColourTooPale) as refused:
        colour.require_visible(colour.parse_colour("#ffe600"))

    assert "#9a8b00" in refused.value.message


def test_a_dark_colour_is_lightened_for_dark_pages_only() -> None:
    made = colour.palette(BLACK)

    assert (made.light.fill, made.light.text_on_fill) == (BLACK, WHITE)
    assert colour.contrast(made.dark.fill, BLACK) > 3
    assert colour.palette(INDIGO).light.fill == INDIGO
