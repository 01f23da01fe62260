"""What cannot be bars is told with file and line, all of it before the first block, or left out and counted."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bar_files import (
    START_MS,
    Columns,
    arrow,
    by_symbol,
    csv_bytes,
    got,
    made,
    same,
    shuffled,
    taken,
    wanted,
    write,
)

from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.bar_files.formats import csv_source, parquet_source
from virtuoso.research.bar_files.problems import DataError

SYMBOLS = ("ADAUSDT", "BTCUSDT")
CLEAN = made(SYMBOLS, 50)
TAKEN = "bars of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h are taken, of which longer ones are made"
ONE_LENGTH = "all files must have bars of one length: leave one out, or give what came before with --warm-up"
ONE = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 5.0}


def error(path: Path, **options: Any) -> str:
    with pytest.raises(UsageError) as caught, read_bars(path, **options):
        pass
    return str(caught.value)


def with_row(row: int, **values: Any) -> Columns:
    """Clean columns with other values in one row, 0-based; every number as a Python float or `None`."""
    columns = {k: v.tolist() for k, v in CLEAN.items()}
    columns |= {key: [None] * 100 for key in values if key not in columns}
    for key, value in (ONE | values).items():
        columns[key][row] = value
    return columns


ROW_FAULTS = [
    ({"open": float("nan")}, "open is nan"),
    ({"volume": None}, "volume is missing"),
    ({"close": float("inf")}, "close inf is not finite"),
    ({"turnover": float("-inf")}, "turnover -inf is not finite"),
    ({"low": 0.0}, "low 0 is not positive"),
    ({"open": -10.5}, "open -10.5 is not positive"),
    ({"low": 1e-19}, "low 1e-19 is no price, which is 1e-18 to 1e+12"),
    ({"high": 1e17}, "high 1e+17 is no price, which is 1e-18 to 1e+12"),
    ({"volume": 1.5e18}, "volume 1.5e+18 is more than 1e+18"),
    ({"high": 10.5}, "high 10.5 is below open 10 or close 11"),
    ({"low": 10.5}, "low 10.5 is above open 10 or close 11"),
    ({"volume": -1.0}, "volume -1 is negative"),
    ({"turnover": -2.5}, "turnover -2.5 is negative"),
    ({"taker_buy_volume": -0.5}, "taker_buy_volume -0.5 is negative"),
    ({"taker_buy_volume": 5.00001}, "taker_buy_volume 5.00001 is more than volume 5"),
    ({"ts": None}, "ts is missing"),
    ({"ts": 1_746_373}, "ts 1746373 is no time: epoch s, ms, µs or ns since 2001, or ISO 8601 with a zone, is needed"),
    ({"ts": START_MS + 1_000}, f"ts {START_MS + 1_000} is not on a minute"),
    ({"ts": START_MS + 1}, f"ts {START_MS + 1} is not on a minute"),
    ({"symbol": None}, "symbol is missing"),
    ({"symbol": "  "}, "symbol is missing"),
]


@pytest.mark.parametrize(("values", "text"), ROW_FAULTS, ids=[text for _, text in ROW_FAULTS])
@pytest.mark.parametrize("row", [0, 61])
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, values: dict[str, Any], text: str, row: int) -> None:
    columns = with_row(row, **values)
    advice = "1 bad row; correct the data, or leave bad rows out as missing minutes with --skip-bad"
    comma = write(tmp_path / "bars.csv", columns)
    assert error(comma) == f"{comma} (line {row + 2}): {text}\n{advice}"
    parquet = tmp_path / "bars.parquet"
    pq.write_table(arrow(columns), parquet, row_group_size=30)
    assert error(parquet) == f"{parquet} (row {row + 1}): {text}\n{advice}"
    for path in (comma, parquet):
        with read_bars(path, skip_bad=True) as bars:
            assert (bars.skipped, bars.read) == (1, 99)
            assert bars.problems == (error(path).splitlines()[0],)
            assert same(got(bars), wanted(taken(CLEAN, np.arange(100) != row)))


@pytest.mark.parametrize("bought", [5.0, 5.0 * (1 + 5e-10), 0.0])
def test_all_volume_may_be_taker_buys(tmp_path: Path, bought: float) -> None:
    with read_bars(write(tmp_path / "bars.csv", with_row(3, taker_buy_volume=bought))) as bars:
        assert bars.skipped == 0


def test_a_bar_without_movement_or_volume_is_good(tmp_path: Path) -> None:
    still = with_row(3, open=9.0, high=9.0, low=9.0, close=9.0, volume=0.0)
    with read_bars(write(tmp_path / "bars.csv", still)) as bars:
        assert bars.skipped == 0


TEXT_FAULTS = [
    ("open", "1O.5", "open 1O.5 is not a number"),
    ("close", "1_0", "close 1_0 is not a number"),
    ("volume", "0x10", "volume 0x10 is not a number"),
    ("high", "12,5", "has 8 values where the first line names 7"),
    ("high", '"1,2"', "high 1,2 is not a number"),
    ("volume", "x" * 50, f"volume {'x' * 40}… is not a number"),
    ("volume", "1e999", "volume inf is not finite"),
    ("open", "NaN", "open is nan"),
    ("ts", "soon", "ts soon is no time: epoch s, ms, µs or ns since 2001, or ISO 8601 with a zone, is needed"),
    ("ts", "1746373020000.5", "ts 1746373020000.5 is no time: epoch"),
    ("ts", "99999999999999999999", "ts 99999999999999999999 is no time: epoch"),
    ("ts", "2025-05-04T15:37:00Z", "ts 2025-05-04T15:37:00Z is no time: epoch"),
]


@pytest.mark.parametrize("piece", [1_500, 1 << 22])
@pytest.mark.parametrize(("key", "value", "text"), TEXT_FAULTS, ids=[text for *_, text in TEXT_FAULTS])
def test_a_value_that_is_none_is_named_by_its_line(
    tmp_path: Path, key: str, value: str, text: str, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the piece before it was parsed as numbers or as texts."""
    monkeypatch.setattr(csv_source, "_PIECE_BYTES", piece)
    columns = {k: v.tolist() for k, v in CLEAN.items()}
    for row in (40, 77):
        columns[key][row] = value
    path = write(tmp_path / "bars.csv", columns)
    first, second, advice = error(path).splitlines()
    assert first.startswith(f"{path} (line 42): {text}")
    assert second.startswith(f"{path} (line 79): {text}")
    assert advice.startswith("2 bad rows; ")
    with read_bars(path, skip_bad=True) as bars:
        assert (bars.skipped, bars.read, bars.missing) == (2, 98, 2)


def test_a_day_that_no_month_has_is_no_time(tmp_path: Path) -> None:
    columns = made(["BTCUSDT"], 3)
    texts = ["2025-06-30T23:58:00Z", "2025-06-31T23:59:00Z", "2025-07-01T00:00:00Z"]
    path = write(tmp_path / "bars.csv", {**columns, "ts": np.array(texts, dtype=object)})
    assert error(path).startswith(f"{path} (line 3): ts 2025-06-31T23:59:00Z is no time: ")
    with read_bars(path, skip_bad=True) as bars:
        assert (bars.read, bars.missing) == (2, 1)


def test_a_timestamp_off_the_minute_is_shown_in_utc(tmp_path: Path) -> None:
    columns = made(["BTCUSDT"], 5)
    times = pa.array([ms * 10**6 + (i == 2) for i, ms in enumerate(columns["ts"].tolist())], pa.int64())
    path = tmp_path / "bars.parquet"
    pq.write_table(arrow({**columns, "ts": times.cast(pa.timestamp("ns", "Asia/Tokyo"))}), path)
    assert error(path).startswith(f"{path} (row 3): ts 2025-05-04 15:39:00.000000001Z is not on a minute\n")


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "_PIECE_BYTES", 1_500)
    lines = csv_bytes(CLEAN).decode().splitlines()
    lines[10] = lines[10].rpartition(",")[0]
    lines[23] = lines[23].replace(",", ",?", 2)
    lines[50] = lines[50].replace("BTC", "\udcff")
    lines[90] = lines[90].replace("BTC", "-BTC", 1).replace(",", ",-", 3)
    lines[21:21] = ["", "  "]
    path = tmp_path / "bars.csv"
    path.write_bytes("\r\n".join(lines).encode("utf-8", "surrogateescape"))
    told = error(path).splitlines()
    assert told[0] == f"{path} (line 11): has 6 values where the first line names 7"
    numbers = [line.partition("): ")[0].rpartition(" ")[2] for line in told[:-1]]
    assert numbers == ["11", "26", "53", "93"]
    assert told[2].endswith("(line 53): symbol \ufffdUSDT is not UTF-8")


def test_the_first_ten_problems_of_all_files_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    columns = made(SYMBOLS, 100)
    bad = {**columns, "close": columns["close"].copy()}
    bad["close"][60::4] = -1.0
    write(tmp_path / "b.csv", taken(bad, slice(100, None)))
    write(tmp_path / "a.parquet", taken(bad, slice(80, None, -1)))
    write(tmp_path / "c.csv", taken(bad, slice(81, 100)))
    told = error(tmp_path).splitlines()
    assert len(told) == 11
    assert [line.partition(": ")[0] for line in told[:6]] == [
        f"{tmp_path}/a.parquet (row {n})" for n in (1, 5, 9, 13, 17, 21)
    ]
    assert [line.partition(": ")[0] for line in told[6:10]] == [f"{tmp_path}/b.csv (line {n})" for n in (2, 6, 10, 14)]
    assert told[-1].startswith("35 bad rows, of which the first 10 are listed; ")


@pytest.mark.parametrize("order", [lambda c: c, by_symbol, shuffled])
def test_a_minute_that_is_there_twice_is_told_with_both_places(
    tmp_path: Path, order: Callable[[Columns], Columns], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_source, "_ROWS", 30)
    columns = order(CLEAN)
    again = taken(columns, np.r_[0:100, 17, 60, 17])
    again["volume"] = again["volume"] + np.r_[np.zeros(100), 1, 2, 3]
    path = write(tmp_path / "bars.parquet", again)
    s17, s60 = columns["symbol"][17], columns["symbol"][60]
    assert error(path).splitlines()[:3] == [
        f"{path} (row 101): {s17} has this minute already (bars.parquet, row 18)",
        f"{path} (row 102): {s60} has this minute already (bars.parquet, row 61)",
        f"{path} (row 103): {s17} has this minute already (bars.parquet, row 18)",
    ]
    with read_bars(path, skip_bad=True) as bars:
        assert (bars.read, bars.missing, bars.skipped) == (100, 0, 3)
        assert same(got(bars), wanted(columns)), "the first row stays"


def test_a_minute_that_is_there_twice_at_once_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "bars.csv", taken(CLEAN, np.r_[0:50, 48, 50:100]))
    assert error(path).startswith(f"{path} (line 52): ADAUSDT has this minute already (bars.csv, line 50)\n1 bad row; ")


def test_a_minute_of_another_file_is_told_with_that_file(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", CLEAN)
    write(tmp_path / "b.parquet", taken(CLEAN, slice(98, None)))
    told = error(tmp_path).splitlines()
    assert told[0] == f"{tmp_path}/b.parquet (row 1): ADAUSDT has this minute already (a.csv, line 100)"
    assert told[1] == f"{tmp_path}/b.parquet (row 2): BTCUSDT has this minute already (a.csv, line 101)"


@settings(max_examples=40)
@given(data=st.data())
def test_of_any_rows_the_good_ones_are_read_once_and_the_others_are_counted(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.integers(0, 99), min_size=1, max_size=25))
    rows.append(rows[0])
    bad = data.draw(st.sets(st.integers(0, len(rows) - 2), min_size=1))
    columns = taken(CLEAN, np.array(rows))
    columns["low"] = columns["low"].copy()
    columns["volume"] = np.arange(len(rows)) + 0.5
    columns["low"][sorted(bad)] *= -1
    good = [i for i in range(len(rows)) if i not in bad]
    expected = wanted(taken(columns, good))
    span = max(ts for _, ts in expected) - min(ts for _, ts in expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_source, "_ROWS", data.draw(st.integers(1, 60)))
        path = write(tmp_path_factory.mktemp("any") / "bars.parquet", columns)
        with read_bars(path, skip_bad=True) as bars:
            assert same(got(bars), expected)
            assert bars.read == len(expected)
            assert bars.skipped == len(rows) - len(expected)
            assert bars.last_ms - bars.first_ms == span


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(1, "1s"), (15, "15s"), (30, "30s"), (420, "7m"), (86_400, "1d"), (5_400, "90m")],
)
@pytest.mark.parametrize("order", [lambda c: c, by_symbol, shuffled])
def test_bars_of_a_length_that_is_no_timeframe_are_refused_by_it(
    tmp_path: Path, seconds: int, name: str, order: Callable[[Columns], Columns]
) -> None:
    columns = made(SYMBOLS, 200, start_ms=START_MS - START_MS % 86_400_000)
    columns["ts"] = columns["ts"][0] + (columns["ts"] - columns["ts"][0]) // 60 * seconds
    columns = taken(columns, np.random.default_rng(1).random(400) > 0.2)
    path = write(tmp_path / "bars.parquet", order(columns))
    assert error(path) in {f"{path}: {symbol} has bars of {name}; {TAKEN}" for symbol in SYMBOLS}


@pytest.mark.parametrize("frame", [frame for frame in Timeframe if Timeframe.M1.ms < frame.ms <= Timeframe.H4.ms])
@pytest.mark.parametrize("order", [lambda c: c, by_symbol, shuffled])
def test_bars_of_longer_timeframes_are_taken_for_what_they_are(
    tmp_path: Path, frame: Timeframe, order: Callable[[Columns], Columns]
) -> None:
    columns = made(SYMBOLS, 400, start_ms=START_MS - START_MS % 86_400_000)
    columns["ts"] = columns["ts"][0] + (columns["ts"] - columns["ts"][0]) * frame.minutes
    columns = taken(columns, np.random.default_rng(1).random(800) > 0.2)
    with read_bars(write(tmp_path / "bars.parquet", order(columns))) as bars:
        assert bars.interval is frame
        assert same(got(bars), wanted(columns))
        spans = [columns["ts"][columns["symbol"] == s] for s in SYMBOLS]
        assert bars.missing == sum((t.max() - t.min()) // frame.ms + 1 - t.size for t in spans)
        blocks = list(bars.blocks())
    assert all(block.timeframe is frame and np.ptp(np.diff(block.open_ms)) == 0 for block in blocks)
    assert sum(block.open_ms.size for block in blocks) == np.ptp(columns["ts"]) // frame.ms + 1


def test_bars_beside_the_clock_are_refused_with_the_way_out(tmp_path: Path) -> None:
    columns = made(["BTCUSDT"], 50, start_ms=START_MS - START_MS % 86_400_000)
    columns["ts"] = columns["ts"][0] + 1_800_000 + (columns["ts"] - columns["ts"][0]) * 60
    path = write(tmp_path / "bars.csv", columns)
    said = "BTCUSDT has bars of 1h that begin 30m past its multiples; if its times are of a zone, say --zone"
    assert error(path) == f"{path}: {said}"


def test_one_symbol_of_another_length_is_refused_by_its_name(tmp_path: Path) -> None:
    columns = made(SYMBOLS, 300)
    kept = (columns["symbol"] != "BTCUSDT") | (columns["ts"] % 300_000 == 0)
    path = write(tmp_path / "bars.csv", taken(columns, kept))
    assert error(path, skip_bad=True) == f"{path}: BTCUSDT has bars of 5m, ADAUSDT of 1m; {ONE_LENGTH}"


def test_a_file_of_another_length_among_others_is_refused_by_its_name(tmp_path: Path) -> None:
    columns = made(["BTCUSDT"], 600)
    write(tmp_path / "a.csv", columns)
    other = write(tmp_path / "b.csv", taken(columns, columns["ts"] % 300_000 == 0))
    assert error(tmp_path) == f"{other}: BTCUSDT has bars of 5m, BTCUSDT of 1m; {ONE_LENGTH}"


def test_a_symbol_that_hardly_trades_is_no_other_length(tmp_path: Path) -> None:
    columns = made(SYMBOLS, 100)
    rare = (columns["symbol"] != "BTCUSDT") | (columns["ts"] % 600_000 == 0)
    with read_bars(write(tmp_path / "bars.csv", taken(columns, rare))) as bars:
        assert bars.missing == 81


@pytest.mark.parametrize("name", ["bars.csv", "bars.parquet"])
def test_a_time_without_a_zone_is_refused_with_the_way_out(tmp_path: Path, name: str) -> None:
    columns = made(SYMBOLS, 5)
    path = tmp_path / name
    if name == "bars.csv":
        texts = [str(np.datetime64(ms, "ms").astype("datetime64[s]")) for ms in columns["ts"].tolist()]
        write(path, {**columns, "ts": np.array(texts, dtype=object)})
        what = "holds '2025-05-04T15:37:00'"
    else:
        pq.write_table(arrow({**columns, "ts": pa.array(columns["ts"]).cast(pa.timestamp("ms"))}), path)
        what = "is of type timestamp[ms]"
    fix = "say its zone with --zone UTC (or +03:00, Europe/Berlin)"
    assert error(path, skip_bad=True) == f"{path}: column ts {what}, a time without a zone; {fix}"


NEEDED = (
    "needed are a time (ts or open_time), open, high, low, close, volume "
    "(and if there: symbol, taker_buy_volume, turnover); name columns of another kind with --columns time=…,close=…"
)


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.csv.zst", "bars.parquet"])
def test_a_missing_column_is_told_with_the_nearest_one(tmp_path: Path, name: str) -> None:
    renames = {"ts": "tss", "open": "opened", "volume": "volumes"}
    columns = {renames.get(k, k): v for k, v in CLEAN.items()}
    path = write(tmp_path / name, columns)
    assert error(path, skip_bad=True) == (
        f"{path}: column ts or open_time is missing (nearest is 'tss'); column open is missing (nearest is 'opened'); "
        "column volume is missing (nearest is 'volumes'). "
        f"It has 'tss', 'symbol', 'opened', 'high', 'low', 'close', 'volumes'; {NEEDED}"
    )


def text_file(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_headers_that_are_none_or_double_are_told(tmp_path: Path) -> None:
    lines = csv_bytes(CLEAN).decode().splitlines()
    path = tmp_path / "bars.csv"
    headless = error(text_file(path, "\n".join(lines[1:])))
    assert headless.startswith(f"{path}: has no line of column names, and no layout known without one; say which ")
    assert headless.endswith("--columns time=1,open=2,high=3,low=4,close=5,volume=6: " + lines[1].replace(",", ", "))
    both = error(text_file(path, "\n".join([lines[0] + ",open_time", *lines[1:]])))
    assert both == f"{path}: has the columns ts and open_time; keep one for the time, or say --columns time=…"
    twice = error(text_file(path, "\n".join([lines[0] + ",high", *lines[1:]])))
    assert twice == f"{path}: has the column high twice; keep one"
    many = error(text_file(path, ",".join(f"a{i}" for i in range(30)) + "\n"))
    assert many.endswith(f", 'a19' and 10 more; {NEEDED}")
    assert "'" + "b" * 40 + "…'" in error(text_file(path, "b" * 1_000))


def test_a_file_without_rows_is_told(tmp_path: Path) -> None:
    head = csv_bytes(CLEAN).partition(b"\n")[0]
    path = tmp_path / "bars.csv"
    assert error(text_file(path, b"")) == f"{path}: is empty; its first line would be the names of the columns"
    assert error(text_file(path, b"\n\n")) == f"{path}: is empty; its first line would be the names of the columns"
    for text in (head, head + b"\n", head + b"\n\n \n"):
        assert error(text_file(path, text)) == f"{path}: has no rows after the line of names"
    parquet = write(tmp_path / "bars.parquet", taken(CLEAN, slice(0, 0)))
    assert error(parquet) == f"{parquet}: has no rows"


def test_nothing_but_bad_rows_is_an_error_also_when_they_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "bars.csv", {**CLEAN, "low": -CLEAN["low"]})
    told = error(path, skip_bad=True).splitlines()
    assert len(told) == 11
    assert told[-1] == f"{path}: none of the 100 rows is good"


def test_a_path_that_is_nothing_or_another_kind_is_told(tmp_path: Path) -> None:
    nowhere = tmp_path / "none.csv"
    assert error(nowhere) == f"{nowhere}: there is no such file or directory"
    other = text_file(tmp_path / "bars.xlsx", "x")
    kinds = ".parquet, .feather, .arrow, .csv, .tsv, .json (the last three also with .gz or .zst), .zip"
    assert error(other) == f"{other}: is a spreadsheet: save it as CSV; known are {kinds}"
    strange = text_file(tmp_path / "bars.doc", "x")
    assert error(strange) == f"{strange}: is of an unknown kind; known are {kinds}"
    assert error(tmp_path) == f"{tmp_path}: is a directory without any file of {kinds}"
    pattern = tmp_path / "*.csv"
    assert error(pattern) == f"{pattern}: no file matches"
    assert error(tmp_path / "*.doc").endswith(f"none of the 1 files that match is one of {kinds}")


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    parquet = tmp_path / "bars.parquet"
    pq.write_table(arrow(made(SYMBOLS, 5_000)), parquet, compression="none", write_page_checksum=True)
    whole = parquet.read_bytes()
    assert error(text_file(parquet, b"hello")).startswith(f"{parquet}: cannot be read as Parquet: ")
    assert error(text_file(parquet, whole[:-100])).startswith(f"{parquet}: cannot be read as Parquet: ")
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    assert error(text_file(parquet, bytes(changed))).startswith(f"{parquet}: cannot be read as Parquet: ")
    lines = csv_bytes(made(SYMBOLS, 5_000))
    for name, packed in (("bars.csv.gz", gzip.compress(lines)), ("bars.csv.zst", zstandard.compress(lines))):
        path = tmp_path / name
        assert error(text_file(path, packed[:-20])) == f"{path}: cannot be read as CSV: Truncated compressed stream"
        assert error(text_file(path, lines)).startswith(f"{path}: cannot be read as CSV: ")


def test_a_quote_that_runs_over_lines_and_a_line_without_end_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = csv_bytes(CLEAN).decode().splitlines()
    lines[5] = lines[5].replace("ADA", '"ADA')
    path = text_file(tmp_path / "bars.csv", "\n".join([*lines, ""]))
    wrong = "a quoted value runs over the end of its line, or a line ends in CR alone"
    assert error(path, skip_bad=True) == f"{path} (lines 2 to 101): {wrong}"
    lines[5] = lines[5].replace('"', "").replace(",", "\r", 1)
    assert error(text_file(path, "\n".join([*lines, ""])), skip_bad=True) == f"{path} (lines 2 to 101): {wrong}"
    monkeypatch.setattr(csv_source, "_PIECE_BYTES", 1_000)
    assert error(text_file(path, "x" * 5_000)) == f"{path}: is no CSV: a line is longer than 1,000 bytes"


@pytest.mark.parametrize(
    ("key", "kind", "text"),
    [
        ("ts", pa.float64(), "column ts is of type double; epoch integers (s, ms, µs or ns), ISO 8601 texts or "),
        ("ts", pa.date32(), "column ts is of type date32[day]; epoch integers"),
        ("symbol", pa.int64(), "column symbol is of type int64; texts are needed"),
        ("volume", pa.bool_(), "column volume is of type bool; numbers are needed"),
    ],
)
def test_a_column_of_another_type_is_told(tmp_path: Path, key: str, kind: pa.DataType, text: str) -> None:
    columns = made(SYMBOLS, 5)
    table = arrow(columns)
    other = pa.array([1] * 10).cast(pa.int32()).cast(kind)
    path = tmp_path / "bars.parquet"
    pq.write_table(table.set_column(table.column_names.index(key), key, other), path)
    assert error(path, skip_bad=True).startswith(f"{path}: {text}")


def test_a_wrong_column_of_symbols_is_told_before_it_fills_the_memory(tmp_path: Path) -> None:
    columns = taken(CLEAN, np.zeros(10_001, int))
    columns["symbol"] = np.array([f"order-{i}" for i in range(10_001)], dtype=object)
    path = write(tmp_path / "bars.csv", columns)
    assert error(path) == f"{path}: has over 10,000 symbols; is the column symbol the right one?"


def test_every_error_of_a_file_is_a_wrong_use(tmp_path: Path) -> None:
    assert issubclass(DataError, UsageError)
    assert UsageError.exit_code == 2
