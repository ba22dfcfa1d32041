"""Puts a report into words for a page: figures with the period before, steps of the funnel, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from analytics.queries import Overview, Share, Totals
from core.money import display, prorate

_REASONS: Final = {
    "": "No reason recorded",
    "head": "Only the headers were asked for",
    "prefetch": "Fetched ahead by a browser",
    "preview": "Preview of a chat or a feed",
    "bot": "Bot",
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


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the overview: its value and the one before as text, and the address of what it counts.

    `change` is empty when there is nothing to compare with. `query` narrows the list named `url_name`.
    """

    label: str
    value: str
    before: str
    change: str
    url_name: str
    query: str = ""
    note: str = ""


def figures_of(report: Overview, *, units: Sequence[str]) -> list[Figure]:
    """Return the overview's figures: counts, rates, then the money of each unit."""
    now, before = report.now, report.before
    found = [
        _count("Clicks", now.clicks, before.clicks, "click_list", "counted=yes"),
        _count("Not counted", now.clicks_not_counted, before.clicks_not_counted, "click_list", "counted=no"),
        _count(
            "Visitors",
            now.visitors,
            before.visitors,
            "click_list",
            "counted=yes",
            note="once for each day",
        ),
        _count("Sign-ups", now.signups, before.signups, "conversion_list", "kind=signup"),
        _count("Purchases", now.purchases, before.purchases, "conversion_list", "kind=purchase"),
        _rate("Sign-ups per click", now.signup_rate, before.signup_rate),
        _rate("Purchases per sign-up", now.purchase_rate, before.purchase_rate),
    ]
    if now.customs or before.customs:
        found.insert(
            5, _count("Custom conversions", now.customs, before.customs, "conversion_list", "kind=custom")
        )
    for unit in units:
        mine, earlier = now.of_unit(unit), before.of_unit(unit)
        lines = (
            ("Revenue", mine.revenue_minor, earlier.revenue_minor, "conversion_list", "kind=purchase"),
            (
                "Refunded",
                mine.refunded_minor,
                earlier.refunded_minor,
                "conversion_list",
                "kind=purchase",
            ),
            ("Rewards promised", mine.reward_minor, earlier.reward_minor, "reward_list", ""),
            ("Rewards taken back", mine.reversed_minor, earlier.reversed_minor, "reward_list", ""),
            ("Rewards paid", mine.paid_minor, earlier.paid_minor, "reward_list", "status=paid"),
        )
        found += [
            Figure(label, display(value, unit), display(old, unit), change(value, old), name, query)
            for label, value, old, name, query in lines
            if value or old or unit == units[0]
        ]
    return found


def _count(label: str, now: int, before: int, url_name: str, query: str, note: str = "") -> Figure:
    return Figure(label, f"{now:,}", f"{before:,}", change(now, before), url_name, query, note)


def _rate(label: str, now: Share, before: Share) -> Figure:
    return Figure(label, str(now), str(before), "", "report_funnel")


def change(now: int, before: int) -> str:
    """Return the change in percent, like `+12.5 %`; empty when there was nothing before."""
    if not before:
        return ""
    tenths = prorate(now - before, 1000, before)
    sign = "-" if tenths < 0 else "+"
    return f"{sign}{abs(tenths) // 10}.{abs(tenths) % 10} %"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: how many, and which share of the step before that is."""

    label: str
    count: int
    share: str
    url_name: str
    query: str = ""


def steps_of(totals: Totals) -> list[Step]:
    """Return the funnel's steps in order; shares are of the step before, where both count the same thing."""
    return [
        Step("Participants enrolled", totals.enrolled, "", "participant_list"),
        Step("Clicks", totals.clicks, "", "click_list", "counted=yes"),
        Step(
            "Visitors",
            totals.visitors,
            str(Share(totals.visitors, totals.clicks)),
            "click_list",
            "counted=yes",
        ),
        Step(
            "Sign-ups",
            totals.signups,
            str(Share(totals.signups, totals.visitors)),
            "conversion_list",
            "kind=signup",
        ),
        Step(
            "Purchases",
            totals.purchases,
            str(Share(totals.purchases, totals.signups)),
            "conversion_list",
            "kind=purchase",
        ),
        Step("Rewards promised", totals.rewards, "", "reward_list"),
        Step(
            "Rewards approved",
            totals.rewards_approved,
            str(Share(totals.rewards_approved, totals.rewards)),
            "reward_list",
            "status=approved",
        ),
        Step(
            "Rewards paid",
            totals.rewards_paid,
            str(Share(totals.rewards_paid, totals.rewards_approved)),
            "reward_list",
            "status=paid",
        ),
    ]
