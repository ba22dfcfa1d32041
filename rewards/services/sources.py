"""Everything that rewards follow from, read once for many conversions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db.models import Min, QuerySet

from accounts.models import Workspace
from core.money import split
from programs.models import Program, ProgramVersion
from programs.queries import terms_of
from rewards.calculation import Line
from rewards.exchange import Rate, convert, sentence
from rewards.models import Reward
from rewards.queries.rates import rates_for
from rewards.services.circumstances import Circumstances, Part
from rewards.services.seasons import Seasons
from rewards.services.ways import WaysOf
from tracking.case_queries import Doubts, doubts_of
from tracking.models import Attribution, Conversion, Credit, FraudJudgement

Rates = Mapping[tuple[str, str, date], Rate | None]


class _Purchases:
    """The first purchases of some conversions' customers, read once where anything asks for them."""

    def __init__(self, workspace: Workspace, facts: Sequence[Conversion]) -> None:
        self._workspace, self._facts = workspace, facts
        self._first: dict[int, datetime] | None = None
        self._own: defaultdict[int, list[Conversion]] = defaultdict(list)
        for fact in facts:
            if fact.kind == Conversion.Kind.PURCHASE and fact.status != Conversion.Status.REJECTED:
                self._own[fact.customer_id].append(fact)

    def before(self, fact: Conversion, at: datetime) -> bool:
        """Tell whether the customer bought something else before an instant, which was not rejected."""
        if self._first is None:
            others = self._counted(Conversion.objects.for_workspace(self._workspace)).filter(
                customer__in={each.customer_id for each in self._facts}
            )
            found = others.exclude(pk__in=[each.pk for each in self._facts]).order_by()
            rows = found.values_list("customer_id").annotate(first=Min("occurred_at"))
            self._first = dict(rows.values_list("customer_id", "first"))
        first = self._first.get(fact.customer_id)
        return (first is not None and first < at) or any(
            each.occurred_at < at and each.pk != fact.pk for each in self._own.get(fact.customer_id, ())
        )

    @staticmethod
    def _counted(rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
        return rows.filter(kind=Conversion.Kind.PURCHASE).exclude(status=Conversion.Status.REJECTED)


@dataclass(frozen=True, slots=True)
class Sources:
    """What conversions' rewards follow from.

    Doubts, decisions and their conversions' scores by conversion; credits by decision; rates by currencies
    and day; the promotions that ran; how far the participants have come; what conditions ask for.
    """

    doubts: dict[int, Doubts]
    decisions: defaultdict[int, list[Attribution]]
    credits: defaultdict[int, list[Credit]]
    scores: dict[tuple[int, int], int]
    rates: Rates
    seasons: Seasons
    ways: WaysOf
    purchases: _Purchases
    circumstances: Circumstances

    def bought_before(self, fact: Conversion, at: datetime) -> bool:
        """Tell whether the conversion's customer had bought something before an instant."""
        return self.purchases.before(fact, at)

    def reporting_rate(self, fact: Conversion, unit: str) -> Rate | None:
        """Return the rate from a reward's unit to the workspace's currency; None for points and unknown."""
        return self.rates.get((unit, fact.workspace.currency, day_of(fact)))


def sources_of(workspace: Workspace, facts: Sequence[Conversion]) -> Sources:
    """Read what the conversions' rewards follow from."""
    decisions: defaultdict[int, list[Attribution]] = defaultdict(list)
    credits: defaultdict[int, list[Credit]] = defaultdict(list)
    rows = Credit.objects.for_workspace(workspace).filter(conversion__in=facts, weight_ppm__gt=0)
    for credit in rows.select_related("participant", "referral").order_by("pk"):
        credit.participant.workspace = workspace
        credits[credit.attribution_id].append(credit)
    found = list(
        Attribution.objects.for_workspace(workspace)
        .filter(pk__in=list(credits))
        .defer("inputs", "result")
        .order_by("pk")
    )
    # Read once for all decisions: their documents are long, and a group has many decisions of a few programs.
    programs = {
        program.pk: program
        for program in Program.objects.for_workspace(workspace).filter(
            pk__in={each.program_id for each in found}
        )
    }
    versions = {
        version.pk: version
        for version in ProgramVersion.objects.for_workspace(workspace).filter(
            pk__in={each.version_id for each in found}
        )
    }
    for program in programs.values():
        program.workspace = workspace
    for decision in found:
        decision.program, decision.version = programs[decision.program_id], versions[decision.version_id]
        decisions[decision.conversion_id].append(decision)
    circumstances = Circumstances(
        workspace,
        [
            Part(fact, decision, credit)
            for fact in facts
            for decision in decisions[fact.pk]
            for credit in credits[decision.pk]
        ],
    )
    return Sources(
        doubts=doubts_of(workspace, facts),
        decisions=decisions,
        credits=credits,
        scores=_scores(workspace, facts),
        rates=_rates(workspace, facts, decisions),
        seasons=Seasons(
            workspace, facts, [each for many in decisions.values() for each in many], circumstances
        ),
        ways=WaysOf(workspace),
        purchases=_Purchases(workspace, facts),
        circumstances=circumstances,
    )


def _scores(workspace: Workspace, facts: Sequence[Conversion]) -> dict[tuple[int, int], int]:
    rows = FraudJudgement.objects.for_workspace(workspace).filter(conversion__in=facts).order_by("pk")
    return {
        (conversion, person): score
        for conversion, person, score in rows.values_list("conversion_id", "participant_id", "score")
    }


def _rates(
    workspace: Workspace, facts: Sequence[Conversion], decisions: Mapping[int, Sequence[Attribution]]
) -> Rates:
    pairs = set()
    for fact in facts:
        for decision in decisions.get(fact.pk, ()):
            currency = terms_of(decision.version).currency
            if fact.currency:
                pairs.add((fact.currency, currency, day_of(fact)))
            pairs.add((currency, workspace.currency, day_of(fact)))
    return rates_for(workspace, pairs) if pairs else {}


def day_of(fact: Conversion) -> date:
    """Return the day whose rates hold for a conversion: that of its instant in UTC, as the bank's are."""
    return fact.occurred_at.date()


@dataclass(frozen=True, slots=True)
class Order:
    """An order's amounts in the program's currency, with the rate and how they were converted.

    Where there is no rate they stay in the order's own `currency`. None is an event without an order.
    """

    amount_minor: int
    currency: str | None
    lines: tuple[Line, ...]
    margin_minor: int | None
    rate: Rate | None = None
    sentence: str = ""

    def shares(self, credits: Sequence[Credit]) -> list[int]:
        """Return each credit's part; the parts sum to what the credits sum to."""
        if self.rate is None:
            return [credit.amount_minor for credit in credits]
        return list(split(self.amount_minor, [credit.weight_ppm for credit in credits]))


def order_of(fact: Conversion, currency: str, rates: Rates, *, before: Iterable[Reward] = ()) -> Order:
    """Return a conversion's order in a program's currency, as far as there is a rate of its day.

    What the rewards `before` were reckoned with stays, whatever came or changed since.
    """
    own = fact.currency or None
    lines = tuple(
        Line(
            sku=str(line.get("sku", "")),
            category=str(line.get("category", "")),
            amount_minor=line["amount_minor"],
            cost_minor=line.get("cost_minor"),
        )
        for line in fact.lines
    )
    margin = None if fact.cost_minor is None else max(fact.amount_minor - fact.cost_minor, 0)
    if own is None or own == currency:
        return Order(fact.amount_minor, own, lines, margin)
    rate = _kept(before, rates.get((own, currency, day_of(fact))))
    if rate is None:
        return Order(fact.amount_minor, own, lines, margin)

    def here(amount_minor: int) -> int:
        return convert(amount_minor, own, currency, rate)

    return Order(
        amount_minor=here(fact.amount_minor),
        currency=currency,
        lines=tuple(
            Line(
                line.sku,
                line.category,
                here(line.amount_minor),
                None if line.cost_minor is None else here(line.cost_minor),
            )
            for line in lines
        ),
        margin_minor=None if margin is None else here(margin),
        rate=rate,
        sentence=sentence(fact.amount_minor, own, currency, rate),
    )


def _kept(before: Iterable[Reward], fresh: Rate | None) -> Rate | None:
    for reward in before:
        if reward.rate is None or reward.rate_on is None:
            continue
        # The same rate is exact; what is stored of one across two currencies is rounded.
        if fresh is not None and fresh.stored == reward.rate:
            return fresh
        return Rate(Fraction(reward.rate), reward.rate_source, reward.rate_on)  # type: ignore[arg-type]
    return fresh


__all__ = ["Order", "Rates", "Sources", "day_of", "order_of", "sources_of"]
