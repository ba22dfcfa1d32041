"""Rows for tests. Every factory of a tenant table takes the workspace, and builds its relations in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.models import User
from programs.models import (
    CodeRoute,
    Customer,
    Experiment,
    Link,
    Participant,
    Program,
    ProgramVersion,
    PromoCode,
)
from programs.terms import default_terms, dump_terms
from tracking.models import Conversion

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PASSWORD = "correct-horse-battery"


def terms(**changes: Any) -> dict[str, Any]:
    """Return a customer program's terms document in EUR with top-level keys replaced."""
    document: dict[str, Any] = dict(dump_terms(default_terms("customer", "EUR")))
    document["destination_url"] = "https://shop.example/welcome"
    document["allowed_hosts"] = ["shop.example"]
    return {**document, **changes}


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    name = factory.Faker("name")
    password = factory.django.Password(PASSWORD)


class CustomerFactory(DjangoModelFactory[Customer]):
    class Meta:
        model = Customer

    external_id = factory.Sequence(lambda n: f"customer-{n}")
    email = factory.Sequence(lambda n: f"customer{n}@example.com")
    mailbox = factory.SelfAttribute("email")
    name = factory.Faker("name")
    created_at = AT


class ProgramFactory(DjangoModelFactory[Program]):
    """An active program with one published version (number 1)."""

    class Meta:
        model = Program
        skip_postgeneration_save = True

    name = "Refer a friend"
    status = Program.Status.ACTIVE
    live_version = 1
    draft = factory.LazyFunction(terms)
    created_at = AT

    @factory.post_generation  # type: ignore[untyped-decorator]
    def version(program: Program, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create and program.live_version:
            ProgramVersion.objects.create(
                workspace=program.workspace,
                program=program,
                number=program.live_version,
                terms=program.draft,
                published_at=AT,
                published_by="factory",
            )


class ParticipantFactory(DjangoModelFactory[Participant]):
    class Meta:
        model = Participant

    program = factory.SubFactory(ProgramFactory, workspace=factory.SelfAttribute("..workspace"))
    customer = factory.SubFactory(CustomerFactory, workspace=factory.SelfAttribute("..workspace"))
    display_name = factory.Faker("first_name")
    enrolled_at = AT


class LinkFactory(DjangoModelFactory[Link]):
    class Meta:
        model = Link
        skip_postgeneration_save = True

    participant = factory.SubFactory(ParticipantFactory, workspace=factory.SelfAttribute("..workspace"))
    code = factory.Sequence(lambda n: f"made-{n:03d}")
    code_key = factory.LazyAttribute(lambda link: link.code.lower())
    created_at = AT

    @factory.post_generation  # type: ignore[untyped-decorator]
    def route(link: Link, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create:
            CodeRoute.objects.create(code_key=link.code_key, workspace_id=link.workspace_id, link_id=link.pk)


class PromoCodeFactory(DjangoModelFactory[PromoCode]):
    class Meta:
        model = PromoCode

    participant = factory.SubFactory(ParticipantFactory, workspace=factory.SelfAttribute("..workspace"))
    code = factory.Sequence(lambda n: f"MADE{n}")
    code_key = factory.LazyAttribute(lambda code: code.code.lower())
    created_at = AT


class ExperimentFactory(DjangoModelFactory[Experiment]):
    """A running experiment of two variants, half and half, without a holdout."""

    class Meta:
        model = Experiment

    program = factory.SubFactory(ProgramFactory, workspace=factory.SelfAttribute("..workspace"))
    name = "Two texts"
    salt = "s1"
    variants = factory.LazyFunction(lambda: [{"key": "as-now", "weight": 1}, {"key": "new", "weight": 1}])
    status = Experiment.Status.RUNNING
    created_at = AT
    started_at = AT


class ConversionFactory(DjangoModelFactory[Conversion]):
    """A recorded purchase of 100.00 EUR with no decision about it yet."""

    class Meta:
        model = Conversion

    kind = Conversion.Kind.PURCHASE
    customer = factory.SubFactory(CustomerFactory, workspace=factory.SelfAttribute("..workspace"))
    source = "api"
    # No test writes such a key itself: whichever test runs first, the two never meet.
    source_key = factory.Sequence(lambda n: f"made-{n}")
    amount_minor = 10_000
    currency = "EUR"
    sequence = 1
    occurred_at = AT
    received_at = AT
