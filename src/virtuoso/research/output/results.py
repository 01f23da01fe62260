"""What a backtest leaves in its directory: tables whose row i is the same reading in each, and `summary.json`."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from virtuoso.analysis.bands import DOWN, UNKNOWN
from virtuoso.analysis.regimes.regime import REGIMES
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.errors import UsageError
from virtuoso.model.signal import Band
from virtuoso.research.followed import FollowedBlock
from virtuoso.research.output.place import closed, part_of
from virtuoso.research.output.table_file import TableFile
from virtuoso.research.scored import Readings, ScoredBlock

SIGNALS, COMPONENTS, OUTCOMES = "signals.parquet", "components.parquet", "outcomes.parquet"
INCIDENTS, SUMMARY = "incidents.parquet", "summary.json"
_TABLES = (SIGNALS, COMPONENTS, OUTCOMES, INCIDENTS)
_BANDS = (Band.DOWN.value, Band.BALANCED.value, Band.UP.value)
"""In the order of the codes, which are −1, 0, 1; unknown is null."""
_REGIMES = tuple(regime.value for regime in REGIMES)
_MEASURES = ("score", "agreement", "coverage")


class Results:
    """Writes all files beside those of an earlier run and puts them in their place together, when `finish` is called.

    Until then, and when it is never called, an earlier run's files stay as they were; then those that this run does
    not write are removed, as their rows would not be the same readings.

    Args:
        directory: made if it is not there.
        readings: the columns of every block.
        outcomes: the columns of what followed.
        components: whether `components.parquet` is written.
        incidents: whether `incidents.parquet` is.

    Raises:
        UsageError: the directory, or later a file in it, cannot be written.
    """

    def __init__(
        self,
        directory: Path,
        readings: Readings,
        outcomes: Sequence[str],
        *,
        components: bool = True,
        incidents: bool = False,
    ) -> None:
        self._directory = directory
        self._readings = readings
        self._symbols = pa.array(readings.symbols, pa.string())
        self._files: dict[str, TableFile] = {}
        schemas = {SIGNALS: _signals_schema(readings), OUTCOMES: _values_schema(outcomes)}
        if components:
            schemas[COMPONENTS] = _values_schema(readings.components)
        if incidents:
            schemas[INCIDENTS] = _INCIDENT
        with self._told():
            directory.mkdir(parents=True, exist_ok=True)
            for name, schema in schemas.items():
                self._files[name] = TableFile(directory / name, schema)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files that are written."""
        return (*self._files, SUMMARY)

    def __enter__(self) -> "Results":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the files that were not finished."""
        for file in self._files.values():
            file.discard()
        part_of(self._directory / SUMMARY).unlink(missing_ok=True)

    def write(self, block: ScoredBlock) -> None:
        """Add the readings of the block that follows, by time, then by symbol."""
        row, column = np.nonzero(block.present)
        pick = _picker(block.present)
        band = pick(block.band)
        tables = (block.factors, block.frames, block.probabilities)
        numbers = [block.score, block.agreement, block.coverage, *(array for of in tables for array in of.values())]
        keys = self._keys(block.close_ms, row, column)
        with self._told():
            self._files[SIGNALS].write(
                [
                    *keys,
                    pa.DictionaryArray.from_arrays(
                        pa.array(band - np.int8(DOWN), mask=band == UNKNOWN), pa.array(_BANDS)
                    ),
                    _named(pick(block.regime), _REGIMES),
                    *(pa.array(pick(array), pa.float64(), from_pandas=True) for array in numbers),
                ]
            )
            if COMPONENTS in self._files:
                values = (pick(array).astype(np.float32) for array in block.components.values())
                self._files[COMPONENTS].write([*keys, *(pa.array(array, from_pandas=True) for array in values)])

    def write_followed(self, block: FollowedBlock) -> None:
        """Add what followed the readings that come next, in the same order."""
        if block.present.any():
            row, column = np.nonzero(block.present)
            pick = _picker(block.present)
            values = (pa.array(pick(array), from_pandas=True) for array in block.values)
            with self._told():
                self._files[OUTCOMES].write([*self._keys(block.close_ms, row, column), *values])

    def write_incidents(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add incidents that are settled."""
        if INCIDENTS in self._files:
            with self._told():
                self._files[INCIDENTS].write_rows(rows)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Put all files in their place, `summary.json` last."""
        place = self._directory / SUMMARY
        with self._told():
            for file in self._files.values():
                file.close()
            with part_of(place).open("wb") as written:
                written.write(json.dumps(summary, indent=2, allow_nan=False, ensure_ascii=False).encode() + b"\n")
                closed(written)
            for file in self._files.values():
                file.replace()
            part_of(place).replace(place)
            for name in set(_TABLES) - set(self._files):
                (self._directory / name).unlink(missing_ok=True)

    def _keys(self, close_ms: Ints, row: Ints, column: Ints) -> list[Any]:
        """Time and symbol of each reading."""
        return [
            pa.array(close_ms[row], pa.timestamp("ms", "UTC")),
            pa.DictionaryArray.from_arrays(pa.array(column, pa.int32()), self._symbols),
        ]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(f"{self._directory}: cannot be written: {error.strerror or error}") from error


_KEYS = (("time", pa.timestamp("ms", "UTC")), ("symbol", pa.dictionary(pa.int32(), pa.string())))

_TIME = pa.timestamp("ms", "UTC")
_INCIDENT = pa.schema(
    [
        *((name, _TIME) for name in ("fired", "resolved")),
        *((name, pa.string()) for name in ("kind", "symbol", "side", "severity")),
        ("value", pa.float64()),
        ("message", pa.string()),
        ("told", _TIME),
        *((name, pa.string()) for name in ("how", "withheld_by", "reason")),
    ]
)


def _signals_schema(readings: Readings) -> Any:
    names = (*_MEASURES, *readings.factors, *(f"score_{frame}" for frame in readings.timeframes))
    names += tuple(f"p_{regime.value.lower()}" for regime in REGIMES)
    text = pa.dictionary(pa.int8(), pa.string())
    return pa.schema([*_KEYS, ("band", text), ("regime", text), *((name, pa.float64()) for name in names)])


def _values_schema(names: Sequence[str]) -> Any:
    return pa.schema([*_KEYS, *((name, pa.float32()) for name in names)])


def _picker(present: Any) -> Callable[[Any], Any]:
    """Takes the values of readings out of an array [t, n], by time, then by symbol; without a copy where all are."""
    if present.all():
        return lambda array: array.reshape(-1)
    return lambda array: array[present]


def _named(place: Floats, names: Sequence[str]) -> Any:
    """Texts from their places in `names`, null where the place is `nan`."""
    unknown = np.isnan(place)
    places = pa.array(np.where(unknown, 0, place).astype(np.int8), mask=unknown)
    return pa.DictionaryArray.from_arrays(places, pa.array(names))
