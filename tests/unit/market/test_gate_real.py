"""Nothing real is refused: every bar of the shared data, the great falls among them, and every frame of the capture."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
import pytest
import zstandard
from tests.support.capture import frames

from virtuoso.exchange.bybit.feeds import Feed, feeds_for, topic_of
from virtuoso.market.symbol import SymbolState
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.simulator.history.dataset import load

SHARED = Path(__file__).parents[4] / "shared" / "data"
FALL_MS = 1_621_382_400_000  # 19 May 2021
DAY_MS = 86_400_000
PARQUET = ("binance_spot_klines_1m_20sym_20210420_20210520", "binance_usdm_klines_1m_16sym_20250504_20250603")
FILES = [f"more/{folder}" for folder in ("kl1m_202302", "kl1m_202502", "kl5m_2025H1")]

Row = tuple[int, float, float, float, float, float, float]
"""Open time, open, high, low, close, volume, turnover."""
Rows = Iterator[tuple[str, list[Row]]]


def parquet_rows(name: str) -> Rows:
    table = parquet.read_table(SHARED / f"{name}.parquet")
    times = table["open_time" if "open_time" in table.column_names else "ts"].to_numpy().astype("datetime64[ms]")
    symbols = np.array(table["symbol"].to_pylist())
    values = np.column_stack([table[key].to_numpy() for key in ("open", "high", "low", "close", "volume")])
    values = np.column_stack([values, values[:, 4] * values[:, 3]])  # no turnover is told
    for symbol in np.unique(symbols):
        own = np.flatnonzero(symbols == symbol)
        own = own[np.argsort(times[own], kind="stable")]
        rows = zip(times[own].astype(np.int64).tolist(), *values[own].T.tolist(), strict=True)
        yield str(symbol), list(rows)


def folder_rows(name: str) -> Rows:
    for path in sorted((SHARED / name).glob("*.csv.zst")):
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
            lines = csv.reader(io.TextIOWrapper(reader, "utf-8"))
            yield path.name, [(int(r[0]), *map(float, r[1:6]), float(r[7])) for r in lines if r[0].isdigit()]  # type: ignore[misc]


def refused(rows: list[Row], minutes: int) -> list[str]:
    """What a gate that sees nothing else says of bars, each as it closes."""
    state = SymbolState("X", (Timeframe.M1,), 10, 50, lambda: 0.0)
    found = []
    for open_ms, opened, high, low, close, volume, turnover in rows:
        bar = Bar(open_ms + (minutes - 1) * 60_000, opened, high, low, close, volume, turnover)
        if (refusal := state.gate.bars((open_ms + minutes * 60_000 + 200) * 1_000_000, [bar])) is not None:
            found.append(f"{open_ms}: {refusal}")
    return found


def every(source: Rows, minutes: int, first_ms: int = 0, last_ms: int = 1 << 62) -> int:
    seen = 0
    for name, rows in source:
        chosen = [row for row in rows if first_ms <= row[0] < last_ms]
        assert refused(chosen, minutes) == [], name
        seen += len(chosen)
    return seen


def recorded_rows() -> Rows:
    """The three days that the package holds: real bars, the fall of LAYER among them."""
    for symbol, recorded in load().symbols.items():
        step, size = (10.0**-decimals for decimals in (recorded.units.price_decimals, recorded.units.size_decimals))
        scale = [recorded.units.step * step] * 4 + [size]
        first_ms = load().until - len(recorded.fine) * 60_000
        yield (
            symbol,
            [(first_ms + i * 60_000, *row, row[3] * row[4]) for i, row in enumerate((recorded.fine * scale).tolist())],
        )  # type: ignore[misc]


def test_every_minute_of_the_bundled_history() -> None:
    assert every(recorded_rows(), 1) > 15 * 1_440


def _needs_shared() -> None:
    if not SHARED.exists():
        pytest.skip("the shared data is not beside this checkout")


def test_the_fall_of_19_may_2021() -> None:
    _needs_shared()
    assert every(parquet_rows(PARQUET[0]), 1, FALL_MS, FALL_MS + DAY_MS) == 20 * 1_440


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [(PARQUET[0], 858_000), (PARQUET[1], 680_000)])
def test_every_minute_of_a_month(name: str, least: int) -> None:
    _needs_shared()
    assert every(parquet_rows(name), 1) >= least


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "minutes"), [(FILES[0], 1), (FILES[1], 1), (FILES[2], 5)])
def test_every_bar_of_a_folder(folder: str, minutes: int) -> None:
    _needs_shared()
    assert every(folder_rows(folder), minutes) > 160_000


def test_every_frame_of_the_capture() -> None:
    feeds: dict[tuple[str, bytes], Feed] = {}
    states: dict[tuple[str, str], SymbolState] = {}
    taken = 0
    for category, frame, received_ns in frames():
        if (topic := topic_of(frame)) is None:
            continue
        symbol = topic.decode().rpartition(".")[2]
        if (category, symbol) not in states:
            state = states[category, symbol] = SymbolState(symbol, (Timeframe.M1,), 100, 200, lambda: 0.0)
            feeds |= {(category, f.topic.encode()): f for f in feeds_for(symbol, state, category, 200, lambda _: None)}
        feeds[category, topic].take(frame, received_ns)
        taken += 1
    assert {feed.topic: dict(feed.rejected) for feed in feeds.values() if feed.rejected} == {}
    assert {key: dict(state.stats.doubted) for key, state in states.items() if state.stats.doubted} == {}
    assert sum(feed.messages for feed in feeds.values()) == taken > 3_000
