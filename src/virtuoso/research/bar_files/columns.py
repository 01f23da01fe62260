"""Reads numbers and symbols from the columns of a bar file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from virtuoso.market.panel import Floats
from virtuoso.research.bar_files.layouts.recognition import cut
from virtuoso.research.bar_files.problems import DataError

Bools = NDArray[np.bool_]
Names = Mapping[str, str]
"""Key → the column's name in the file."""

_NUMBER = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:nan|inf|infinity))$"
_NUMERIC = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)


def numbers(path: Path, name: str, column: Any) -> tuple[Floats, Bools]:
    """Read the values [m] of an Arrow column, `nan` where there is none, and where a text in it is no number.

    Raises:
        DataError: the column is of a type that holds no numbers.
    """
    kind = column.type
    if is_text(kind):
        text = pc.utf8_trim_whitespace(column)
        right = pc.fill_null(pc.match_substring_regex(text, _NUMBER), fill_value=True)
        values = pc.cast(pc.if_else(right, text, pa.scalar(None, text.type)), pa.float64())
        return _floats(values), ~_bools(right)
    if not any(is_one(kind) for is_one in _NUMERIC):
        raise DataError(path, f"column {name} is of type {kind}; numbers are needed")
    return _floats(pc.cast(column, pa.float64(), safe=False)), np.zeros(len(column), np.bool_)


def symbols(path: Path, name: str, column: Any) -> tuple[list[str], NDArray[np.int64]]:
    """The different symbols and the number [m] of each row's, −1 where there is none.

    Raises:
        DataError: the column holds no text.
    """
    if is_text(column.type):
        column = column.dictionary_encode()
    if not pa.types.is_dictionary(column.type) or not is_text(column.type.value_type):
        raise DataError(path, f"column {name} is of type {column.type}; texts are needed")
    try:
        names = [(symbol or "").strip() for symbol in column.dictionary.to_pylist()]
    except UnicodeDecodeError as error:
        raise DataError(path, f"column {name} holds a text that is not UTF-8: {error.object!r}") from error
    codes: NDArray[np.int64] = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return names, codes


def is_text(kind: Any) -> bool:
    """Whether an Arrow type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def shown(column: Any, row: int) -> str:
    """Write out what stands in a row of a column, for a message; empty where there is nothing."""
    cell = column[row]
    if not cell.is_valid:
        return ""
    if pa.types.is_timestamp(column.type):
        return f"{pc.cast(pc.cast(cell, pa.timestamp(column.type.unit)), pa.string())}Z"
    return cut(str(cell.as_py()).strip())


def _floats(column: Any) -> Floats:
    values: Floats = column.to_numpy(zero_copy_only=False)
    return values.astype(np.float64, copy=False)


def _bools(column: Any) -> Bools:
    values: Bools = column.to_numpy(zero_copy_only=False).astype(np.bool_)
    return values
