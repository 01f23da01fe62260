"""A contract that was multiplied begins anew in a backtest; small inputs of the kind people report come out right."""

import json
import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from virtuoso.analysis.bands import BandRule
from virtuoso.analysis.engine import TIMEFRAMES
from virtuoso.cli.backtest import app
from virtuoso.market.bounds.bar import implausible
from virtuoso.market.panel import BAR_FIELDS, BarBlock
from virtuoso.model.errors import UsageError
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.backtest import Backtest, fed_by_bars
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.scored import ScoredBlock
from virtuoso.research.seams import Seam, SeamFinder

INPUTS = Path(__file__).resolve().parents[4] / "shared" / "inputs"
shared = pytest.mark.skipif(not INPUTS.exists(), reason="the shared inputs are not beside the checkout")
MINUTE, START_MS = 60_000, 1_735_689_600_000
UNTIL = 400


def market(count: int, seam: int | None = None, factor: float = 1000.0) -> BarBlock:
    """Two symbols' minutes; the second is multiplied at `seam`."""
    rng = np.random.default_rng(3)
    close = np.exp(np.cumsum(rng.normal(0, 1e-3, (count, 2)), axis=0))
    open_ = np.concatenate([np.ones((1, 2)), close[:-1]])
    volume = rng.lognormal(0, 1, (count, 2))
    if seam is not None:
        open_[seam:, 1] *= factor
        close[seam:, 1] *= factor
        volume[seam:, 1] /= factor
    high, low = np.maximum(open_, close) * 1.0002, np.minimum(open_, close) * 0.9998
    return BarBlock(
        timeframe=Timeframe.M1, rows=np.arange(2), open_ms=START_MS + MINUTE * np.arange(count), open=open_, high=high,
        low=low, close=close, volume=volume, turnover=volume * close, buy_volume=volume * 0.5,
    )  # fmt: skip


def pieces(block: BarBlock, cuts: list[int]) -> list[BarBlock]:
    edges = sorted({0, *cuts, block.open_ms.size})
    return [block.part(slice(first, last)) for first, last in pairwise(edges)]


def found(blocks: list[BarBlock]) -> list[Seam]:
    finder = SeamFinder(("A", "B"))
    return [seam for block, after in pairwise([*blocks, None]) if block for seam in finder.find(block, after)]


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 290), st.sampled_from([10.0, 1e3, 1e-3]), st.lists(st.integers(10, 290), max_size=1))
def test_a_seam_is_found_wherever_the_blocks_are_cut(seam: int, factor: float, cuts: list[int]) -> None:
    (one,) = found(pieces(market(300, seam, factor), cuts))
    assert (one.symbol, one.column, one.n) == ("B", 1, round(np.log10(factor)))
    assert one.open_ms == START_MS + seam * MINUTE


def test_a_single_bar_in_another_unit_is_no_seam() -> None:
    block = market(300)
    wrong = {name: getattr(block, name).copy() for name in ("open", "high", "low", "close")}
    for values in wrong.values():
        values[100, 1] *= 1000.0
    assert found([replace(block, **wrong)]) == []
    assert found([market(300)]) == []


def test_minutes_that_are_missing_hide_no_seam() -> None:
    block = market(300, 150)
    holes = {name: getattr(block, name).copy() for name in BAR_FIELDS}
    for values in holes.values():
        values[100:151, 1] = np.nan
    (one,) = found([replace(block, **holes)])
    assert one.open_ms == START_MS + 151 * MINUTE


def scored(block: BarBlock, seams: list[Seam]) -> list[ScoredBlock]:
    weights = fed_by_bars({"volume": 0.5, "price_structure": 0.3, "technical": 0.2}, taker_sides=True)
    run = Backtest(("A", "B"), TIMEFRAMES, weights, BandRule(), taker_sides=True)
    return list(run.score(block, seams))


def score_of(blocks: list[ScoredBlock], column: int) -> np.ndarray:
    return np.concatenate([block.score[:, column] for block in blocks])


def test_the_row_restarts_at_the_seam_and_the_other_goes_on() -> None:
    block = market(960, UNTIL)
    seams = found([block])
    with_seam, plain = scored(block, seams), scored(market(960), [])
    np.testing.assert_allclose(score_of(with_seam, 0)[-960:], score_of(plain, 0)[-960:], rtol=1e-9)
    own = score_of(with_seam, 1)[-960:]
    np.testing.assert_allclose(own[:UNTIL], score_of(plain, 1)[-960:][:UNTIL], rtol=1e-9)
    young = replace(market(960, UNTIL), **{
        name: np.where(np.arange(960)[:, None] < UNTIL, np.nan, getattr(block, name)) for name in BAR_FIELDS
    })  # fmt: skip
    np.testing.assert_allclose(own[UNTIL:], score_of(scored(young, []), 1)[-960:][UNTIL:], rtol=1e-9)
    assert np.isnan(own[UNTIL : UNTIL + 10]).all(), "nothing is ready right after the seam"


def run(path: Path) -> tuple[dict[str, Any], str]:
    result = CliRunner().invoke(app, [str(path), "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout), result.stderr


@shared
def test_the_backtest_says_where_the_seam_is() -> None:
    document, said = run(INPUTS / "redenomination")
    text = "TOKENUSDT begins anew at 2025-01-01T08:20:00.000Z: the contract was multiplied by 1,000"
    assert document["seams"] == [
        {"symbol": "TOKENUSDT", "at": "2025-01-01T08:20:00.000Z", "factor": 1000.0, "text": text}
    ]
    assert text in said


@shared
@pytest.mark.parametrize("name", ["scale-free", "tiny-prices", "flat-market", "odd-symbols", "two-files-ms-us"])
def test_what_came_out_right_stays_right(name: str) -> None:
    document, _ = run(INPUTS / name)
    assert document["seams"] == []
    assert (document["bars"]["missing"], document["bars"]["bad_rows_skipped"]) == (0, 0)
    if name == "odd-symbols":
        assert {"007", "1e3", "NO", "NULL", "NaN"} & set(document["symbols"])
        assert len(document["symbols"]) == 8
    if name == "two-files-ms-us":
        assert document["readings"] == 600


@shared
def test_the_same_market_at_any_scale_has_the_same_scores() -> None:
    with read_bars(INPUTS / "scale-free") as bars:
        weights = fed_by_bars({"volume": 0.5, "price_structure": 0.3, "technical": 0.2}, taker_sides=True)
        backtest = Backtest(bars.symbols, TIMEFRAMES, weights, BandRule(), taker_sides=True)
        scores = np.concatenate([piece.score for block in bars.blocks() for piece in backtest.score(block)])
    np.testing.assert_allclose(scores[:, 1:], scores[:, :1].repeat(2, axis=1), rtol=1e-6)
    assert np.isfinite(scores).any()


@shared
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("impossible-bar", ["bars.csv (line 3): high 8 is below open 10 or close 10", "(line 4): low 10.2 is above"]),
        ("duplicate-minute", ["(line 201): BTCUSDT has this minute already (BTCUSDT.csv, line 200)"]),
    ],
)
def test_what_cannot_be_is_refused_by_file_and_line(name: str, said: list[str]) -> None:
    with pytest.raises(UsageError) as caught, read_bars(INPUTS / name):
        pass
    assert all(text in str(caught.value) for text in said)


ODD = st.sampled_from([1.0, 2.0, 0.5, 0.0, -3.1, 1e17, 1e-30, float("inf")])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(ODD, ODD, ODD, ODD, ODD), min_size=1, max_size=12))
def test_a_file_accepts_what_the_live_side_accepts(rows: list[tuple[float, ...]]) -> None:
    good = (1.0, 2.0, 0.5, 1.0, 3.0)
    bars = [Bar(0, *row, 1.0) for row in [good, *rows]]
    with tempfile.TemporaryDirectory() as folder:
        lines = [
            f"{START_MS + k * MINUTE},X,{bar.open},{bar.high},{bar.low},{bar.close},{bar.volume}"
            for k, bar in enumerate(bars)
        ]
        path = Path(folder) / "bars.csv"
        path.write_text("\n".join(["open_time,symbol,open,high,low,close,volume", *lines]) + "\n")
        with read_bars(path, skip_bad=True) as read:
            assert read.skipped == sum(implausible(bar) is not None for bar in bars)
