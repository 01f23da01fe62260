"""A backtest with what came before says what the whole run says; bars of other lengths are scored as those of 1m."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.panels import START_MS, aggregate, part, random_bars, symbols

from virtuoso.analysis.bands import UNKNOWN, BandRule
from virtuoso.market.panel import BarBlock
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.bar_files.bars import Bars, read_bars
from virtuoso.research.followed import FollowedBlock
from virtuoso.research.run import Plan, Run
from virtuoso.research.scored import ScoredBlock

MINUTE = 60_000
N = 2
FACTORS = {"order_flow": 0.3, "volume": 0.18, "price_structure": 0.15, "technical": 0.1}
RULE = BandRule(min_coverage=0.1)
SHORT = {Timeframe.M1: 0.5, Timeframe.M5: 0.3, Timeframe.M15: 0.2}
ALL = {Timeframe.M1: 0.4, Timeframe.M5: 0.3, Timeframe.M30: 0.2, Timeframe.H4: 0.1}


def walks(minutes: int, seed: int, start_ms: int = START_MS) -> BarBlock:
    """Random bars whose volumes have exact sums, whoever adds them."""
    bars = random_bars(minutes, N, seed=seed, start_ms=start_ms)
    volume, bought = (np.ceil(values * 1024) / 1024 for values in (bars.volume, bars.buy_volume))
    turnover = np.ceil(volume * bars.close * 1024) / 1024
    return replace(bars, volume=volume, turnover=turnover, buy_volume=bought)


class Gathered:
    """Takes blocks as `Results` does."""

    def __init__(self) -> None:
        self.blocks: list[ScoredBlock] = []
        self.followed: list[FollowedBlock] = []

    def write(self, block: ScoredBlock) -> None:
        self.blocks.append(block)

    def write_followed(self, block: FollowedBlock) -> None:
        self.followed.append(block)

    def write_incidents(self, rows: Sequence[Any]) -> None:
        assert not rows, "none were looked for"

    def __getitem__(self, name: str) -> np.ndarray:
        """All of an array [t, n], of the closes at which any symbol has a reading."""
        arrays = [self._array(block, name)[block.present.any(axis=1)] for block in self.blocks]
        return np.concatenate(arrays)

    @staticmethod
    def _array(block: ScoredBlock, name: str) -> np.ndarray:
        if name in block.components:
            return block.components[name]
        if name.startswith("score_"):
            return block.frames[name[6:]]
        array = getattr(block, name)
        return array[:, None] if array.ndim == 1 else array


def file(folder: Path, block: BarBlock, name: str) -> Path:
    t, n = block.close.shape
    columns = {"ts": np.repeat(block.open_ms, n), "symbol": np.tile(np.array(symbols(n)), t)}
    columns |= {
        each: getattr(block, each).reshape(-1) for each in ("open", "high", "low", "close", "volume", "turnover")
    }
    columns["taker_buy_volume"] = block.buy_volume.reshape(-1)
    there = np.isfinite(columns["close"])
    pq.write_table(pa.table({key: values[there] for key, values in columns.items()}), folder / name)
    return folder / name


def run(data: Path, past: Sequence[Path] = (), timeframes: dict[Timeframe, float] = SHORT) -> tuple[Gathered, dict]:
    gathered = Gathered()
    with ExitStack() as stack:

        def read(path: Path) -> Bars:
            return stack.enter_context(read_bars(path))

        scoring = Run(
            read(data), [read(path) for path in past], Plan(timeframes=timeframes, factors=FACTORS, rule=RULE)
        )
        for _ in scoring.score(gathered, lambda _: None):  # type: ignore[arg-type]
            pass
        return gathered, scoring.document(seconds=1.0, config_digest="")


SAID = ("close_ms", "score", "band", "bridged", "agreement", "coverage", "regime", "score_15m", "technical.rsi.5m")


@pytest.mark.parametrize("at", [437, 480, 901])
def test_the_second_half_with_the_first_as_warm_up_says_what_the_whole_run_says(tmp_path: Path, at: int) -> None:
    bars = walks(1_300, seed=3, start_ms=START_MS + 7 * MINUTE)
    bars.close[200:202, 1] = np.nan
    whole, _ = run(file(tmp_path, bars, "whole.parquet"))
    first, second = (file(tmp_path, part(bars, *of), f"{of[0]}.parquet") for of in ((0, at), (at, 1_300)))
    warm, document = run(second, [first])
    assert (whole["band"][at:] != UNKNOWN).all(axis=1).any()
    for name in SAID:
        np.testing.assert_array_equal(warm[name], whole[name][at:], err_msg=name)
    assert document["readings"] == N * (1_300 - at)
    assert document["warm_up"][0]["bars"] == N * at - 2
    cold, _ = run(second)
    assert np.isnan(cold["score"][0]).all()
    assert np.isfinite(warm["score"][0]).any()


@pytest.mark.parametrize("overlap", [0, 600])
def test_files_of_longer_bars_warm_their_timeframes_up(tmp_path: Path, overlap: int) -> None:
    """The longest bar that the data begins within is taken from its file, and seen from its close on."""
    at, until = 4_147, 4_400
    bars = walks(until, seed=4)
    whole, _ = run(file(tmp_path, bars, "whole.parquet"))
    longer = [aggregate(part(bars, 0, (at // k + 1) * k + overlap // k * k), tf) for tf, k in (
        (Timeframe.M5, 5), (Timeframe.M15, 15),
    )]  # fmt: skip
    past = [file(tmp_path, block, f"{block.timeframe}.parquet") for block in longer]
    data = file(tmp_path, part(bars, at, until), "data.parquet")
    warm, document = run(data, past)
    for name in ("score_5m", "score_15m", "technical.macd.15m", "regime"):
        np.testing.assert_array_equal(warm[name], whole[name][at:], err_msg=name)
        assert np.isfinite(warm[name]).all()
    assert np.isnan(warm["score_1m"][0]).all(), "nothing came before the minutes"
    assert [each["interval"] for each in document["warm_up"]] == ["5m", "15m"]


def test_bars_of_five_minutes_say_of_their_timeframes_what_those_of_one_minute_do(tmp_path: Path) -> None:
    bars = walks(3_000, seed=5)
    minutes, _ = run(file(tmp_path, bars, "1m.parquet"), timeframes=ALL)
    fives, document = run(file(tmp_path, aggregate(bars, Timeframe.M5), "5m.parquet"), timeframes=ALL)
    at = minutes["close_ms"][:, 0] % (5 * MINUTE) == 0
    np.testing.assert_array_equal(fives["close_ms"], minutes["close_ms"][at])
    for name in ("score_5m", "score_30m", "technical.rsi.5m", "volume.obv.30m"):
        np.testing.assert_array_equal(fives[name], minutes[name][at], err_msg=name)
    assert np.isfinite(fives["technical.rsi.5m"]).any()
    assert document["interval"] == document["base"] == "5m"
    assert document["absent_timeframes"] == {"1m": "DATA has bars of 5m"}
    assert document["readings"] == 600 * N


def test_bars_that_are_no_timeframe_are_made_into_the_shortest_that_is_one(tmp_path: Path) -> None:
    bars = walks(3_000, seed=6)
    data = file(tmp_path, aggregate(bars, Timeframe.M15), "15m.parquet")
    quarters, document = run(data, timeframes=ALL)
    halves, _ = run(file(tmp_path, aggregate(bars, Timeframe.M30), "30m.parquet"), timeframes=ALL)
    for name in ("close_ms", "score", "technical.rsi.30m"):
        np.testing.assert_allclose(quarters[name], halves[name], rtol=1e-12, err_msg=name)
    assert (document["interval"], document["base"]) == ("15m", "30m")
    assert list(document["absent_timeframes"]) == ["1m", "5m"]
    with pytest.raises(UsageError, match=r"bars of 15m make none of the timeframes 1m, 5m \(analysis.timeframes\)"):
        run(data, timeframes={Timeframe.M1: 1.0, Timeframe.M5: 1.0})


def test_a_warm_up_never_stands_for_what_the_data_lacks(tmp_path: Path) -> None:
    """Minutes that are missing in the data stay missing, whatever a file of warm-up has of them."""
    bars = walks(600, seed=7)
    gap = replace(bars, **{name: getattr(bars, name).copy() for name in ("open", "high", "low", "close")})
    gap.close[500] = np.nan
    past = file(tmp_path, bars, "past.parquet")
    warm, document = run(file(tmp_path, part(gap, 300, 600), "data.parquet"), [past])
    whole, _ = run(file(tmp_path, gap, "whole.parquet"))
    np.testing.assert_array_equal(warm["close_ms"], whole["close_ms"][300:])
    np.testing.assert_array_equal(warm["score_1m"], whole["score_1m"][300:])
    assert document["withheld"]["gaps"] == {"count": N, "longest_bars": 1}
