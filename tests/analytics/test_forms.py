"""Reading a period."""

from datetime import date

import pytest

from accounts.models import Workspace
from analytics.days import Period
from analytics.forms import PeriodForm
from programs import queries
from tests.analytics.conftest import Facts

TODAY = date(2026, 3, 30)


def form(workspace: Workspace, **given: str) -> PeriodForm:
    made = PeriodForm(given, today=TODAY, programs=queries.programs_of(workspace))
    made.is_valid()
    return made


@pytest.mark.parametrize(
    ("given", "first_on", "last_on"),
    [
        ({}, date(2026, 3, 1), TODAY),
        ({"period": "7d"}, date(2026, 3, 24), TODAY),
        ({"period": "90d"}, date(2025, 12, 31), TODAY),
        ({"from": "2026-03-28"}, date(2026, 3, 28), TODAY),
        ({"to": "2026-03-10"}, date(2026, 2, 9), date(2026, 3, 10)),
        ({"from": "2026-03-01", "to": "2026-03-01", "period": "7d"}, date(2026, 3, 1), date(2026, 3, 1)),
        ({"from": "2025-03-30", "to": "2026-03-30"}, date(2025, 3, 30), TODAY),
    ],
)
def test_periods_are_read(workspace: Workspace, given: dict[str, str], first_on: date, last_on: date) -> None:
    made = form(workspace, **given)
    assert not made.errors
    assert made.period == Period(first_on, last_on)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"period": "8d"}, "period"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-03-31"}, "to"),
        ({"from": "2026-03-20", "to": "2026-03-10"}, "from"),
        ({"from": "2025-03-29", "to": "2026-03-30"}, "from"),
        ({"from": "1999-12-31", "to": "2000-01-02"}, "from"),
        ({"program": "prg_unknown"}, "program"),
    ],
)
def test_faults_are_named_and_the_default_stays(
    workspace: Workspace, given: dict[str, str], field: str
) -> None:
    made = form(workspace, **given)
    assert list(made.errors) == [field]
    assert made.period == Period(date(2026, 3, 1), TODAY)


def test_a_program_is_chosen_by_its_public_id(workspace: Workspace, facts: Facts) -> None:
    program = facts.program()
    assert form(workspace, program=program.public_id).program == program
