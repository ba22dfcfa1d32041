"""What was bought in an order, line by line, and what it cost the shop. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Invalid
from core.money import MAX_MINOR

MAX_LINES: Final = 500
MAX_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its net amount after discounts, for all of its quantity, and what that cost where known."""

    sku: str
    amount_minor: int
    category: str = ""
    quantity: int = 1
    cost_minor: int | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The line as a conversion keeps it."""
        return {
            "sku": self.sku,
            "category": self.category,
            "quantity": self.quantity,
            "amount_minor": self.amount_minor,
            "cost_minor": self.cost_minor,
        }


def line_of(document: Mapping[str, Any]) -> Line:
    """Read a line as it is kept."""
    return Line(
        sku=document["sku"],
        amount_minor=document["amount_minor"],
        category=document.get("category", ""),
        quantity=document.get("quantity", 1),
        cost_minor=document.get("cost_minor"),
    )


def cost_of(lines: Sequence[Line]) -> int | None:
    """Return what all lines cost together; None unless each says so."""
    known = [line.cost_minor for line in lines if line.cost_minor is not None]
    return sum(known) if lines and len(known) == len(lines) else None


def check_lines(lines: Sequence[Line], *, amount_minor: int, cost_minor: int | None) -> None:
    """Raise Invalid naming the field of what an order cannot hold.

    The lines add up to the order's amount at most: what is left belongs to no line, as a fee does.
    """
    if cost_minor is not None and not 0 <= cost_minor <= MAX_MINOR:
        raise Invalid(f"The cost is 0 to {MAX_MINOR} minor units.", param="cost")
    if len(lines) > MAX_LINES:
        raise Invalid(f"An order has at most {MAX_LINES} lines.", param="items")
    for index, line in enumerate(lines):
        for field, text in (("sku", line.sku), ("category", line.category)):
            if len(text) > MAX_NAME or not text.isprintable():
                raise Invalid(
                    f"It has at most {MAX_NAME} printable characters.", param=f"items.{index}.{field}"
                )
        if not 0 <= line.amount_minor <= MAX_MINOR:
            raise Invalid(f"The amount is 0 to {MAX_MINOR} minor units.", param=f"items.{index}.amount")
        if line.cost_minor is not None and not 0 <= line.cost_minor <= MAX_MINOR:
            raise Invalid(f"The cost is 0 to {MAX_MINOR} minor units.", param=f"items.{index}.cost")
        if not 1 <= line.quantity <= 1_000_000:
            raise Invalid("The quantity is 1 to 1,000,000.", param=f"items.{index}.quantity")
    total_minor = sum(line.amount_minor for line in lines)
    if total_minor > amount_minor:
        raise Invalid(
            f"The items come to {total_minor}, which is more than the amount of {amount_minor}.",
            param="items",
        )
