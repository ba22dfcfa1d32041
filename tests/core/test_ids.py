"""Public ids: a prefix that names the kind, then a part that sorts by time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Workspace
from core.ids import PublicIdField, is_public_id, new_public_id
from programs.models import Customer


def test_an_id_has_its_prefix_and_the_form_of_one() -> None:
    made = new_public_id("prg")
    assert made.startswith("prg_")
    assert len(made) == 30
    assert made == made.lower()
    assert is_public_id(made, "prg")
    assert not is_public_id(made, "prt")


def test_ids_sort_by_the_millisecond_they_were_made_in() -> None:
    made = []
    for _ in range(5):
        made.append(new_public_id("prg"))
        time.sleep(0.002)
    assert made == sorted(made)


def test_ids_do_not_repeat() -> None:
    assert len({new_public_id("prg") for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prg",
        "prg_",
        "prg_01jqz",
        "prg_01JQZ0000000000000000000AB",
        "prg_01jqz0000000000000000000ai",
        "prg_01jqz0000000000000000000ab\n",
        " prg_01jqz0000000000000000000ab",
        "prg_01jqz0000000000000000000abc",
        "prg-01jqz0000000000000000000ab",
        "prg_01jqz000000000000000000\x00ab",
    ],
)
def test_other_texts_are_no_ids(text: str) -> None:
    assert not is_public_id(text, "prg")


@given(st.text(max_size=40), st.text(max_size=5))
def test_any_text_can_be_asked_about(text: str, prefix: str) -> None:
    assert is_public_id(text, prefix) in (True, False)


def test_a_row_gets_an_id_when_it_is_made_and_keeps_it(workspace: Workspace) -> None:
    first, second = Customer(workspace=workspace), Customer(workspace=workspace)
    assert is_public_id(first.public_id, "cus")
    assert first.public_id != second.public_id
    first.save()
    assert Customer.objects.for_workspace(workspace).get().public_id == first.public_id


def test_migrations_keep_the_prefix_only() -> None:
    field = PublicIdField(prefix="prg")
    assert field.deconstruct()[1:] == ("core.ids.PublicIdField", [], {"prefix": "prg"})
    assert field.clone().prefix == "prg"
