"""Lists of the console: declared columns, search and filters, sorting, choice of columns, CSV export, pages.

An app declares its lists in `tables.py`, their filters in `forms.py`, and a view ends in `lists.answer`.
"""

from core.lists.answer import Bulk, Empty, List, answer
from core.lists.columns import (
    Column,
    MomentColumn,
    MoneyColumn,
    NumberColumn,
    StatusColumn,
    WordsColumn,
    YesNoColumn,
)
from core.lists.filters import Chip, FilterForm, choices
from core.lists.pages import COUNTED_TO, CountedPaginator
from core.lists.table import Table

__all__ = [
    "COUNTED_TO",
    "Bulk",
    "Chip",
    "Column",
    "CountedPaginator",
    "Empty",
    "FilterForm",
    "List",
    "MomentColumn",
    "MoneyColumn",
    "NumberColumn",
    "StatusColumn",
    "Table",
    "WordsColumn",
    "YesNoColumn",
    "answer",
    "choices",
]
