"""`virtuoso backtest` as a user runs it: files in, files out, errors that name the line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support import warm
from tests.support.panels import aggregate, part, random_bars, symbols

from virtuoso.analysis.engine import Engine
from virtuoso.model.evidence import Evidence
from virtuoso.model.timeframe import Timeframe

MINUTES, N = 900, 3
BARS = random_bars(MINUTES, N, seed=9)
FEW = "analysis: {label: {min_coverage: 0.1}}\n"


def _table(taker_sides: bool) -> pa.Table:
    columns = {"ts": np.repeat(BARS.open_ms, N), "symbol": np.tile(np.array(symbols(N)), MINUTES)}
    columns |= {name: getattr(BARS, name).reshape(-1) for name in ("open", "high", "low", "close", "volume")}
    if taker_sides:
        columns["taker_buy_volume"] = BARS.buy_volume.reshape(-1)
    return pa.table(columns)


def _virtuoso(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "virtuoso.cli", "backtest", *arguments]
    return warm.run(command, timeout=100)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("backtest")
    pq.write_table(_table(taker_sides=True), folder / "bars.parquet")
    (folder / "few.yaml").write_text(FEW)
    out = folder / "out"
    done = _virtuoso(str(folder / "bars.parquet"), "--out", str(out), "-c", str(folder / "few.yaml"), "--json")
    return out, done


def test_a_row_for_every_symbol_and_closed_bar_equal_to_the_engine_stepped_bar_by_bar(
    run: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, done = run
    assert done.returncode == 0, done.stderr
    table = pq.read_table(out / "signals.parquet")
    factors = ["order_flow", "volume", "price_structure", "technical"]
    assert table.column_names == ["time", "symbol", "signal", "score", "confidence", "coverage", *factors]
    assert table.num_rows == MINUTES * N
    assert table["time"][0].as_py().isoformat() == "2025-05-29T00:01:00+00:00"
    scores = np.array(table["score"].to_numpy(zero_copy_only=False), dtype=float).reshape(MINUTES, N)
    engine = Engine(factor_weights={"order_flow": 0.30, "volume": 0.18, "price_structure": 0.15, "technical": 0.10})
    for row, symbol in enumerate(symbols(N)):
        engine.add(symbol, row)
    five = aggregate(BARS, Timeframe.M5)
    thirty = aggregate(BARS, Timeframe.M30)
    four = aggregate(BARS, Timeframe.H4)
    for k in range(MINUTES):
        blocks = {Timeframe.M1: part(BARS, k, k + 1)}
        for tf, bars in ((Timeframe.M5, five), (Timeframe.M30, thirty), (Timeframe.H4, four)):
            if (k + 1) % tf.minutes == 0:
                blocks[tf] = part(bars, (k + 1) // tf.minutes - 1, (k + 1) // tf.minutes)
        np.testing.assert_allclose(
            engine.score_blocks(blocks, Evidence.BARS | Evidence.SIDES).score[0], scores[k], rtol=0, atol=1e-9
        )


def test_the_summary_counts_what_the_rows_say(run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, done = run
    summary = json.loads((out / "summary.json").read_text())
    assert json.loads(done.stdout) == summary
    table = pq.read_table(out / "signals.parquet").to_pandas()
    assert summary["readings"] == len(table)
    assert summary["coverage"]["mean"] == pytest.approx(table["coverage"].mean())
    assert summary["score"]["high"]["share"] == pytest.approx((table["score"].dropna() >= 70).mean())
    assert summary["labels"]["time_share"]["BUY"] == pytest.approx((table["signal"] == "BUY").mean())
    assert set(summary["absent_factors"]) == {"order_book", "sentiment"}
    assert table["coverage"].max() < 1  # parts of order flow are not in bars, and the higher timeframes warm up


def test_without_taker_sides_order_flow_is_absent_and_the_summary_is_for_people(tmp_path: Path) -> None:
    pq.write_table(_table(taker_sides=False).slice(0, 600), tmp_path / "bars.parquet")
    done = _virtuoso(str(tmp_path / "bars.parquet"))
    assert done.returncode == 0, done.stderr
    assert "DATA has no taker_buy_volume" in done.stdout
    assert "symbol-bars/s" in done.stdout
    assert not list(tmp_path.glob("*.json"))


def test_a_bad_row_is_named_with_its_line_and_nothing_is_written(tmp_path: Path) -> None:
    rows = ["open_time,symbol,open,high,low,close,volume"]
    rows += [f"{1_748_476_800_000 + 60_000 * k},BTCUSDT,100,101,99,100.5,3" for k in range(5)]
    rows[3] = rows[3].replace("101", "98")
    (tmp_path / "bars.csv").write_text("\n".join(rows) + "\n")
    done = _virtuoso(str(tmp_path / "bars.csv"), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "bars.csv" in done.stderr
    assert "4" in done.stderr
    assert "high" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    kept = _virtuoso(str(tmp_path / "bars.csv"), "--skip-bad", "--json")
    assert kept.returncode == 0, kept.stderr
    assert json.loads(kept.stdout)["bars"] == {"read": 4, "missing": 1, "bad_rows_skipped": 1}


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    done = _virtuoso(str(tmp_path / "none.parquet"))
    assert done.returncode == 2
    assert "none.parquet" in done.stderr
    assert "Traceback" not in done.stderr
