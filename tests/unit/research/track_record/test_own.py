"""The page about one's own file is made of what was scored of it, and of nothing that came before it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.panels import START_MS, part, random_bars, symbols

from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.market.panel import BarBlock
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.forecasting.walk import WalkForward
from virtuoso.research.run import Plan, Run
from virtuoso.research.sampling.sets import Forecast, ScoredSet, SetSampler
from virtuoso.research.seams import Seam, begun
from virtuoso.research.track_record.own import OwnPage

MINUTE, N = 60_000, 2
PLAN = Plan(
    timeframes={Timeframe.M1: 0.6, Timeframe.M5: 0.4},
    factors={"volume": 0.5, "technical": 0.5},
    rule=BandRule(min_coverage=0.1),
)


def file(folder: Path, block: BarBlock, name: str) -> Path:
    t, n = block.close.shape
    columns = {"ts": np.repeat(block.open_ms, n), "symbol": np.tile(np.array(symbols(n)), t)}
    columns |= {each: getattr(block, each).reshape(-1) for each in ("open", "high", "low", "close", "volume")}
    pq.write_table(pa.table(columns), folder / name)
    return folder / name


def run(data: Path, past: Sequence[Path], watch: Any) -> tuple[Run, dict[str, Any]]:
    with ExitStack() as stack:
        bars, *before = [stack.enter_context(read_bars(path)) for path in (data, *past)]
        scoring = Run(bars, before, PLAN)
        taken = watch(scoring)
        for _ in scoring.score(None, lambda _: None, taken):
            pass
        return scoring, scoring.document(seconds=1.0, config_digest="abc")


def test_the_page_has_every_part_and_says_what_was_scored(tmp_path: Path) -> None:
    pages: list[OwnPage] = []

    def watch(scoring: Run) -> Any:
        pages.extend(
            OwnPage(tmp_path / f"{name}.html", scoring.symbols, scoring.base, scoring.forecasts)
            for name in ("page", "pooled")
        )
        return lambda history, seams: [page.take(history, seams) for page in pages]

    scoring, summary = run(file(tmp_path, random_bars(900, N, seed=8), "bars.parquet"), (), watch)
    pages[0].write("bars.parquet", scoring.since_ms, summary)
    text = (tmp_path / "page.html").read_text("utf-8")
    assert text.startswith("<!doctype html>")
    assert "<td>readings</td><td>1,800</td>" in text
    assert "<td>abc</td>" in text
    assert "Pressure is not a direction" in text
    assert text.count("<svg") >= 1
    with ThreadPoolExecutor(1) as pool:
        pages[1].write("bars.parquet", scoring.since_ms, summary, pool=pool)
    assert (tmp_path / "pooled.html").read_text("utf-8") == text, "where rivals are fitted changes nothing"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(UsageError, match=r"none/page.html: there is no folder .*none"):
        OwnPage(tmp_path / "none" / "page.html", scoring.symbols, scoring.base, scoring.forecasts)


def test_what_came_before_is_taken_and_not_judged(tmp_path: Path) -> None:
    bars, at = random_bars(900, N, seed=9, start_ms=START_MS + 3 * MINUTE), 500
    found: list[ScoredSet] = []
    files = [file(tmp_path, part(bars, *of), f"{of[0]}.parquet") for of in ((at, 900), (0, at))]
    for data, past in ((file(tmp_path, bars, "all.parquet"), []), (files[0], files[1:])):
        samplers: list[SetSampler] = []

        def watch(scoring: Run, samplers: list[SetSampler] = samplers) -> Any:
            samplers.append(SetSampler(scoring.symbols, scoring.base))
            return samplers[0].add

        scoring, _ = run(data, past, watch)
        found.append(samplers[0].scored(scoring.since_ms))
    whole, warm = found
    first = int(bars.open_ms[at])
    assert (warm.followed.close_ms > first).all()
    kept = whole.followed.close_ms > first
    assert kept.sum() == warm.followed.close_ms.size > 70
    np.testing.assert_array_equal(warm.readings.score, whole.readings.score[kept])
    for horizon in (15, 60):
        np.testing.assert_array_equal(warm.followed.close[horizon], whole.followed.close[horizon][kept])
        np.testing.assert_array_equal(warm.followed.past[horizon], whole.followed.past[horizon][kept])


def test_nothing_goes_over_the_moment_at_which_a_contract_is_multiplied(tmp_path: Path) -> None:
    handed: list[int] = []

    def foretell(names: Sequence[str], base: Timeframe) -> Forecast:
        walk = WalkForward(names, base)

        def forecasts(block: BarBlock, seams: Sequence[Seam]) -> Iterator[Forecasts]:
            handed.extend(begun(seams, block).tolist())
            return walk.forecasts(block, seams)

        return forecasts

    at = 503
    bars = random_bars(900, N, seed=7)
    after = (np.arange(900)[:, None] >= at) & (np.arange(N) == 1)
    prices = {name: getattr(bars, name) for name in ("open", "high", "low", "close")}
    larger = replace(bars, **{name: np.where(after, 1_000 * of, of) for name, of in prices.items()})
    found = []
    for block in (bars, larger):
        with read_bars(file(tmp_path, block, "bars.parquet")) as read:
            scoring = Run(read, (), PLAN)
            sampler = SetSampler(scoring.symbols, scoring.base, foretell=foretell)
            for _ in scoring.score(None, lambda _: None, sampler.add):
                pass
            found.append(sampler.scored(scoring.since_ms))
    plain, seamed = found
    row = int(np.searchsorted(plain.followed.close_ms, bars.open_ms[at]))  # its first close
    for of in ("close", "high", "low", "realised", "past"):
        for h in (15, 60):
            expected, got = (getattr(each.followed, of)[h] for each in (plain, seamed))
            np.testing.assert_array_equal(got[:, 0], expected[:, 0])
            over = slice(row, row + h // 5) if of == "past" else slice(row - h // 5, row)
            assert np.isnan(got[over, 1]).all(), of
            there = np.isfinite(got[:, 1])
            assert there.sum() > 60
            np.testing.assert_allclose(got[there, 1], expected[there, 1], rtol=1e-4, atol=1e-7)
    assert np.isnan(seamed.followed.step[row, 1])
    assert handed == [1], "the forecaster begins anew too"
