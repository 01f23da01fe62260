"""`virtuoso backtest` as a user runs it: files in, files out, errors that name the line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support import bar_layouts, warm
from tests.support.panels import aggregate, part, random_bars, symbols

from virtuoso.analysis.engine import Engine
from virtuoso.model.evidence import Evidence
from virtuoso.model.timeframe import Timeframe

MINUTES, N = 900, 3
BARS = random_bars(MINUTES, N, seed=9)
FEW = "analysis: {band: {min_coverage: 0.1}}\n"


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
    done = _virtuoso(
        str(folder / "bars.parquet"), "--out", str(out), "-c", str(folder / "few.yaml"), "--json", "--alerts"
    )
    return out, done


def test_a_row_for_every_symbol_and_closed_bar_equal_to_the_engine_stepped_bar_by_bar(
    run: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, done = run
    assert done.returncode == 0, done.stderr
    table = pq.read_table(out / "signals.parquet")
    factors = ["order_flow", "volume", "price_structure", "technical"]
    regimes = ["p_bullish", "p_bearish", "p_neutral", "p_volatile"]
    assert table.column_names == [
        "time", "symbol", "band", "regime", "score", "agreement", "coverage", *factors,
        "score_1m", "score_5m", "score_30m", "score_4h", *regimes,
    ]  # fmt: skip
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


def test_what_followed_is_beside_each_reading(run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, _ = run
    table = pq.read_table(out / "outcomes.parquet")
    horizons = {"15m": 15, "1h": 60, "4h": 240, "24h": 1440}
    names = [f"{measure}_{horizon}" for horizon in horizons for measure in ("return", "high", "low")]
    assert table.column_names == ["time", "symbol", *names]
    assert table["time"] == pq.read_table(out / "signals.parquet", columns=["time"])["time"]
    for horizon, ahead in horizons.items():
        found = table[f"return_{horizon}"].to_numpy(zero_copy_only=False).reshape(MINUTES, N)
        known = max(0, MINUTES - ahead)
        expected = np.log(BARS.close[ahead:] / BARS.open[1 : known + 1])
        np.testing.assert_allclose(found[:known], expected, rtol=1e-5, atol=1e-9)
        assert np.isnan(found[known:]).all()


def test_incidents_are_found_in_minutes_alone(
    run: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    out, _ = run
    assert pq.read_table(out / "incidents.parquet").column_names == [
        "fired", "resolved", "kind", "symbol", "side", "severity", "value", "message", "told", "how", "withheld_by",
        "reason",
    ]  # fmt: skip
    alerts = json.loads((out / "summary.json").read_text())["alerts"]
    assert "assumed" in alerts["assumed"]
    assert alerts["symbol_days"] == 0, "900 minutes are learnt"
    rows = [f"{1_748_476_800_000 + 300_000 * k},BTCUSDT,100,101,99,100.5,3" for k in range(40)]
    (tmp_path / "fives.csv").write_text("\n".join(["open_time,symbol,open,high,low,close,volume", *rows]))
    refused = _virtuoso(str(tmp_path / "fives.csv"), "--alerts")
    assert refused.returncode == 2
    assert "--alerts: detectors judge minutes; DATA has bars of 5m, give those of 1m" in refused.stderr
    scored = _virtuoso(str(tmp_path / "fives.csv"), "--warm-up", str(tmp_path / "fives.csv"))
    assert scored.returncode == 0, scored.stderr
    assert "timeframes                 without 1m: bars of 5m (a reading each 5m)" in scored.stdout
    assert "40 bars of 5m" in scored.stdout


def test_the_summary_counts_what_the_rows_say(run: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, done = run
    summary = json.loads((out / "summary.json").read_text())
    assert json.loads(done.stdout) == summary
    table = pq.read_table(out / "signals.parquet").to_pandas()
    assert summary["readings"] == len(table)
    assert summary["coverage"]["mean"] == pytest.approx(table["coverage"].mean())
    assert summary["score"]["high"]["share"] == pytest.approx((table["score"].dropna() >= 70).mean())
    assert summary["bands"]["time_share"]["stretched up"] == pytest.approx((table["band"] == "stretched up").mean())
    assert set(summary["absent_factors"]) == {"order_book", "sentiment"}
    assert table["coverage"].max() < 1  # parts of order flow are not in bars, and the higher timeframes warm up


def test_without_taker_sides_order_flow_is_absent_and_the_summary_is_for_people(tmp_path: Path) -> None:
    pq.write_table(_table(taker_sides=False).slice(0, 600), tmp_path / "bars.parquet")
    done = _virtuoso(str(tmp_path / "bars.parquet"), "--alerts")
    assert done.returncode == 0, done.stderr
    assert "no incidents\ninterruptions a day: unknown, no day (UTC) was seen whole\n" in done.stdout
    assert "DATA has no taker_buy_volume" in done.stdout
    assert "symbol-bars/s" in done.stdout
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.slow
def test_the_page_about_a_file_is_one_file(tmp_path: Path) -> None:
    pq.write_table(_table(taker_sides=True).slice(0, 600 * N), tmp_path / "bars.parquet")
    done = _virtuoso(str(tmp_path / "bars.parquet"), "--html", str(tmp_path / "page.html"), "--alerts")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "Backtest of bars.parquet" in text
    assert "Interruptions a day" in text
    refused = _virtuoso(str(tmp_path / "bars.parquet"), "--html", str(tmp_path / "none" / "page.html"))
    assert refused.returncode == 2
    assert "there is no folder" in refused.stderr


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
    told = _virtuoso(str(tmp_path / "bars.csv"), "--skip-bad").stdout
    assert " of 1 symbol\n" in told
    assert ", 1 bad row left out\n" in told
    kept = _virtuoso(str(tmp_path / "bars.csv"), "--skip-bad", "--json")
    assert kept.returncode == 0, kept.stderr
    assert json.loads(kept.stdout)["bars"] == {"read": 4, "missing": 1, "bad_rows_skipped": 1}


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    done = _virtuoso(str(tmp_path / "none.parquet"))
    assert done.returncode == 2
    assert "none.parquet" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_file_was_taken_for_is_said_beside_the_json(tmp_path: Path) -> None:
    of = bar_layouts.rows(bar_layouts.bars(240))
    for day in range(2):
        name = f"BTCUSDT-1m-2025-05-0{day + 1}.csv"
        (tmp_path / name).write_bytes(bar_layouts.binance(of[120 * day : 120 * day + 120], factor=lambda _: 1_000))
    said = "BTCUSDT-1m-2025-05-01.csv and 1 more: Binance Vision klines, µs, no header → BTCUSDT, 1m, 240 bars\n"
    for data in ([str(tmp_path)], [str(tmp_path / "*-1m-*.csv")], sorted(map(str, tmp_path.glob("*.csv")))):
        done = _virtuoso(*data, "--json")
        assert done.returncode == 0, done.stderr
        assert done.stderr == said
        summary = json.loads(done.stdout)
        assert summary["bars"] == {"read": 240, "missing": 0, "bad_rows_skipped": 0}
        assert "order_flow" not in summary["absent_factors"]


def test_a_layout_that_nobody_knows_is_read_by_what_is_said_of_it(tmp_path: Path) -> None:
    lines = [f"2025-01-01 00:{minute:02d};5;1,5;2,5;1,25;2" for minute in range(10)]
    file = tmp_path / "dump.csv"
    file.write_text("\n".join(["when;amount;first;max;min;last", *lines]))
    refused = _virtuoso(str(file))
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"virtuoso: {file}: column ts or open_time is missing")
    assert refused.stderr.endswith("name columns of another kind with --columns time=…,close=…\n")
    named = "time=when,open=first,high=max,low=min,close=last,volume=amount"
    assert "give it with --symbol BTCUSDT" in _virtuoso(str(file), "--columns", named).stderr
    zoneless = _virtuoso(str(file), "--columns", named, "--symbol", "TESTUSDT")
    assert zoneless.returncode == 2
    assert "say its zone with --zone UTC" in zoneless.stderr
    done = _virtuoso(str(file), "--columns", named, "--symbol", "TESTUSDT", "--zone", "+01:00", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["period"]["first_close"] == "2024-12-31T23:01:00.000Z"
    assert done.stderr == (
        "dump.csv: bars by the names of their columns, dates, semicolons, decimal commas → TESTUSDT, 1m, 10 bars "
        "(its times name no zone and were taken as +01:00)\n"
    )
