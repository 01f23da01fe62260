"""Rows that are not what this program writes: left out and named, so that the rest of their table stays of use."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import BigInteger, Boolean, Double, Integer, LargeBinary, Row, Table, Text

from virtuoso.model.errors import VirtuosoError

T = TypeVar("T")

_KINDS: tuple[tuple[type, tuple[type, ...]], ...] = (
    (Boolean, (bool,)), (BigInteger, (int,)), (Integer, (int,)), (Double, (float, int)), (Text, (str,)),
    (LargeBinary, (bytes,)),
)  # fmt: skip
_NAMED = 3
_LARGEST = 10**15
_LONGEST = 200


class DamagedRow(VirtuosoError):
    """A row that was asked for by its id is damaged; the message names table, id and what is wrong."""


class Usable(NamedTuple):
    """What could be made of rows, and what is wrong with the others, one line each."""

    found: tuple[Any, ...]
    damaged: tuple[str, ...]


def left_out(damaged: Sequence[str]) -> str | None:
    """What is left out, for whoever shows the rest; `None` when nothing is."""
    if not damaged:
        return None
    more = "" if len(damaged) <= _NAMED else f"; and {len(damaged) - _NAMED} more"
    return f"damaged rows are left out: {'; '.join(damaged[:_NAMED])}{more}"


def usable(table: Table, rows: Iterable[Row[Any]], make: Callable[[Row[Any]], T]) -> Usable:
    """Make something of each row; the rest is named."""
    found: list[T] = []
    damaged: list[str] = []
    for row in rows:
        try:
            found.append(made(table, row, make))
        except DamagedRow as error:
            damaged.append(str(error))
    return Usable(tuple(found), tuple(damaged))


def made(table: Table, row: Row[Any], make: Callable[[Row[Any]], T]) -> T:
    """Check a row and turn it into what `make` makes of it.

    Raises:
        DamagedRow: a column has a value of another kind, or its text is not what is kept there.
    """
    values = row._mapping
    try:
        for name, value in values.items():
            _check(table, name, value)
        return make(row)
    except (msgspec.MsgspecError, ValueError, TypeError, LookupError, OverflowError) as error:
        named = " ".join(f"{values[c.name]!r:.60}" for c in table.primary_key if c.name in values)
        identity = f" {values['id']!r:.60}" if "id" in values else f" {named}" if named else ""
        raise DamagedRow(f"{table.name}{identity}: {' '.join(str(error).split()):.{_LONGEST}}") from error


def _check(table: Table, name: str, value: Any) -> None:
    """SQLite keeps anything anywhere."""
    column = table.c.get(name)
    if column is None:
        return
    if value is None:
        if not column.nullable:
            raise ValueError(f"{name} is missing")
        return
    kinds = next(kinds for kind, kinds in _KINDS if isinstance(column.type, kind))
    if not isinstance(value, kinds):
        raise TypeError(f"{name} is {value!r:.40}")
    if isinstance(column.type, BigInteger) and isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{name} is {value}, out of range")
