"""`virtuoso export` as a user runs it: what was recorded comes out, and a backtest reads it."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from tests.support import warm
from tests.support.bar_files import made
from tests.support.embedded import MINUTE_MS, START_MS, kept, running_store

from virtuoso.model.clock import ManualClock
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.storage.timeseries.archive import export
from virtuoso.storage.timeseries.schema import BARS, CYCLES, FEEDS, Row

MINUTES = 1500
FROM_MS = START_MS + 22 * 3_600_000


def _virtuoso(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "virtuoso.cli", *arguments]
    return warm.run(command, timeout=100)


def _rows() -> list[Row]:
    columns = made(["BTCUSDT", "ETHUSDT"], MINUTES, start_ms=FROM_MS)
    names = ("open", "high", "low", "close", "volume")
    values = zip(columns["ts"].tolist(), columns["symbol"], *(columns[n].tolist() for n in names), strict=True)
    return [(t, symbol, "1m", o, h, low, c, v, v * c, 0.5 * v) for t, symbol, o, h, low, c, v in values]


async def _record(folder: Path) -> None:
    async with running_store(folder, ManualClock((FROM_MS + MINUTES * MINUTE_MS) * 10**6)) as store:
        await kept(store, BARS, _rows())
    async with running_store(folder, ManualClock((FROM_MS + MINUTES * MINUTE_MS) * 10**6)) as store:  # sums up hours
        await kept(store, FEEDS, [(FROM_MS, "tickers", 3, 3, 0, 0, 99, 0, 1.5, None)])


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    asyncio.run(_record(folder / "data/timeseries/bybit-linear"))
    path = folder / "virtuoso.yaml"
    path.write_text(f"data_dir: {folder / 'data'}\nanalysis: {{band: {{min_coverage: 0.1}}}}\n")
    return path


@pytest.mark.slow
def test_a_backtest_reads_what_was_exported(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "bars.parquet"
    done = _virtuoso("export", "bars", "-o", str(out), "-c", str(config), "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["symbols"]) == (2 * MINUTES, 2)
    with read_bars(out) as bars:
        assert (bars.read, bars.missing, list(bars.symbols)) == (2 * MINUTES, 0, ["BTCUSDT", "ETHUSDT"])
        (block, *more) = bars.blocks()
        expected = np.array([row[3:] for row in _rows() if row[1] == "ETHUSDT"], float)
        parts = [block, *more]
        for i, field in enumerate(("open", "high", "low", "close", "volume", "turnover", "buy_volume")):
            found = np.concatenate([getattr(part, field)[:, 1] for part in parts])
            np.testing.assert_array_equal(found, expected[:, i])
    done = _virtuoso("backtest", str(out), "-c", str(config), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["readings"] > 0


@pytest.mark.slow
def test_a_part_as_csv(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "bars.csv"
    options = ["--symbol", "ETHUSDT", "--from", "2026-05-25T23:00:00Z", "--to", "2026-05-26", "-c", str(config)]
    done = _virtuoso("export", "bars", "-o", str(out), *options)
    assert done.returncode == 0, done.stderr
    assert "60 rows" in done.stdout
    table = arrow_csv.read_csv(out)
    expected = [row for row in _rows() if row[1] == "ETHUSDT"][60:120]
    assert table["close"].to_pylist() == [row[6] for row in expected]
    assert set(table["symbol"].to_pylist()) == {"ETHUSDT"}
    with read_bars(out) as bars:
        assert (bars.read, bars.first_ms) == (60, expected[0][0])
    again = _virtuoso("export", "bars", "-o", str(out), *options)
    assert (again.returncode, "--force" in again.stderr) == (2, True)
    assert _virtuoso("export", "bars", "-o", str(out), *options, "--force").returncode == 0


async def test_what_is_unknown_or_odd_comes_back_from_csv(tmp_path: Path) -> None:
    """Each kind of value, as Arrow reads it: it infers a type from what is written."""
    at = START_MS + 1
    fed = [
        (at, 'a "quoted", name', 3, 1, 0, 0, 99, 0, 1.5e-300, None),
        (at + 1, "名", 3, 1, 0, 0, 99, 0, 0.1 + 0.2, 1e300),
    ]
    cycles = [(at, True, 15, 1.0, 2.0, 3.0, 4.0, 5.0), (at + 1, False, None, None, None, None, None, 1.0)]
    async with running_store(tmp_path / "store", ManualClock((START_MS + MINUTE_MS) * 10**6)) as store:
        await kept(store, FEEDS, fed)
        await kept(store, CYCLES, cycles)
        for measurement, rows in ((FEEDS, fed), (CYCLES, cycles)):
            out = tmp_path / f"{measurement.name}.csv"
            assert await export(store, measurement, START_MS, START_MS + MINUTE_MS, {}, out) == 2
            table = arrow_csv.read_csv(out)
            assert table.column_names == ["ts", *measurement.columns[1:]]
            found = sorted(tuple(row.values())[1:] for row in table.to_pylist())
            assert found == sorted(row[1:] for row in rows)
            assert [time.isoformat() for time in sorted(table["ts"].to_pylist())] == [
                "2026-05-25T00:00:00.001000+00:00", "2026-05-25T00:00:00.002000+00:00",
            ]  # fmt: skip


@pytest.mark.slow
def test_longer_bars_and_what_is_no_bar(config: Path, tmp_path: Path) -> None:
    done = _virtuoso("export", "bars", "--timeframe", "1h", "-o", str(tmp_path / "h.parquet"), "-c", str(config))
    assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "h.parquet").num_rows == 2 * 25
    done = _virtuoso("export", "feeds", "-o", str(tmp_path / "f.parquet"), "-c", str(config))
    assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "f.parquet").to_pylist()[0]["topic"] == "tickers"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bars", "--symbol", "BTCUSD"], "nearest are BTCUSDT"),
        (["bar"], "did you mean bars?"),
        (["bars", "--from", "yesterday"], "--from yesterday: is no time; write 2026-05-04"),
        (["bars", "--to", "2026-05-01"], "nothing is recorded in that time; there is 2026-05-25"),
        (["bars", "--timeframe", "4h"], "no bars from"),
        (["feeds", "--symbol", "BTCUSDT"], "feeds are of no symbol"),
        (["signals"], "no signals from"),
    ],
)
def test_what_cannot_be_done_is_said(config: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    done = _virtuoso("export", *arguments, "-o", str(tmp_path / "x.parquet"), "-c", str(config))
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_recorded_yet_and_names_that_do_not_do(config: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text(f"data_dir: {tmp_path / 'none'}\n")
    done = _virtuoso("export", "bars", "-o", str(tmp_path / "x.parquet"), "-c", str(empty))
    assert (done.returncode, "nothing is recorded there yet" in done.stderr) == (2, True)
    done = _virtuoso("export", "bars", "-o", str(tmp_path / "x.xls"), "-c", str(config))
    assert (done.returncode, "must end in .parquet or .csv" in done.stderr) == (2, True)
    done = _virtuoso("export", "bars", "-o", str(tmp_path / "no/x.csv"), "-c", str(config))
    assert (done.returncode, "there is no folder" in done.stderr) == (2, True)
