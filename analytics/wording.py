"""Puts a report into words for a page: figures with the period before, its chart, the funnel, reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from analytics.charts import Chart, area_chart, spark, weeks
from analytics.days import Period
from analytics.queries import Beginning, Day, Overview, Share, Totals
from core import locales
from core.money import prorate

_REASONS: Final = {
    "": "No reason recorded",
    "head": "Only the headers were asked for",
    "prefetch": "Fetched ahead by a browser",
    "preview": "Preview of a chat or a feed",
    "bot": "Bot",
    "datacentre": "Script or browser without a screen",
    "flood": "Too many from one address",
    "no_user_agent": "No user agent",
    "duplicate": "Same visitor within an hour",
    "program_paused": "The program was paused",
    "program_ended": "The program had ended",
    "no_touch": "No contact known",
    "no_eligible_touch": "No contact counts",
    "self_referral": "Own link or code (self-referral)",
    "same_customer": "Referrer and friend are one customer",
    "same_mailbox": "Referrer and friend share a mailbox",
    "too_fast": "Faster than a person acts",
    "participant_inactive": "The participant was suspended",
    "outside_click_window": "The click was too long ago",
    "outside_code_window": "The code was used too long ago",
    "bound_to_other": "Referred by somebody else before",
    "not_new_customer": "The customer had bought before",
    "conditions_not_met": "A condition was not met",
    "not_first": "Not the first purchase",
    "below_minimum_order": "Below the minimum order",
    "denied_by_person": "Denied by a person",
    "order_cancelled": "The order was cancelled",
    "order_deleted": "The order was deleted",
}


def reason_text(code: str) -> str:
    """Return a reason code in words; one that is not known is read out."""
    known = _REASONS.get(code)
    if known is not None:
        return known
    text = code.replace("_", " ")
    return text[:1].upper() + text[1:]


Link = Callable[[str, str], str]
"""Makes the address of a list from its URL name and what narrows it."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What can be drawn day by day: a count of `Day`, or an amount of `Money` in the workspace's currency.

    `url_name` and `query` address the list of what is counted. `cost` marks what is no better for being more.
    """

    code: str
    label: str
    url_name: str
    query: str = ""
    amount: bool = False
    cost: bool = False

    def of(self, report: Totals | Day, unit: str) -> int:
        """Return the number in a period's totals or in a day."""
        number: int = getattr(report.of_unit(unit) if self.amount else report, self.code)
        return number

    def show(self, number: int, unit: str) -> str:
        """Write the number as the reader does."""
        return locales.amount(number, unit) if self.amount else locales.number(number)


METRICS: Final = (
    Metric("enrolled", "New participants", "participant_list"),
    Metric("clicks", "Clicks", "click_list", "counted=yes"),
    Metric("signups", "Sign-ups", "conversion_list", "kind=signup"),
    Metric("purchases", "Purchases", "conversion_list", "kind=purchase"),
    Metric("revenue_minor", "Revenue", "conversion_list", "kind=purchase", amount=True),
    Metric("reward_minor", "Rewards promised", "reward_list", amount=True, cost=True),
)
DRAWN_FIRST: Final = "clicks"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One number of the top row: value and change as text, a small line's points, the list's address."""

    label: str
    value: str
    before: str
    change: str
    cost: bool
    points: str
    address: str


def kpis_of(report: Overview, *, unit: str, link: Link) -> list[Kpi]:
    """Return the numbers of the top row."""
    found = []
    for metric in METRICS:
        now, before = metric.of(report.now, unit), metric.of(report.before, unit)
        found.append(
            Kpi(
                label=metric.label,
                value=metric.show(now, unit),
                before=metric.show(before, unit),
                change=change(now, before),
                cost=metric.cost,
                points=spark([metric.of(day, unit) for day in report.days]),
                address=link(metric.url_name, metric.query),
            )
        )
    return found


def chart_of(report: Overview, code: str, *, unit: str, by_week: bool = False) -> Chart:
    """Return the chart of one metric, day by day or week by week, beside the period before."""
    metric = next(metric for metric in METRICS if metric.code == code)
    numbers = [metric.of(day, unit) for day in report.days]
    before = [metric.of(day, unit) for day in report.days_before]
    dates = [day.day_on for day in report.days]
    periods = [Period(day_on, day_on) for day_on in dates]
    if by_week:
        # Both periods are of one length, so their weeks lie beside each other.
        _, before = weeks([day.day_on for day in report.days_before], before)
        periods, numbers = weeks(dates, numbers)
    return area_chart(metric.label, periods, numbers, before, show=lambda number: metric.show(number, unit))


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table of all figures: its value and the one before as text, and what it counts."""

    label: str
    value: str
    before: str
    change: str
    address: str


def figures_of(report: Overview, *, units: Sequence[str], link: Link, rates: str) -> list[Figure]:
    """Return all figures: counts, rates (which lead to the address `rates`), then the money of each unit."""
    now, before = report.now, report.before
    counts = [
        ("Clicks that counted", now.clicks, before.clicks, link("click_list", "counted=yes")),
        (
            "Clicks not counted",
            now.clicks_not_counted,
            before.clicks_not_counted,
            link("click_list", "counted=no"),
        ),
        (
            "Visitors, once for each day",
            now.visitors,
            before.visitors,
            link("click_list", "counted=yes"),
        ),
        ("Sign-ups", now.signups, before.signups, link("conversion_list", "kind=signup")),
        ("Purchases", now.purchases, before.purchases, link("conversion_list", "kind=purchase")),
        ("Custom conversions", now.customs, before.customs, link("conversion_list", "kind=custom")),
    ]
    found = [
        Figure(label, locales.number(value), locales.number(old), change(value, old), address)
        for label, value, old, address in counts
    ]
    found += [
        Figure("Sign-ups per click", str(now.signup_rate), str(before.signup_rate), "", rates),
        Figure("Purchases per sign-up", str(now.purchase_rate), str(before.purchase_rate), "", rates),
    ]
    for unit in units:
        mine, earlier = now.of_unit(unit), before.of_unit(unit)
        lines = (
            ("Revenue", mine.revenue_minor, earlier.revenue_minor, "conversion_list", "kind=purchase"),
            ("Refunded", mine.refunded_minor, earlier.refunded_minor, "conversion_list", "kind=purchase"),
            ("Rewards promised", mine.reward_minor, earlier.reward_minor, "reward_list", ""),
            ("Rewards taken back", mine.reversed_minor, earlier.reversed_minor, "reward_list", ""),
            ("Rewards paid", mine.paid_minor, earlier.paid_minor, "reward_list", "status=paid"),
        )
        found += [
            Figure(
                label if unit == units[0] else f"{label} ({unit})",
                locales.amount(value, unit),
                locales.amount(old, unit),
                change(value, old),
                link(name, query),
            )
            for label, value, old, name, query in lines
            if value or old or unit == units[0]
        ]
    return found


def change(now: int, before: int) -> str:
    """Return the change in percent, like `+12.5 %`; empty when there was nothing before."""
    if before <= 0:
        return ""
    tenths = prorate(now - before, 1000, before)
    sign = "-" if tenths < 0 else "+"
    return f"{sign}{abs(tenths) // 10}.{abs(tenths) % 10} %"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: how many, and which share of the step before that is.

    `widest` is the largest step's count, against which a bar is drawn.
    """

    label: str
    count: int
    share: str
    address: str
    widest: int


def steps_of(totals: Totals, *, link: Link) -> list[Step]:
    """Return the funnel's steps in order; shares are of the step before, where both count the same thing."""
    asked = (
        ("Participants enrolled", totals.enrolled, 0, "participant_list", ""),
        ("Clicks", totals.clicks, 0, "click_list", "counted=yes"),
        ("Visitors", totals.visitors, totals.clicks, "click_list", "counted=yes"),
        ("Sign-ups", totals.signups, totals.visitors, "conversion_list", "kind=signup"),
        ("Purchases", totals.purchases, totals.signups, "conversion_list", "kind=purchase"),
        ("Rewards promised", totals.rewards, 0, "reward_list", ""),
        ("Rewards approved", totals.rewards_approved, totals.rewards, "reward_list", "status=approved"),
        ("Rewards paid", totals.rewards_paid, totals.rewards_approved, "reward_list", "status=paid"),
    )
    widest = max(1, *(count for _, count, *_ in asked))
    return [
        Step(label, count, str(Share(count, whole)) if whole else "", link(name, query), widest)
        for label, count, whole, name, query in asked
    ]


@dataclass(frozen=True, slots=True)
class Task:
    """One first step of a new workspace, with the page where it is done."""

    label: str
    done: bool
    url_name: str


def tasks_of(begun: Beginning) -> list[Task]:
    """Return the first steps in order."""
    return [
        Task("Create a program", begun.program, "program_new"),
        Task("Publish it", begun.published, "program_list"),
        Task("Enrol a participant", begun.participant, "participant_new"),
        Task("Connect your shop", begun.connected, "connection_new"),
        Task("Get a first click", begun.clicked, "participant_list"),
    ]
