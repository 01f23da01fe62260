"""Statements, outcomes and sums as bytes for the database: a header, then columns byte by byte, compressed."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.lived import came as came_columns
from virtuoso.analysis.lived.came import Came
from virtuoso.analysis.lived.measures import MEASURES
from virtuoso.analysis.lived.statements import COLUMNS, Statements
from virtuoso.analysis.lived.sums import GroupSums
from virtuoso.storage.database.lived_body import Block, CameBody, SaidBody, packed, unpacked


class _Sums(msgspec.Struct, frozen=True, kw_only=True):
    groups: tuple[tuple[str, str], ...]
    measures: tuple[str, ...]
    values: Block


def packed_statements(said: Statements) -> bytes:
    """Statements as bytes; their close, kind and part are kept beside them."""
    return packed(SaidBody(
        symbols=said.symbols, version=said.version, horizon_min=said.horizon_min, columns=COLUMNS,
        values=_block(said.values),
    ))  # fmt: skip


def statements_from(body: bytes, close_ms: int, kind: str, part: int) -> Statements:
    """The statements that were packed; columns that are not known any more are left out, new ones are unknown.

    Raises:
        ValueError: these are no such bytes.
    """
    found = unpacked(body, SaidBody)
    values = _named(found.columns, _values(found.values), COLUMNS)
    if values.shape[1] != len(found.symbols):
        raise ValueError("a table does not have the symbols that it names")
    return Statements(
        close_ms=close_ms, kind=kind, part=part, symbols=found.symbols, version=found.version,
        horizon_min=found.horizon_min, values=values.astype(np.float32),
    )  # fmt: skip


def packed_came(came: Came) -> bytes:
    """Outcomes as bytes; what they are of is kept beside them."""
    columns = came_columns.COLUMNS
    return packed(
        CameBody(columns=columns[1:], entry=_block(came.values[:1]), values=_block(came.values[1:].astype(np.float32)))
    )


def came_from(body: bytes, close_ms: int, kind: str, part: int, horizon_min: int) -> Came:
    """Unpack outcomes from their bytes.

    Raises:
        ValueError: these are no such bytes.
    """
    found = unpacked(body, CameBody)
    values = np.concatenate([
        _values(found.entry), _named(found.columns, _values(found.values), came_columns.COLUMNS[1:])
    ])  # fmt: skip
    return Came(close_ms=close_ms, kind=kind, part=part, horizon_min=horizon_min, values=values)


def packed_sums(sums: GroupSums) -> bytes:
    """The sums of a day as bytes: whole numbers (`GroupSums.table`) with the names of their groups and measures."""
    groups, values = sums.table()
    return packed(_Sums(groups=groups, measures=MEASURES, values=_block(values)))


def sums_from(body: bytes) -> GroupSums:
    """The sums that were packed; measures that are not known any more are left out, new ones have counted nothing.

    Raises:
        ValueError: these are no such bytes.
    """
    found = unpacked(body, _Sums)
    values = _values(found.values)
    if values.shape != (len(found.groups), len(found.measures)):
        raise ValueError("a table does not have the groups and measures that it names")
    return GroupSums.of(found.groups, found.measures, values)


def _block(values: NDArray[Any]) -> Block:
    """A table [k, n]; bytes of equal weight lie side by side, as they are alike."""
    table = np.ascontiguousarray(values)
    parts = table.reshape(-1).view(np.uint8).reshape(-1, table.itemsize) if table.size else np.empty((0, 1), np.uint8)
    return Block((values.shape[0], values.shape[1]), table.dtype.str, np.ascontiguousarray(parts.T).tobytes())


def _values(block: Block) -> NDArray[Any]:
    if block.dtype not in {"<f4", "<f8", "<i8"}:
        raise ValueError(f"no numbers of a known kind: {block.dtype!r:.20}")
    dtype, size = np.dtype(block.dtype), block.shape[0] * block.shape[1]
    if len(block.values) != size * dtype.itemsize:
        raise ValueError("a table is not whole")
    if not size:
        return np.empty(block.shape, dtype)
    parts = np.frombuffer(block.values, np.uint8).reshape(dtype.itemsize, size)
    return np.ascontiguousarray(parts.T).reshape(-1).view(dtype).reshape(block.shape)


def _named(names: tuple[str, ...], values: NDArray[Any], wanted: tuple[str, ...]) -> NDArray[Any]:
    """The rows of `values` [len(names), n] that are `wanted`, `nan` for those that are not among them."""
    if values.shape[0] != len(names):
        raise ValueError("a table does not have the columns that it names")
    if names == wanted:
        return values
    at = {name: i for i, name in enumerate(names)}
    unknown = np.full(values.shape[1], np.nan)
    return np.stack([values[at[name]] if name in at else unknown for name in wanted])
