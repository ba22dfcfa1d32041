"""The period and program a person looks at: read from the address, the period remembered per workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from accounts.access import ConsoleRequest
from analytics.days import Period, day_of
from analytics.forms import PeriodForm
from analytics.periods import CHOICES, CUSTOM
from analytics.queries import program_choices
from core import locales

_KEYS: Final = ("period", "from", "to")


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a menu: its name, the query that chooses it, and whether it is chosen."""

    label: str
    query: str
    current: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page is about, and the menus that change it; `form` carries the errors.

    `along` holds the page's further parameters, which its menus and its form carry along.
    """

    form: PeriodForm
    label: str
    periods: tuple[Option, ...]
    programs: tuple[Option, ...]
    along: tuple[tuple[str, str], ...]

    @property
    def period(self) -> Period:
        """The days."""
        return self.form.period

    @property
    def program_label(self) -> str:
        """The chosen program's name, or that it is all of them."""
        return self.form.program.name if self.form.program else "All programs"

    @property
    def dates_query(self) -> str:
        """The days as a list's filter reads them."""
        return urlencode({"from": self.period.first_on, "to": self.period.last_on})

    @property
    def program_query(self) -> str:
        """The program as a list's filter reads it; empty for all."""
        return urlencode({"program": self.form.program.public_id}) if self.form.program else ""

    @property
    def query(self) -> str:
        """Both, for another report."""
        return "&".join(filter(None, (self.dates_query, self.program_query)))


def choose(request: ConsoleRequest, *, keep: tuple[str, ...] = ()) -> Chosen:
    """Read the period and the program; a valid period is remembered in the session for its workspace.

    Named periods are remembered by name and move on with the days. `keep` names further parameters of the
    page that its menus carry along.
    """
    place = f"period:{request.workspace.public_id}"
    told = any(request.GET.get(key) for key in _KEYS)
    source: Any = request.GET if told else request.session.get(place, {})
    given = {key: source.get(key, "") for key in _KEYS}
    program = request.GET.get("program", "")
    form = PeriodForm(
        {**given, "program": program},
        today=day_of(request.at, request.workspace.time_zone),
        programs=program_choices(request.workspace),
    )
    if form.is_valid() and told:
        kept = _to_remember(form)
        if request.session.get(place) != kept:
            request.session[place] = kept
    labels = dict(CHOICES)
    first, last = locales.day(form.period.first_on), locales.day(form.period.last_on)
    along = {name: request.GET[name] for name in keep if request.GET.get(name)}
    of_program = {"program": form.program.public_id} if form.program else {}
    return Chosen(
        form=form,
        label=labels.get(form.choice) or (first if first == last else f"{first} – {last}"),
        periods=tuple(
            Option(text, urlencode({"period": name, **of_program, **along}), name == form.choice)
            for name, text in CHOICES
        ),
        programs=tuple(
            Option(text, urlencode({**_to_remember(form), **chosen, **along}), chosen == of_program)
            for text, chosen in (
                ("All programs", {}),
                *((each.name, {"program": each.public_id}) for each in form.programs),
            )
        ),
        along=tuple(along.items()),
    )


def _to_remember(form: PeriodForm) -> dict[str, str]:
    if form.choice != CUSTOM:
        return {"period": form.choice}
    return {"from": form.period.first_on.isoformat(), "to": form.period.last_on.isoformat()}
