"""One search over all that a workspace knows by a name, an address, a code or a number, in one statement.

How a text is looked for is decided by its form: a public id finds its thing; what holds an @ is the beginning
of an e-mail address; all else is the beginning of words of names, of codes, of order numbers and of the
workspace's own ids. Row-level security lets Postgres use an index only for comparisons that leak nothing,
which LIKE and trigrams are not; so beginnings are compared as ranges in the C collation, for which the first
migration of analytics makes the indexes. Names are compared row by row, but within the workspace only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BigIntegerField, CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Collate, Concat, NullIf
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from accounts.models import Workspace
from accounts.permissions import Permission, allows
from core.ids import is_public_id
from programs.models import Customer, Link, Participant, Program, PromoCode
from tracking.models import Conversion, Referral

SHORTEST: Final = 2
LONGEST: Final = 100
PER_KIND: Final = 5
_LAST: Final = "\U0010ffff"
"""Sorts behind every character in the C collation of UTF-8."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that can be found; `url_name` is the page of one, `permission` what seeing it takes."""

    code: str
    label: str
    icon: str
    prefix: str
    url_name: str
    permission: Permission = "view"


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found; `target` is the public id whose page shows it, which for codes is their participant.

    `amount_minor` with `unit` where it is worth something.
    """

    kind: str
    public_id: str
    target: str
    title: str
    text: str
    status: str
    amount_minor: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind, and whether there is more of it."""

    kind: Kind
    hits: tuple[Hit, ...]
    more: bool


KINDS: Final = (
    Kind("participant", "Participants", icon="users", prefix="prt", url_name="participant_detail"),
    Kind("customer", "Customers", icon="user", prefix="cus", url_name="customer_detail"),
    Kind("referral", "Referrals", icon="share", prefix="rfl", url_name="referral_detail"),
    Kind("conversion", "Orders and sign-ups", icon="receipt", prefix="cnv", url_name="conversion_detail"),
    Kind("link", "Links", icon="link", prefix="lnk", url_name="participant_detail"),
    Kind("promo_code", "Promo codes", icon="tag", prefix="pmo", url_name="participant_detail"),
    Kind("program", "Programs", icon="speakerphone", prefix="prg", url_name="program_detail"),
)


def kinds_for(role: str) -> list[Kind]:
    """Return the kinds that a member with this role may see."""
    return [kind for kind in KINDS if allows(role, kind.permission)]


def search(
    workspace: Workspace, text: str, *, kinds: Sequence[Kind] = KINDS, limit: int = PER_KIND
) -> list[Group]:
    """Return what a text finds, at most `limit` of each kind; nothing for one shorter than two characters.

    Only kinds with something found are returned, in the order asked for. An address of a link counts as its
    code, and blanks around the text as nothing.
    """
    sought = _Sought.read(text)
    if len(sought.text) < SHORTEST:
        return []
    branches = [
        rows[: limit + 1]
        for kind in kinds
        if (rows := _PARTS[kind.code].rows(workspace, kind, sought)) is not None
    ]
    if not branches:
        return []
    first, *others = branches
    hits = [Hit(*row) for row in (first.union(*others, all=True) if others else first)]
    found = []
    for kind in kinds:
        mine = tuple(hit for hit in hits if hit.kind == kind.code)
        if mine:
            found.append(Group(kind, mine[:limit], len(mine) > limit))
    return found


@dataclass(frozen=True, slots=True)
class _Sought:
    """A text and what its form says about it; `prefix` is that of a public id, else empty."""

    text: str
    prefix: str
    is_address: bool

    @classmethod
    def read(cls, text: str) -> _Sought:
        found = " ".join(text.split())[:LONGEST]
        if "/r/" in found:
            found = found.rpartition("/r/")[2].partition("?")[0].strip("/")
        prefix = found[:3].lower() if is_public_id(found.lower(), found[:3].lower()) else ""
        return cls(found.lower() if prefix else found, prefix, "@" in found)


def _begins(path: str, text: str) -> Q:
    """Narrow to values that begin with a text, in capitals as written, by a range an index can answer."""
    value = Collate(F(path), "C")
    return Q(GreaterThanOrEqual(value, Value(text))) & Q(LessThan(value, Value(text + _LAST)))


def _words(path: str, text: str) -> Q:
    """Narrow to values in which each word of the text begins a word, whatever the case."""
    found = Q()
    for word in text.split():
        found &= Q(**{f"{path}__istartswith": word}) | Q(**{f"{path}__icontains": f" {word}"})
    return found


def _customers_matching(workspace: Workspace, sought: _Sought) -> QuerySet[Any]:
    rows = Customer.objects.for_workspace(workspace)
    if sought.is_address:
        return rows.filter(_begins("email", sought.text.lower()))
    return rows.filter(
        _words("name", sought.text)
        | _begins("email", sought.text.lower())
        | _begins("external_id", sought.text)
    )


def _participants_matching(workspace: Workspace, sought: _Sought) -> Q:
    people = Q(customer_id__in=_customers_matching(workspace, sought).values("pk"))
    return people if sought.is_address else people | _words("display_name", sought.text)


_COLUMNS: Final = (
    "hit_kind",
    "hit_id",
    "hit_target",
    "hit_title",
    "hit_text",
    "hit_status",
    "hit_minor",
    "hit_unit",
)


def _first_of(*paths: str) -> Any:
    """Return the first text that is not empty."""
    given = (NullIf(F(path), Value(""), output_field=CharField()) for path in paths)
    return Coalesce(*given, Value(""), output_field=CharField())


def _participant_named(at: str = "") -> Any:
    return _first_of(
        f"{at}display_name", f"{at}customer__name", f"{at}customer__email", f"{at}customer__public_id"
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """How one kind is found and shown; `order` puts the best first, which for codes is the exact one."""

    model: Any
    find: Callable[[Workspace, _Sought], QuerySet[Any]]
    title: Any
    text: Any
    order: str = "-public_id"
    target: str = "public_id"
    status: str = "status"
    minor: str = ""
    unit: str = ""

    def rows(self, workspace: Workspace, kind: Kind, sought: _Sought) -> QuerySet[Any] | None:
        """Return what is found, in the columns of a `Hit`; None for the public id of another kind."""
        if not sought.prefix:
            found: QuerySet[Any] = self.find(workspace, sought).order_by(self.order)
        elif sought.prefix == kind.prefix:
            found = self.model.objects.for_workspace(workspace).filter(public_id=sought.text)
        else:
            return None
        hits: QuerySet[Any] = found.annotate(
            hit_kind=_text(Value(kind.code)),
            hit_id=_text(F("public_id")),
            hit_target=_text(F(self.target)),
            hit_title=_text(self.title),
            hit_text=_text(self.text),
            hit_status=_text(F(self.status) if self.status else Value("")),
            hit_minor=Cast(F(self.minor) if self.minor else Value(None), BigIntegerField()),
            hit_unit=_text(F(self.unit) if self.unit else Value("")),
        ).values_list(*_COLUMNS)
        return hits


def _text(value: Any) -> Cast:
    return Cast(value, CharField())


def _find_participants(workspace: Workspace, sought: _Sought) -> QuerySet[Any]:
    rows = Participant.objects.for_workspace(workspace)
    people = _participants_matching(workspace, sought)
    if not sought.is_address:
        for codes in (Link.objects.for_workspace(workspace), PromoCode.objects.for_workspace(workspace)):
            held = codes.filter(_begins("code_key", sought.text.lower()))
            people |= Q(pk__in=held.values("participant_id"))
    return rows.filter(people)


def _find_referrals(workspace: Workspace, sought: _Sought) -> QuerySet[Any]:
    referrers = Participant.objects.for_workspace(workspace).filter(_participants_matching(workspace, sought))
    friends = _customers_matching(workspace, sought)
    return Referral.objects.for_workspace(workspace).filter(
        Q(customer_id__in=friends.values("pk")) | Q(participant_id__in=referrers.values("pk"))
    )


def _find_conversions(workspace: Workspace, sought: _Sought) -> QuerySet[Any]:
    key = sought.text.lstrip("#")
    return Conversion.objects.for_workspace(workspace).filter(
        _begins("source_key", key) | _begins("source_key", key.upper())
    )


def _find_links(workspace: Workspace, sought: _Sought) -> QuerySet[Any]:
    return Link.objects.for_workspace(workspace).filter(_begins("code_key", sought.text.lower()))


def _find_promo_codes(workspace: Workspace, sought: _Sought) -> QuerySet[Any]:
    return PromoCode.objects.for_workspace(workspace).filter(_begins("code_key", sought.text.lower()))


def _find_programs(workspace: Workspace, sought: _Sought) -> QuerySet[Any]:
    return Program.objects.for_workspace(workspace).filter(_words("name", sought.text))


_PARTS: Final = {
    "participant": _Part(
        Participant, _find_participants, title=_participant_named(), text=_first_of("customer__email")
    ),
    "customer": _Part(
        Customer,
        _customers_matching,
        title=_first_of("name", "email", "external_id", "public_id"),
        text=_first_of("email", "external_id"),
        status="",
    ),
    "referral": _Part(
        Referral,
        _find_referrals,
        title=_first_of("customer__name", "customer__email", "customer__external_id"),
        text=Concat(Value("by "), _participant_named("participant__"), output_field=CharField()),
    ),
    "conversion": _Part(
        Conversion,
        _find_conversions,
        title=F("source_key"),
        text=_first_of("customer__name", "customer__email", "customer__external_id"),
        order="source_key",
        minor="amount_minor",
        unit="currency",
    ),
    "link": _Part(
        Link,
        _find_links,
        title=F("code"),
        text=_participant_named("participant__"),
        order="code_key",
        target="participant__public_id",
    ),
    "promo_code": _Part(
        PromoCode,
        _find_promo_codes,
        title=F("code"),
        text=_participant_named("participant__"),
        order="code_key",
        target="participant__public_id",
    ),
    "program": _Part(Program, _find_programs, title=F("name"), text=Value("")),
}
