"""Parts of answers that apps higher up register for apps lower down."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import answers
from referral_platform.subscriptions import ANSWER_PARTS


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Put the product's own table back afterwards."""
    yield
    answers.configure(ANSWER_PARTS)


def test_every_part_of_a_subject_is_worked_out_from_the_thing() -> None:
    answers.configure({"order": {"double": lambda n: n * 2, "text": str}, "other": {"none": lambda n: None}})
    assert answers.parts_of("order", 21) == {"double": 42, "text": "21"}
    assert answers.parts_of("other", 1) == {"none": None}


def test_a_subject_nobody_added_to_has_no_parts() -> None:
    answers.configure({})
    assert answers.parts_of("order", 1) == {}


def test_a_new_table_replaces_the_old_one() -> None:
    answers.configure({"order": {"a": str}})
    answers.configure({"order": {"b": str}})
    assert answers.parts_of("order", 1) == {"b": "1"}
