"""Bars from files: whatever the format and the order of rows, the same blocks."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bar_files import (
    MINUTE_MS,
    START_MS,
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

SYMBOLS = ("SOLUSDT", "ADAUSDT", "BTCUSDT", "1000PEPEUSDT")
FORMATS = ("bars.parquet", "bars.csv", "bars.csv.gz", "bars.csv.zst")
ORDERS = {"time": lambda columns: columns, "symbol": by_symbol, "none": shuffled}


def ragged(minutes: int = 700) -> dict[str, np.ndarray]:
    """ADA begins late, and a tenth of the rows are missing."""
    columns = made(SYMBOLS, minutes, ADAUSDT=minutes // 2)
    return taken(columns, np.random.default_rng(3).random(len(columns["ts"])) > 0.1)


@pytest.mark.parametrize(("name", "order"), list(product(FORMATS, ORDERS)))
def test_every_format_in_every_order_gives_the_same_bars(tmp_path: Path, name: str, order: str) -> None:
    columns = ORDERS[order](ragged())
    with read_bars(write(tmp_path / name, columns)) as bars:
        assert bars.symbols == tuple(sorted(SYMBOLS))
        assert same(got(bars), wanted(columns))
        assert bars.read == len(columns["ts"])
        assert (bars.skipped, bars.problems) == (0, ())
        spans = [columns["ts"][columns["symbol"] == s] for s in SYMBOLS]
        assert bars.missing == sum((t.max() - t.min()) // MINUTE_MS + 1 - t.size for t in spans) > 100
        assert bars.minutes == (columns["ts"].max() - columns["ts"].min()) // MINUTE_MS + 1


def test_blocks_are_aligned_immutable_and_cut_to_the_period(tmp_path: Path) -> None:
    with read_bars(write(tmp_path / "bars.parquet", made(SYMBOLS, 700))) as bars:
        blocks = list(bars.blocks())
    assert [block.open_ms.size for block in blocks] == [23, 240, 240, 197]
    assert blocks[0].open_ms[0] == START_MS
    assert all(block.open_ms[0] % Timeframe.H4.ms == 0 for block in blocks[1:])
    for block in blocks:
        assert block.timeframe is Timeframe.M1
        assert block.rows.tolist() == [0, 1, 2, 3]
        assert block.close.shape == (block.open_ms.size, 4)
        assert np.isnan(block.buy_volume).all()
        with pytest.raises(ValueError, match="read-only"):
            block.turnover[0, 0] = 1.0


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_a_column_of_taker_volume_without_values_shows_no_taker_sides(tmp_path: Path, name: str) -> None:
    columns = made(SYMBOLS, 50)
    for empty in ({}, {"taker_buy_volume": [None] * 200}, {"taker_buy_volume": [float("nan")] * 200}):
        with read_bars(write(tmp_path / name, {**columns, **empty})) as bars:
            assert not bars.taker_sides
            assert all(np.isnan(block.buy_volume).all() for block in bars.blocks())


def test_blocks_can_be_taken_more_than_once(tmp_path: Path) -> None:
    with read_bars(write(tmp_path / "bars.csv", made(SYMBOLS, 30))) as bars:
        assert same(got(bars), got(bars))


@settings(max_examples=15)
@given(
    minutes=st.integers(1, 400),
    rows=st.integers(1, 500),
    size=st.integers(300, 30_000),
    order=st.sampled_from(sorted(ORDERS)),
)
def test_sizes_of_blocks_parts_and_pieces_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, minutes: int, rows: int, size: int, order: str
) -> None:
    columns = ORDERS[order](ragged(200))
    folder = tmp_path_factory.mktemp("sizes")
    expected = wanted(columns)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_source, "_ROWS", rows)
        patch.setattr(csv_source, "_PIECE_BYTES", size)
        for name in ("bars.parquet", "bars.csv"):
            with read_bars(write(folder / name, columns), minutes=minutes) as bars:
                assert same(got(bars), expected)
                assert max(block.open_ms.size for block in bars.blocks()) <= minutes


@pytest.mark.parametrize("per_second", [1, 1_000, 10**6, 10**9])
@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_epoch_integers_of_every_unit_are_known_by_their_magnitude(tmp_path: Path, name: str, per_second: int) -> None:
    columns = made(SYMBOLS, 50)
    scaled = {**columns, "ts": columns["ts"] // 1_000 * per_second}
    with read_bars(write(tmp_path / name, scaled)) as bars:
        assert same(got(bars), wanted(columns))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "+09:00", "America/New_York"])
def test_timestamps_with_a_zone_are_instants(tmp_path: Path, unit: str, zone: str) -> None:
    columns = made(SYMBOLS, 50)
    times = pa.array(columns["ts"]).cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp(unit, zone))
    pq.write_table(arrow({**columns, "ts": times}), tmp_path / "bars.parquet")
    with read_bars(tmp_path / "bars.parquet") as bars:
        assert same(got(bars), wanted(columns))


@pytest.mark.parametrize(
    "form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%dT%H:%MZ", " %Y-%m-%dT%H:%M:%S.000+0000"]
)
@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_iso_texts_with_a_zone_are_instants(
    tmp_path: Path, name: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_source, "_PIECE_BYTES", 2_000)
    columns = made(SYMBOLS, 50)
    texts = np.array(
        [f"{datetime.fromtimestamp(ms / 1000, UTC):{form}}" for ms in columns["ts"].tolist()], dtype=object
    )
    with read_bars(write(tmp_path / name, {**columns, "ts": texts})) as bars:
        assert same(got(bars), wanted(columns))


def test_times_of_another_zone_are_shifted(tmp_path: Path) -> None:
    columns = made(["BTCUSDT"], 2)
    texts = np.array(["2025-05-05T00:37:00+09:00", "2025-05-04T09:38:00-06:00"], dtype=object)
    with read_bars(write(tmp_path / "bars.csv", {**columns, "ts": texts})) as bars:
        assert same(got(bars), wanted(columns))


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_open_time_other_columns_and_any_order_of_columns_will_do(tmp_path: Path, name: str) -> None:
    columns = made(SYMBOLS, 50)
    other = {"trades": np.arange(200), **dict(reversed(columns.items())), "note": np.array(["x"] * 200)}
    other["open_time"] = other.pop("ts")
    with read_bars(write(tmp_path / name, other)) as bars:
        assert same(got(bars), wanted(columns))


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_turnover_and_taker_volume_are_read_where_known(tmp_path: Path, name: str) -> None:
    columns = made(SYMBOLS, 300)
    known = np.arange(1_200) % 3 > 0
    columns["turnover"] = np.where(known, np.round(columns["volume"] * columns["close"], 2), None)
    columns["taker_buy_volume"] = np.where(known, columns["volume"] / 4, None)
    if name.endswith("csv"):
        write(tmp_path / name, columns)
    else:
        numbers = {k: pa.array(columns[k].tolist(), pa.float64()) for k in ("turnover", "taker_buy_volume")}
        pq.write_table(arrow({**columns, **numbers}), tmp_path / name)
    with read_bars(tmp_path / name) as bars:
        found = got(bars)
        assert bars.taker_sides
    assert same(found, wanted(columns))
    assert sum(np.isnan(bar[-1]) for bar in found.values()) == 400


@pytest.mark.parametrize("kind", [pa.float32(), pa.int64(), pa.decimal128(12, 4), pa.string(), pa.large_string()])
def test_numbers_may_be_of_any_number_type_or_text(tmp_path: Path, kind: pa.DataType) -> None:
    columns = made(SYMBOLS, 50)
    whole = {k: np.round(columns[k]) for k in ("open", "high", "low", "close", "volume")}
    whole["high"], whole["low"] = whole["high"] + 1, whole["low"] - 1
    typed = {k: pa.array([f"{x:.1f}" for x in v]).cast(pa.float64()) for k, v in whole.items()}
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    cast = {k: pa.array([f" {x:.1f}" for x in whole[k]], kind) if text else v.cast(kind) for k, v in typed.items()}
    pq.write_table(arrow({**columns, **cast}), tmp_path / "bars.parquet")
    with read_bars(tmp_path / "bars.parquet") as bars:
        assert same(got(bars), wanted({**columns, **whole}))


def test_symbols_may_be_categories(tmp_path: Path) -> None:
    columns = made(SYMBOLS, 50)
    table = arrow(columns)
    names = table.column("symbol").combine_chunks().dictionary_encode()
    pq.write_table(table.set_column(1, "symbol", names), tmp_path / "bars.parquet")
    with read_bars(tmp_path / "bars.parquet") as bars:
        assert same(got(bars), wanted(columns))


def test_a_csv_may_have_windows_line_ends_a_mark_blank_lines_quotes_and_spaces(tmp_path: Path) -> None:
    columns = made(SYMBOLS, 50)
    head, *lines = csv_bytes(columns).decode().splitlines()
    lines[3], lines[7] = lines[3].replace(",", " , "), lines[7].replace("1000PEPEUSDT", '" 1000PEPEUSDT"')
    text = "\r\n".join([head.replace(",", ", "), *lines[:100], "", "   ", *lines[100:], "", ""])
    (tmp_path / "bars.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    with read_bars(tmp_path / "bars.csv") as bars:
        assert same(got(bars), wanted(columns))
    (tmp_path / "bars.csv").write_text("\n".join([head, *lines]))
    with read_bars(tmp_path / "bars.csv") as bars:
        assert same(got(bars), wanted(columns)), "the last line has no end"


def test_a_directory_is_read_as_one_whatever_the_files_hold(tmp_path: Path) -> None:
    columns = made(SYMBOLS, 300)
    half = len(columns["ts"]) // 2
    write(tmp_path / "2.csv.gz", taken(columns, slice(None, half)))
    later = taken(columns, slice(half, None))
    pepe = later["symbol"] == "1000PEPEUSDT"
    write(tmp_path / "1.parquet", {**taken(later, pepe), "ts": later["ts"][pepe] * 1_000})
    write(tmp_path / "3.csv", taken(later, ~pepe))
    (tmp_path / "README.md").write_text("not bars")
    (tmp_path / ".4.csv").write_text("hidden")
    (tmp_path / "5.csv").mkdir()
    with read_bars(tmp_path) as bars:
        assert same(got(bars), wanted(columns))
        assert (bars.read, bars.missing) == (1_200, 0)


def test_progress_rises_from_file_to_file_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_source, "_ROWS", 100)
    monkeypatch.setattr(csv_source, "_PIECE_BYTES", 2_000)
    columns = made(SYMBOLS, 100)
    write(tmp_path / "1.parquet", taken(columns, slice(None, 200)))
    write(tmp_path / "2.csv", taken(columns, slice(200, None)))
    told: list[float] = []
    with read_bars(tmp_path, progress=told.append):
        pass
    assert told == sorted(told)
    assert len(set(told)) > 5
    assert 0 < told[0] < told[-1] == 1.0


def test_a_single_bar_is_a_block(tmp_path: Path) -> None:
    columns = made(["BTCUSDT"], 1)
    with read_bars(write(tmp_path / "bars.csv", columns)) as bars:
        assert same(got(bars), wanted(columns))
        assert [block.close.shape for block in bars.blocks()] == [(1, 1)]


def test_a_hole_of_days_is_given_as_missing_minutes(tmp_path: Path) -> None:
    columns = made(["BTCUSDT"], 4_000)
    with read_bars(write(tmp_path / "bars.csv", taken(columns, np.r_[0:100, 3_900:4_000]))) as bars:
        blocks = list(bars.blocks())
        assert bars.missing == 3_800
    assert sum(block.open_ms.size for block in blocks) == 4_000
    assert all(np.isnan(block.turnover).all() for block in blocks[2:-2])


def test_temporary_files_go_also_after_an_error(tmp_path: Path) -> None:
    columns = made(SYMBOLS, 50)
    file = write(tmp_path / "bars.csv", columns)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with read_bars(file, scratch=scratch):
        assert len(list(scratch.iterdir())) == 1
    assert list(scratch.iterdir()) == []
    columns["high"][7] = -1.0
    with pytest.raises(UsageError), read_bars(write(file, columns), scratch=scratch):
        pass
    assert list(scratch.iterdir()) == []
    with (
        pytest.raises(UsageError, match=r"nowhere: cannot be written: No such file .*; set TMPDIR"),
        read_bars(file, scratch=tmp_path / "nowhere"),
    ):
        pass


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """The kernel refuses to let a file grow (RLIMIT_FSIZE), as a full disk does."""
    file = write(tmp_path / "bars.parquet", made(SYMBOLS, 2_000))
    program = f"""
import resource, signal
from pathlib import Path
from virtuoso.model.errors import UsageError
from virtuoso.research.bar_files.bars import read_bars
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    with read_bars(Path({str(file)!r}), scratch=Path({str(tmp_path)!r})):
        pass
except UsageError as error:
    print(error)
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True).stdout
    assert out == f"{tmp_path}: cannot be written: File too large; set TMPDIR to another directory\n"
    assert [path.name for path in tmp_path.iterdir()] == ["bars.parquet"]


def test_the_program_that_watches_does_not_load_what_reads_parquet() -> None:
    program = "import sys, virtuoso.cli.up, virtuoso.monitor.app, virtuoso.web.app; print('pyarrow' in sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ)
    )
    assert out.stdout == "False\n"
