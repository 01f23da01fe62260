"""Bar files with known content: made as columns, written in every format, read back by a slow reference."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import zstandard

from virtuoso.market.panel import BAR_FIELDS
from virtuoso.research.bar_files.bars import Bars

MINUTE_MS = 60_000
START_MS = 1_746_373_020_000
"""2025-05-04T15:37:00Z: not at the beginning of a block."""

Columns = dict[str, Any]


def made(symbols: Sequence[str], minutes: int, *, seed: int = 1, start_ms: int = START_MS, **drop: int) -> Columns:
    """Whole bars of all symbols by time, then symbol; `drop` names symbols and how many first minutes they lack."""
    rng = np.random.default_rng(seed)
    shape = (minutes, len(symbols))
    close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 1e-3, shape), axis=0)), 4)
    opened = np.vstack([close[:1], close[:-1]])
    volume = np.round(rng.gamma(1, 100, shape), 3)
    arrays = {
        "open": opened,
        "high": np.round(np.maximum(opened, close) + 0.01, 4),
        "low": np.round(np.minimum(opened, close) - 0.01, 4),
        "close": close,
        "volume": volume,
    }
    columns: Columns = {
        "ts": np.repeat(start_ms + MINUTE_MS * np.arange(minutes), len(symbols)),
        "symbol": np.tile(np.array(symbols, dtype=object), minutes),
        **{name: array.ravel() for name, array in arrays.items()},
    }
    late = np.array([drop.get(symbol, 0) for symbol in symbols])
    return taken(columns, (np.arange(minutes)[:, None] >= late).ravel())


def taken(columns: Columns, rows: Any) -> Columns:
    """These rows, in this order."""
    return {name: np.asarray(values)[rows] for name, values in columns.items()}


def by_symbol(columns: Columns) -> Columns:
    """Sorted by symbol, then by time."""
    return taken(columns, np.lexsort((columns["ts"], columns["symbol"].astype(str))))


def shuffled(columns: Columns, seed: int = 5) -> Columns:
    """In an order without order."""
    return taken(columns, np.random.default_rng(seed).permutation(len(columns["ts"])))


def arrow(columns: Mapping[str, Any]) -> pa.Table:
    """As an Arrow table; symbols become texts."""
    return pa.table({k: pa.array(v, pa.string()) if k == "symbol" else v for k, v in columns.items()})


def csv_bytes(columns: Mapping[str, Any]) -> bytes:
    """As CSV, times and numbers as Python writes them."""
    lines = [",".join(columns)]
    lines += [",".join(map(_text, row)) for row in zip(*(list(v) for v in columns.values()), strict=True)]
    return ("\n".join(lines) + "\n").encode()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, np.floating | float) else str(value)


def write(path: Path, columns: Mapping[str, Any], row_group: int = 1_000) -> Path:
    """Write in the format of the name."""
    if path.suffix == ".parquet":
        pq.write_table(arrow(columns), path, row_group_size=row_group)
        return path
    data = csv_bytes(columns)
    packed = {".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix)
    path.write_bytes(packed(data) if packed else data)
    return path


def write_long_csv(path: Path, columns: Mapping[str, Any]) -> Path:
    """A CSV too long for `csv_bytes`."""
    arrow_csv.write_csv(arrow(columns), path)
    return path


def wanted(columns: Mapping[str, Any]) -> dict[tuple[str, int], tuple[float, ...]]:
    """The slow reference: open time and symbol → the values of the first such row, in the order of `BAR_FIELDS`."""
    bars: dict[tuple[str, int], tuple[float, ...]] = {}
    for i, (ts, symbol) in enumerate(zip(columns["ts"].tolist(), columns["symbol"], strict=True)):
        opened, high, low, close, volume = (
            float(columns[name][i]) for name in ("open", "high", "low", "close", "volume")
        )
        bought, turnover = (
            float("nan") if name not in columns or columns[name][i] is None else float(columns[name][i])
            for name in ("taker_buy_volume", "turnover")
        )
        if turnover != turnover:
            turnover = volume * ((high + low + 2 * close) / 4)
        bars.setdefault((symbol, ts), (opened, high, low, close, volume, turnover, bought))
    return bars


def got(bars: Bars) -> dict[tuple[str, int], tuple[float, ...]]:
    """The same of what was read; minutes that are wholly `nan` are left out."""
    found = {}
    expected_ms = bars.first_ms
    for block in bars.blocks():
        for i, open_ms in enumerate(block.open_ms.tolist()):
            assert open_ms == expected_ms, "blocks follow each other without a hole"
            expected_ms += bars.interval.ms
            for j, symbol in enumerate(bars.symbols):
                values = tuple(float(getattr(block, name)[i, j]) for name in BAR_FIELDS)
                if not np.isnan(values).all():
                    found[symbol, open_ms] = values
    assert expected_ms == bars.last_ms + bars.interval.ms
    return found


def same(one: Mapping[Any, tuple[float, ...]], other: Mapping[Any, tuple[float, ...]]) -> bool:
    """Whether two such dictionaries are equal, `nan` being equal to itself."""
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k], equal_nan=True) for k in one)
