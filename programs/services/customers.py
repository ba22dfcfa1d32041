"""Changes to customers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.events import emit, together
from core.mailbox import normalise_mailbox
from core.text import clean_line
from core.transactions import all_or_nothing
from programs.attributes import clean_attributes, merged
from programs.models import Customer
from programs.queries import customer_named, customers_named
from programs.tombstones import tombstone

_COUNTRY = re.compile("[A-Z]{2}")
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Given:
    """What is said about a person, cleaned."""

    external_id: str | None
    email: str
    mailbox: str
    name: str
    country: str
    verified: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def verifies(self, customer: Customer) -> bool:
        """Tell whether this is news: the address on file, and no other, is known to be the customer's."""
        return (
            self.verified
            and customer.email_verified_at is None
            and customer.mailbox != ""
            and self.mailbox in ("", customer.mailbox)
        )


@all_or_nothing
def identify_customer(
    *,
    workspace: Workspace,
    external_id: str | None = None,
    email: str = "",
    name: str = "",
    country: str = "",
    email_verified: bool = False,
    attributes: Mapping[str, Any] | None = None,
    trusted: bool = True,
    at: datetime,
) -> Customer:
    """Return the customer with this external id, else with this mailbox; makes one where there is none.

    Known values stay; only blanks are filled, and none when the caller is not `trusted`: sign-in links go to
    the address on file. A customer known by mailbox alone takes the external id, one who has another external
    id is somebody else. `email_verified` says that the caller has seen the person read mail at the address;
    it is kept for the address on file, unless another one is given. Attributes are replaced by key, and taken
    away by None (see `programs.attributes`). Of somebody who was erased nothing is
    filled in but what finds them again. Safe to run concurrently with itself. Raises Invalid naming
    `external_id`, `email`, `name`, `country` or an attribute; without an id and an address there is nobody to
    identify.
    """
    given = _cleaned(
        external_id, email, name, country, verified=email_verified and trusted, attributes=attributes
    )
    return _identified(workspace, given, at, trusted=trusted)


def _identified(workspace: Workspace, given: _Given, at: datetime, *, trusted: bool = True) -> Customer:
    for _ in range(_ATTEMPTS):
        found = customer_named(workspace, external_id=given.external_id, mailbox=given.mailbox)
        try:
            # A savepoint: another transaction may have inserted, or claimed, the same person meanwhile.
            with transaction.atomic():
                if found is None:
                    return _insert(workspace, given, at)
                if not trusted or not (_blanks(found, given) or given.verifies(found)):
                    return found
                if _fill(found, given, at):
                    return found
        except IntegrityError:
            continue
    raise Conflict("This customer is being changed by other requests; try again.", code="busy")


@dataclass(frozen=True, slots=True)
class Person:
    """What is said about somebody, and when."""

    at: datetime
    external_id: str | None = None
    email: str = ""
    name: str = ""
    country: str = ""
    email_verified: bool = False
    attributes: Mapping[str, Any] | None = None


@all_or_nothing
def identify_customers(*, workspace: Workspace, people: Sequence[Person]) -> list[Customer]:
    """Return the customers these people are, in their order, as `identify_customer` does one after another.

    People of whom nothing is known, or all of it, cost three statements together. Raises as it does.
    """
    given = [
        _cleaned(
            each.external_id,
            each.email,
            each.name,
            each.country,
            verified=each.email_verified,
            attributes=each.attributes,
        )
        for each in people
    ]
    with together():
        return _all_identified(workspace, people, given)


def _all_identified(
    workspace: Workspace, people: Sequence[Person], given: Sequence[_Given]
) -> list[Customer]:
    found = customers_named(
        workspace,
        external_ids={each.external_id for each in given if each.external_id},
        mailboxes={each.mailbox for each in given if each.mailbox},
    )
    known = {customer.external_id: customer for customer in found if customer.external_id}
    mailboxes = {customer.mailbox for customer in found}
    erased = any(customer.erased_at is not None for customer in found)
    chosen: dict[int, Customer] = {}
    fresh: dict[int, Customer] = {}
    for place, each in enumerate(given):
        if not each.external_id:
            continue
        customer = known.get(each.external_id)
        if customer is None and erased:
            # Whoever may be one of them is looked up alone.
            continue
        if customer is None and (not each.mailbox or each.mailbox not in mailboxes):
            customer = fresh[place] = _customer(workspace, each, people[place].at)
            known[each.external_id] = customer
            mailboxes.add(each.mailbox)
        if customer is not None and not _blanks(customer, each) and not each.verifies(customer):
            chosen[place] = customer
    try:
        with transaction.atomic():
            Customer.objects.bulk_create(fresh.values())
        for customer in fresh.values():
            _tell_verified(customer)
    except IntegrityError:
        # Somebody else has stored one of them at this very moment.
        chosen = {}
    # What is left depends on what stands there now: who shares a mailbox, or tells more than is known.
    return [
        chosen[place] if place in chosen else _identified(workspace, each, people[place].at)
        for place, each in enumerate(given)
    ]


def _cleaned(
    external_id: str | None,
    email: str,
    name: str,
    country: str,
    *,
    verified: bool = False,
    attributes: Mapping[str, Any] | None = None,
) -> _Given:
    own_id = clean_line(external_id or "", param="external_id", longest=255) or None
    address, mailbox = _address(email)
    name = clean_line(name, param="name", longest=120)
    land = clean_line(country, param="country", longest=255).upper()
    if land and not _COUNTRY.fullmatch(land):
        raise Invalid("A country is an ISO 3166 code of two letters.", code="invalid_format", param="country")
    if own_id is None and not address:
        raise Invalid("Give an external_id, an email, or both.", code="required", param="external_id")
    return _Given(own_id, address, mailbox, name, land, verified, clean_attributes(attributes))


def _address(email: str) -> tuple[str, str]:
    address = clean_line(email, param="email", longest=254).lower()
    if not address:
        return "", ""
    try:
        validate_email(address)
        return address, normalise_mailbox(address)
    except (ValidationError, ValueError):
        raise Invalid("This is not an e-mail address.", code="invalid_format", param="email") from None


def _insert(workspace: Workspace, given: _Given, at: datetime) -> Customer:
    customer = _customer(workspace, given, at)
    customer.save(force_insert=True)
    _tell_verified(customer)
    return customer


def _customer(workspace: Workspace, given: _Given, at: datetime) -> Customer:
    return Customer(
        workspace=workspace,
        external_id=given.external_id,
        email=given.email,
        mailbox=given.mailbox,
        name=given.name,
        country=given.country,
        attributes=merged({}, given.attributes),
        email_verified_at=at if given.verified and given.email else None,
        created_at=at,
    )


def _blanks(customer: Customer, given: _Given) -> dict[str, Any]:
    """Return what is given and not known yet; the address and its mailbox go together."""
    if customer.erased_at is not None:
        return _traces_missing(customer, given)
    filled: dict[str, Any] = {}
    if given.external_id and customer.external_id is None:
        filled["external_id"] = given.external_id
    if given.email and not customer.email:
        filled |= {"email": given.email, "mailbox": given.mailbox}
    if given.name and not customer.name:
        filled["name"] = given.name
    if given.country and not customer.country:
        filled["country"] = given.country
    attributes = merged(customer.attributes, given.attributes)
    if _sorted(attributes) != _sorted(customer.attributes):
        filled["attributes"] = attributes
    return filled


def _sorted(attributes: Mapping[str, Any]) -> dict[str, tuple[type, Any]]:
    """Return values with their sorts: to Python 1 is true."""
    return {key: (type(value), value) for key, value in attributes.items()}


def _tell_verified(customer: Customer) -> None:
    if customer.email_verified_at is not None:
        emit("customer.verified", at=customer.email_verified_at, customer=customer.public_id)


def _traces_missing(customer: Customer, given: _Given) -> dict[str, Any]:
    """Return by what an erased person is to be found as well: a row still stands for one person."""
    found: dict[str, Any] = {}
    if given.external_id and customer.external_id is None:
        found["external_id"] = tombstone("external_id", given.external_id)
    if given.mailbox and not customer.mailbox:
        found["mailbox"] = tombstone("mailbox", given.mailbox)
    return found


def _fill(customer: Customer, given: _Given, at: datetime) -> bool:
    """Fill the blanks of the locked row; False when it has become somebody else's meanwhile."""
    rows = Customer.objects.for_workspace(customer.workspace_id)
    customer.refresh_from_db(from_queryset=rows.select_for_update(no_key=True))
    if given.external_id and customer.external_id not in (
        None,
        given.external_id,
        tombstone("external_id", given.external_id),
    ):
        return False
    changes: dict[str, object] = {**_blanks(customer, given)}
    for name, value in changes.items():
        setattr(customer, name, value)
    verified = given.verifies(customer)
    if verified:
        changes["email_verified_at"] = customer.email_verified_at = at
    if changes:
        customer.save(update_fields=list(changes))
    if verified:
        _tell_verified(customer)
    return True


@all_or_nothing
def set_attributes(*, customer: Customer, attributes: Mapping[str, Any], actor: Actor) -> Customer:
    """Replace attributes by key, None takes one away; what is not named stays, and repeating changes nothing.

    The audit shows which keys changed, not their values, because what it holds cannot be erased. Raises
    Invalid naming the key, and Conflict (`erased`) for somebody whose data was deleted.
    """
    given = clean_attributes(attributes)
    rows = Customer.objects.for_workspace(customer.workspace_id)
    customer.refresh_from_db(from_queryset=rows.select_for_update(no_key=True))
    if customer.erased_at is not None:
        raise Conflict("This person's data was erased at their wish.", code="erased")
    after = merged(customer.attributes, given)
    was, now = _sorted(customer.attributes), _sorted(after)
    changed = [key for key in given if was.get(key) != now.get(key)]
    if changed:
        customer.attributes = after
        customer.save(update_fields=["attributes"])
        record_audit(
            workspace=customer.workspace_id,
            actor=actor,
            action="customer.updated",
            subject=customer.public_id,
            after={"attributes": sorted(changed)},
        )
    return customer
