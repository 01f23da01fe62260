"""A file that is not taken is told in one line, with the cause and what to do about it."""

import gzip
import io
import os
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bar_files import got, made, write
from tests.support.bar_layouts import LAYOUTS, TRADES, bars, binance, file, lines, rows, trades, zipped

from virtuoso.model.errors import UsageError
from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.bar_files.formats import packed
from virtuoso.research.bar_files.hints import Hints, columns_of, zone_of

OF = rows(bars(10))
TOKENS = st.sampled_from(
    [b",", b";", b"\n", b"\r", b'"', b"[", b"]]", b"nan", b"null", b"-1", b"\x00", b"1e400", b"\xff"]
)
ROW = "1735689600,1,2,1,2,5"
HEAD = "time,open,high,low,close,volume"


def two_in_one() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("XBTUSD_1.csv", "x")
        archive.writestr("XBTUSD_5.csv", "x")
    return out.getvalue()


REFUSED: list[tuple[str, str | bytes, str]] = [
    (
        "bars.csv",
        f"{HEAD}\n{ROW}\n",
        "has no column symbol, and its name tells no symbol; give it with --symbol BTCUSDT",
    ),
    (
        "BTCUSDT.csv",
        "1735689600,x,y,1,2,1,2,5\n",
        (
            "has no line of column names, and no layout known without one; say which column is which, as --columns "
            "time=1,open=2,high=3,low=4,close=5,volume=6: 1735689600, x, y, 1, 2, 1, 2, 5"
        ),
    ),
    (
        "BTCUSDT.csv",
        "https://example.com/data\nwhen,open,high,low,close,volume\n1,1,1,1,1,1\n",
        "column ts or open_time is missing. It has 'when', 'open', 'high', 'low', 'close', 'volume'; needed are a ",
    ),
    ("BTCUSDT.csv", "https://example.com/data\n", "is empty; its first line would be the names of the columns"),
    ("BTCUSDT.csv", "<!DOCTYPE html><html><body>403</body></html>", "is a web page, not a file of bars: "),
    (
        "BTCUSDT.csv",
        f"{HEAD}\r{ROW}\r",
        "has lines that end in CR alone: save it as CSV with line ends of Windows or Unix",
    ),
    ("BTCUSDT.csv", "\ufeffa,b".encode("utf-16"), "is UTF-16, whatever its name says: save it as CSV (UTF-8)"),
    ("BTCUSDT.csv", zipped("x.csv", b"x"), "is a zip, whatever its name says: call it BTCUSDT.zip"),
    ("BTCUSDT.csv", gzip.compress(b"x"), "is packed by gzip, whatever its name says: call it BTCUSDT.csv.gz"),
    ("BTCUSDT.csv", b"PAR1xxxx", "is Parquet, whatever its name says: call it BTCUSDT.parquet"),
    ("BTCUSDT.zip", two_in_one(), "holds 2 files of .csv, .tsv, .json, one is needed: unpack it and give the folder"),
    ("BTCUSDT.zip", zipped("readme.md", b"x"), "holds no file of .csv, .tsv, .json, one is needed: "),
    ("BTCUSDT.zip", b"PK\x03\x04hello", "cannot be read as zip: File is not a zip file"),
    ("BTCUSDT.xlsx", "x", "is a spreadsheet: save it as CSV; known are .parquet, "),
    ("BTC_USDT-1m.h5", "x", "is HDF5: freqtrade convert-data --format-from hdf5 --format-to feather; known are "),
    ("BTCUSDT.tar.gz", "x", "is packed in a way that is not read: unpack it; known are "),
    (
        "BTCUSDT.json",
        '{"retCode":0,"result":{"list":[]}}',
        "is JSON of named values; a list of rows is needed, [[time, ",
    ),
    ("BTCUSDT.json", '[{"time":1}]', "is JSON of named values; a list of rows is needed, [[time, open, "),
    (
        "BTCUSDT.json",
        "hello",
        "is no JSON of rows; a list of rows is needed, [[time, open, high, low, close, volume], …]",
    ),
    ("BTCUSDT.json", "[]", "has no rows"),
    ("BTCUSDT.json", "[[1735689600000,1,2,1,2,5],[1735689660000,1,2", "cannot be read as JSON: it ends before its "),
    ("BTCUSDT.json", "[[1735689600000,1,2,1,2,[5]],[1,2]]", "is JSON of another form than [[time, open, high, "),
    ("BTCUSDT.feather", "hello", "cannot be read as feather: "),
    ("BTCUSDT.feather", "FEA1hello", "is feather of version 1; write it anew with a pandas of today"),
    (
        "BTCUSDT_index.csv",
        "start_at,symbol,period,open,high,low,close\n1735689600,BTCUSDT,1,1,1,1,1\n",
        (
            "has no volume (public.bybit.com index prices); a bar without its volume is not scored: take the klines or "
            "trades of the symbol"
        ),
    ),
    (
        "BTCUSDT.csv",
        "\x89PNG\r\n\x00\x01",
        "is no text, whatever its name says: it holds bytes that no CSV or JSON has",
    ),
    (
        "BTCUSDT.csv",
        "time,price,amount\n1735689600,1,2\n",
        "has no bars; if these are trades, of columns 'time', 'price', 'amount', they are read as public.bybit.com, ",
    ),
    (
        "BTCUSDT.csv",
        f"{HEAD}\n" + "31/05/2025 00:00,1,2,1,2,5\n" * 2,
        "column time holds '31/05/2025 00:00', which is no time: day before month needs dots (31.05.2025); ",
    ),
    (
        "BTCUSDT.csv",
        f"{HEAD}\n" + "05/31/2025 00:00,1,2,1,2,5\n" * 2,
        "column time holds '05/31/2025 00:00', which is no time: dates that begin with the month are not read; write",
    ),
    (
        "BTCUSDT.csv",
        "time,open,high,low,close\n1735689600,1,1,1,1\n",
        "has no volume (bars by the names of their columns)",
    ),
    (
        "BYBIT_BTCUSDT.P, 1.csv",
        "time,open,high,low,close\n1735689600,1,1,1,1\n",
        "has no volume (TradingView export); add the indicator Volume to the chart and export it again",
    ),
    (
        "BTCUSDT.csv",
        f"{HEAD}\n2025-01-01 00:00,1,2,1,2,5\n",
        "column time holds '2025-01-01 00:00', a time without a zone; say its zone with --zone UTC (or +03:00, ",
    ),
    (
        "BTCUSDT.csv",
        f"{HEAD}\n" + "1.73569E+12,1,2,1,2,5\n" * 2,
        "column time holds '1.73569E+12', which is no time: a spreadsheet rounded it; take the file",
    ),
    (
        "BTCUSDT.csv",
        f"{HEAD}\n01/02/2025 00:00,1,2,1,2,5\n01/02/2025 00:01,1,2,1,2,5\n",
        "column time holds '01/02/2025 00:00', which is no time: nobody can tell day from month; ",
    ),
    (
        "BTCUSDT.csv",
        f"{ROW[:10]};1.234,5;2.000,0;1.000,0;1.234,5;3,5\n" * 2,
        "has no line of column names, and no layout known without one; say which column is which, as --columns",
    ),
    ("BTCUSDT.csv", "2025-01-01 00:00,1,2,1,2,5\n", "column time holds '2025-01-01 00:00', a time without a zone; "),
    (
        "Gemini_BTCUSD_1hr.csv",
        "Date,Symbol,Open,High,Low,Close,Volume\n" + "2020-04-09 11-PM,BTCUSD,1,2,1,2,5\n" * 2,
        "column Date holds '2020-04-09 11-PM', which is no time: an hour with AM or PM is not read; write ",
    ),
]


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(UsageError) as caught, read_bars(path, **options):  # type: ignore[arg-type]
        pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "cause"), REFUSED, ids=[f"{name}: {cause[:50]}" for name, _, cause in REFUSED]
)
def test_a_file_that_is_not_taken_is_told_in_one_line(
    tmp_path: Path, name: str, content: str | bytes, cause: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    told = refusal(path)
    assert told.startswith(f"{path}: {cause}")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("hints", "cause"),
    [
        (
            Hints(columns={"time": "when"}),
            "has no column 'when', which --columns names for time. It has 'ts', 'symbol', ",
        ),
        (Hints(columns={"time": "9"}), "has no column '9', which --columns names for time. It has 'ts', 'symbol', "),
        (Hints(symbol="BTCUSDT"), "has a column of symbols; --symbol is for files without one, leave it out"),
    ],
)
def test_a_hint_that_does_not_fit_is_told(tmp_path: Path, hints: Hints, cause: str) -> None:
    path = write(tmp_path / "bars.csv", made(["BTCUSDT"], 3))
    assert refusal(path, hints=hints).startswith(f"{path}: {cause}")


def test_hints_are_read_as_they_are_written() -> None:
    assert columns_of("time=start_at, close = last") == {"time": "start_at", "close": "last"}
    assert [zone_of(zone) for zone in ("UTC", "+03:00", "Europe/Berlin")] == ["UTC", "+03:00", "Europe/Berlin"]
    for text, cause in (
        ("close", "'close' is no KEY=NAME; write time=start_at,close=last"),
        ("close=", "'close=' is no KEY=NAME"),
        ("last=close", "there is no key 'last'; keys are time, symbol, open, "),
        ("time=a,time=b", "time is given twice"),
    ):
        with pytest.raises(UsageError, match=f"^--columns: {cause}"):
            columns_of(text)
    for zone in ("CEST", "+3", "../etc/passwd", ""):
        with pytest.raises(UsageError, match=r"^--zone: there is no zone .*; write UTC, \+03:00 or Europe/Berlin"):
            zone_of(zone)


@pytest.mark.parametrize("name", ["BTCUSDT.csv.gz", "BTCUSDT.csv.zst", "BTCUSDT.zip"])
def test_a_bomb_is_told_before_it_is_unpacked(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_FREE_BYTES", 1 << 20)
    bomb = binance(OF) + b"\n" * 30_000_000
    pack = {"gz": gzip.compress, "st": zstandard.compress, "ip": lambda data: zipped("BTCUSDT.csv", data)}[name[-2:]]
    path = tmp_path / name
    path.write_bytes(pack(bomb))
    assert refusal(path) == f"{path}: unpacks to more than 250 times its size; that is no file of bars"
    path.write_bytes(pack(binance(OF)))
    with read_bars(path) as read:
        assert read.read == 10


def test_a_damaged_or_encrypted_zip_is_told(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.zip"
    data = os.urandom(3_000).hex().encode()
    whole = bytearray(zipped("BTCUSDT.csv", data))
    whole[1_000] ^= 255
    path.write_bytes(bytes(whole))
    assert refusal(path).startswith(f"{path}: cannot be read as CSV: ")
    whole = bytearray(zipped("BTCUSDT.csv", data))
    directory = whole.rfind(b"PK\x01\x02")
    whole[6] |= 1
    whole[directory + 8] |= 1
    path.write_bytes(bytes(whole))
    assert refusal(path) == f"{path}: is encrypted: unpack it and give the file in it"


def test_a_bad_trade_is_told_with_its_line_or_left_out_alone(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT_2025-05-04.csv"
    good = [(1, 1_746_373_021_000, 10.0, 2.0, "buy"), (2, 1_746_373_022_000, 11.0, 3.0, "sell")]
    bad = [(3, 5, 1.0, 1.0, "buy"), (4, 1_746_373_023_000, -1.0, 1.0, "buy"), (5, 1_746_373_023_000, 1.0, "x", "buy"),
           (6, 1_746_373_023_000, 1.0, 1.0, "long"), (7, 1_746_373_023_000, "", 1.0, "buy")]  # fmt: skip
    path.write_bytes(lines([*good, *bad], "id,timestamp,price,volume,side"))
    told = refusal(path).splitlines()
    assert [line.removeprefix(f"{path} ") for line in told[:-1]] == [
        "(line 4): timestamp 5 is no time: epoch s, ms or µs since 2001 is needed",
        "(line 5): price -1.0 is no price",
        "(line 6): volume x is no size",
        "(line 7): side long is no side",
        "(line 8): price is missing",
    ]
    with read_bars(path, skip_bad=True) as read:
        assert read.skipped == 5
        assert got(read) == {("BTCUSDT", 1_746_373_020_000): (10.0, 11.0, 10.0, 11.0, 5.0, 53.0, 2.0)}


def test_trades_in_no_order_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtuoso.research.bar_files.formats.csv_source._PIECE_BYTES", 300)
    layout = next(layout for layout in TRADES if layout.name.endswith(".csv"))
    of = trades()
    path = file(tmp_path, layout, [*of[20:], *of[:20]])
    assert refusal(path).startswith(f"{path} (line ")
    assert refusal(path).endswith("): its trades are in no order of time: sort the file by time")


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_is_in_a_file_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Bytes of a good file are changed, left out, doubled; nothing but a refusal comes of it."""
    layout = data.draw(st.sampled_from((*LAYOUTS, *TRADES)))
    content = bytearray(layout.write(trades(8) if layout in TRADES else OF))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        until = at + data.draw(st.integers(0, 40))
        content[at:until] = data.draw(st.one_of(st.binary(max_size=8), st.just(bytes(content[at:until]) * 2), TOKENS))
    path = tmp_path_factory.mktemp("any") / layout.name
    path.write_bytes(bytes(content))
    refusals: list[str] = []
    try:
        with read_bars(path, hints=Hints(**layout.hints), skip_bad=True) as read:
            assert read.read == len(got(read))
    except UsageError as error:
        refusals.append(str(error))
    assert all(str(path) in told for told in refusals)


def test_a_number_with_thousands_is_shown_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.csv"
    path.write_text(f"{HEAD.replace(',', ';')}\n1735689600;1,5;2,5;1,5;2,5;3,5\n1735689660;1.234,5;2;1;2;3,5\n")
    assert refusal(path).startswith(f"{path} (line 3): open 1.234,5 is not a number\n")
