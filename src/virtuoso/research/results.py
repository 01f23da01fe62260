"""What a backtest leaves in its directory: `signals.parquet`, a row a reading, and `summary.json`."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from virtuoso.analysis.signals import SELL, UNKNOWN
from virtuoso.model.errors import UsageError
from virtuoso.model.signal import Label
from virtuoso.research.scored import ScoredBlock

SIGNALS, SUMMARY = "signals.parquet", "summary.json"
_GROUP_ROWS = 1 << 17
_NAMED = ["symbol", "signal"]
"""Dictionary columns; of numbers that hardly repeat, a dictionary costs time and saves nothing."""
_LABELS = pa.array([Label.SELL.value, Label.HOLD.value, Label.BUY.value])
"""In the order of the codes SELL, HOLD, BUY, which are −1, 0, 1; unknown is null."""


class Results:
    """Writes both files beside those of an earlier run and puts them in their place together, when `finish` is called.

    Until then, and when it is never called, an earlier run's files stay as they were.

    Args:
        directory: made if it is not there.
        symbols: those of every block.
        factors: names of the factors of every block, a column each.

    Raises:
        UsageError: the directory, or later a file in it, cannot be written.
    """

    def __init__(self, directory: Path, symbols: Sequence[str], factors: Sequence[str]) -> None:
        self._directory = directory
        self._factors = tuple(factors)
        self._symbols = pa.array(symbols, pa.string())
        self._schema = pa.schema(
            [
                ("time", pa.timestamp("ms", "UTC")),
                ("symbol", pa.dictionary(pa.int32(), pa.string())),
                ("signal", pa.dictionary(pa.int8(), pa.string())),
                *((name, pa.float64()) for name in ("score", "confidence", "coverage", *self._factors)),
            ]
        )
        self._waiting: list[Any] = []
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = self._part(SIGNALS).open("wb")
        except OSError as error:
            raise self._cannot(error) from error
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd", use_dictionary=_NAMED)

    def __enter__(self) -> "Results":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove what was not finished."""
        with suppress(OSError, ValueError):  # the disk may be full, or the file closed by `finish`
            self._writer.close()
        self._file.close()
        for name in (SIGNALS, SUMMARY):
            self._part(name).unlink(missing_ok=True)

    def write(self, block: ScoredBlock) -> None:
        """Add the readings of the block that follows, by time, then by symbol."""
        row, column = np.nonzero(block.present)
        label = block.label[row, column]
        numbers = (block.score, block.confidence, block.coverage, *(block.factors[name] for name in self._factors))
        self._waiting.append(
            pa.Table.from_arrays(
                [
                    pa.array(block.close_ms[row], pa.timestamp("ms", "UTC")),
                    pa.DictionaryArray.from_arrays(pa.array(column, pa.int32()), self._symbols),
                    pa.DictionaryArray.from_arrays(pa.array(label - np.int8(SELL), mask=label == UNKNOWN), _LABELS),
                    *(pa.array(array[row, column], pa.float64(), from_pandas=True) for array in numbers),
                ],
                schema=self._schema,
            )
        )
        if sum(table.num_rows for table in self._waiting) >= _GROUP_ROWS:
            self._flush()

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Put both files in their place, `signals.parquet` first."""
        self._flush()
        try:
            self._writer.close()
            _close(self._file)
            with self._part(SUMMARY).open("wb") as file:
                file.write(json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False).encode() + b"\n")
                _close(file)
            for name in (SIGNALS, SUMMARY):
                self._part(name).replace(self._directory / name)
        except OSError as error:
            raise self._cannot(error) from error

    def _flush(self) -> None:
        if self._waiting:
            table, self._waiting = pa.concat_tables(self._waiting), []
            try:
                self._writer.write_table(table, row_group_size=table.num_rows)
            except OSError as error:
                raise self._cannot(error) from error

    def _part(self, name: str) -> Path:
        return self._directory / f".{name}.{os.getpid()}.part"

    def _cannot(self, error: OSError) -> UsageError:
        return UsageError(f"{self._directory}: cannot be written: {error.strerror or error}")


def _close(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
