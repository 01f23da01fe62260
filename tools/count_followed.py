"""Count what followed readings, for the table that a fresh install serves, and write it into the package.

Usage: python tools/count_followed.py SET…

Each SET is a file or a folder of 1m bars of one period, none of it near the days of the history that the demo plays.
It is scored as a backtest does with the default configuration, and forecast from an empty fit.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tools.fit_forecasts import files_of, source_of

from virtuoso.analysis.bands import UNKNOWN
from virtuoso.analysis.block import Memory
from virtuoso.analysis.forecast.followed import Followed, FollowedTable, tabled
from virtuoso.analysis.forecast.horizons import HORIZONS_MIN
from virtuoso.analysis.history import History
from virtuoso.analysis.percentile import ScorePast
from virtuoso.config import Settings, load
from virtuoso.market.panel import Floats
from virtuoso.research.backtest import Backtest, fed_by_bars
from virtuoso.research.bar_files.bars import Bars, read_bars
from virtuoso.research.forecasting.walk import WalkForward
from virtuoso.wiring.parts import band_rule

TARGET = Path(__file__).parents[1] / "src/virtuoso/analysis/forecast/shipped_followed.py"


def counted(path: Path, settings: Settings) -> tuple[Floats, int]:
    """What followed the readings of a set, by day (see `Followed.daily`), and the last close that is in it."""
    with read_bars(files_of(path)) as bars:
        memory = Memory()
        followed = Followed(memory, HORIZONS_MIN)
        memory.reserve(len(bars.symbols))
        past = ScorePast()
        past.memory.reserve(len(bars.symbols))
        walk = WalkForward(bars.symbols, bars.interval)
        for history in _histories(bars, settings):
            _follow(history, past, walk, followed)
        return followed.daily(), followed.table().until_ms


def _histories(bars: Bars, settings: Settings) -> Iterator[History]:
    factors = fed_by_bars(settings.analysis.factors.weights(), taker_sides=bars.taker_sides)
    run = Backtest(
        bars.symbols,
        settings.analysis.timeframes.weights(),
        factors,
        band_rule(settings),
        taker_sides=bars.taker_sides,
    )
    for block in bars.blocks():
        yield from run.histories(block, bars.seams)


def _follow(history: History, past: ScorePast, walk: WalkForward, followed: Followed) -> None:
    rows = slice(0, history.score.shape[1])
    ranked = [
        past.step(rows, score, band != UNKNOWN, close_ms).percentile
        for score, band, close_ms in zip(history.score, history.band, history.close_ms.tolist(), strict=True)
    ]
    percentile, first = np.stack(ranked), 0
    for said in walk.forecasts(history.bars):
        part = slice(first, first + said.close_ms.size)
        followed.step(
            said.close_ms,
            rows,
            percentile[part],
            history.regime[part],
            np.stack([said.volatility[minutes] for minutes in HORIZONS_MIN]),
            said.outcomes.close,
        )
        first = part.stop


def module(table: FollowedTable, sources: list[str]) -> str:
    """The source of the module that holds `table`."""
    return source_of(
        "What followed readings of other months: served by a fresh install until twenty days of its own are counted.",
        "tools/count_followed.py",
        sources,
        "virtuoso.analysis.forecast.followed",
        "FollowedTable",
        "FOLLOWED",
        table.arrays(),
    )


def main() -> None:
    """Count all sets together."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", type=Path, help="files or folders of 1m bars, one a period")
    options = parser.parse_args()
    settings = load([], {})
    found = [counted(path, settings) for path in options.sets]
    table = tabled(np.concatenate([daily for daily, _ in found]), HORIZONS_MIN, max(until for _, until in found))
    TARGET.write_text(module(table, [path.stem for path in options.sets]), encoding="utf-8")
    until = datetime.fromtimestamp(table.until_ms / 1000, UTC)
    print(f"{TARGET.name}: {table.days.max()} days, {table.readings.sum(axis=0)} readings, until {until:%F}")


if __name__ == "__main__":
    main()
