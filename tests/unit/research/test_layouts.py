"""Files as people have them: the same bars in each layout are the same bars, and what they were taken for is said."""

from pathlib import Path

import pytest
from tests.support import bar_layouts
from tests.support.bar_files import MINUTE_MS, START_MS, got, same, wanted, write
from tests.support.bar_layouts import LAYOUTS, TRADES, Written, bars, bars_of, file, rows, trades

from virtuoso.research.bar_files.bars import read_bars
from virtuoso.research.bar_files.formats import csv_source
from virtuoso.research.bar_files.hints import Hints
from virtuoso.research.bar_files.layouts.file_names import symbol_of

BARS = bars()


@pytest.mark.parametrize("piece", [200, 1 << 22])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_the_same_bars_in_each_layout_are_the_same(
    tmp_path: Path, layout: Written, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_source, "_PIECE_BYTES", piece)
    known = {key: value for key, value in BARS.items() if key in layout.has or key not in bar_layouts.BOTH}
    expected = wanted({**known, "symbol": [layout.symbol] * len(BARS["ts"])})
    said: list[str] = []
    path = file(tmp_path, layout, rows(BARS))
    with read_bars(path, hints=Hints(**layout.hints), recognised=said.append) as read:
        assert same(got(read), expected)
        assert (read.symbols, read.missing) == ((layout.symbol,), 0)
        assert read.taker_sides == ("taker_buy_volume" in layout.has)
    assert len(said) == 1
    assert said[0].startswith(f"{layout.name}: {layout.title} {layout.symbol}, 1m, 60 bars")


@pytest.mark.parametrize("piece", [300, 1 << 22])
@pytest.mark.parametrize("layout", TRADES, ids=str)
def test_trades_become_the_bars_of_their_minutes(
    tmp_path: Path, layout: Written, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_source, "_PIECE_BYTES", piece)
    traded = trades()
    expected = bars_of(traded, layout.symbol)
    said: list[str] = []
    with read_bars(file(tmp_path, layout, traded), recognised=said.append) as read:
        found = got(read)
        assert read.taker_sides
        assert read.missing == 0
    assert any(values[4] == 0 for values in expected.values()), "a minute without a trade has no volume"
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert found[key][:4] == values[:4]
        assert found[key][4:] == pytest.approx(values[4:], rel=1e-12)
    assert said == [f"{layout.name}: {layout.title} {layout.symbol}, 1m, {len(expected)} bars"]


@pytest.mark.parametrize("backwards", [False, True])
def test_a_long_silence_of_trades_is_a_hole(tmp_path: Path, *, backwards: bool) -> None:
    of = [{"ts": START_MS + MINUTE_MS * m, "price": 10.0 + m, "size": 1.0, "buy": True} for m in (0, 61, 123)]
    layout = next(layout for layout in TRADES if layout.title.startswith("public.bybit.com trades"))
    with read_bars(file(tmp_path, layout, of[::-1] if backwards else of)) as read:
        assert (read.read, read.missing) == (63, 61)
        assert {values[3] for values in got(read).values()} == {10.0, 71.0, 133.0}


def test_files_that_are_alike_are_told_in_one_line(tmp_path: Path) -> None:
    of = rows(bars(180))
    for day in range(3):
        name = f"BTCUSDT-1m-2025-05-0{day + 1}.csv"
        (tmp_path / name).write_bytes(bar_layouts.binance(of[60 * day : 60 * day + 60]))
    (tmp_path / "BTCUSDT-1m-2025-05-01.zip.CHECKSUM").write_text("abc")
    said: list[str] = []
    for data in (tmp_path, tmp_path / "*-1m-*.csv", sorted(tmp_path.glob("*.csv"))):
        with read_bars(data, recognised=said.append) as read:
            assert (read.read, read.missing) == (180, 0)
    line = "BTCUSDT-1m-2025-05-01.csv and 2 more: Binance Vision klines, ms, no header → BTCUSDT, 1m, 180 bars"
    assert said == [line] * 3


def test_a_zone_that_was_taken_for_granted_is_told(tmp_path: Path) -> None:
    layout = next(layout for layout in LAYOUTS if layout.title.startswith("MetaTrader 4"))
    said: list[str] = []
    with read_bars(file(tmp_path, layout, rows(BARS)), recognised=said.append):
        pass
    assert said[0].endswith(
        " (its times name no zone and were taken as UTC; a broker's clock may be another, Bybit's is said to be +03:00"
        ": --zone)"
    )


def test_a_symbol_that_is_given_wins_over_the_name_of_the_file(tmp_path: Path) -> None:
    path = file(tmp_path, LAYOUTS[0], rows(BARS))
    with read_bars(path, hints=Hints(symbol="币安人生USDT")) as read:
        assert read.symbols == ("币安人生USDT",)


def test_a_clock_that_is_set_back_makes_minutes_that_are_there_twice(tmp_path: Path) -> None:
    """02:30 of the 26th of October 2025 is there twice in Berlin."""
    path = tmp_path / "BTCUSDT.csv"
    path.write_text("time,open,high,low,close,volume\n" + "2025-10-26 02:30,1,1,1,1,1\n" * 2)
    with read_bars(path, hints=Hints(zone="Europe/Berlin"), skip_bad=True) as read:
        assert (read.read, read.skipped) == (1, 1)
        assert read.first_ms == 1_761_438_600_000


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT-1m-2025-01-01.csv", "BTCUSDT"),
        ("BTCUSDT_250627-1m-2025-05.zip", "BTCUSDT_250627"),
        ("BTCUSD_PERP-1m-2025-05.zip", "BTCUSD_PERP"),
        ("1000PEPEUSDT-1m-2025-05.csv.gz", "1000PEPEUSDT"),
        ("币安人生USDT-1m-2025-10.csv", "币安人生USDT"),
        ("BTCUSDT2025-01-01.csv.gz", "BTCUSDT"),
        ("BTCUSDT_1_2025-01-01_2025-01-31.csv", "BTCUSDT"),
        ("BTCUSDT-27JUN25.csv", "BTCUSDT-27JUN25"),
        ("BTCPERP_1.csv", "BTCPERP"),
        ("BYBIT_BTCUSDT.P, 1.csv", "BTCUSDT"),
        ("BTC_USDT_USDT-1m-futures.feather", "BTCUSDT"),
        ("WBTC_USDT_USDT-1m-futures.feather", "WBTCUSDT"),
        ("ETH_BTC-1m.json", "ETHBTC"),
        ("Binance_BTCUSDT_2024_minute.csv", "BTCUSDT"),
        ("gemini_ETHUSD_2020_1min.csv", "ETHUSD"),
        ("binance_eth_usdt.csv", "ETHUSDT"),
        ("Kraken_ETH_BTC.csv", "ETHBTC"),
        ("btcusdt.parquet", "BTCUSDT"),
        ("bars.csv", None),
        ("a-2024-12.csv", None),
        ("btc.csv", None),
        ("odd.csv", None),
        ("2025-01-01.csv", None),
    ],
)
def test_the_symbol_is_in_the_name_of_a_file(name: str, symbol: str | None) -> None:
    assert symbol_of(Path("/data/ETHUSDT") / name) == symbol


def test_a_column_of_symbols_wins_over_the_name_of_the_file(tmp_path: Path) -> None:
    with read_bars(write(tmp_path / "ETHUSDT.csv", BARS)) as read:
        assert read.symbols == ("BTCUSDT",)


def test_symbols_that_look_like_something_else_stay_what_they_are(tmp_path: Path) -> None:
    odd = ("007", "1e3", "NO", "NULL", "NaN", "null", "true", "币安人生USDT")
    path = tmp_path / "odd.csv"
    path.write_text(
        "open_time,symbol,open,high,low,close,volume\n"
        + "".join(f"{1_735_689_600 + 60 * minute},{name},1,2,1,2,5\n" for minute in range(3) for name in odd)
    )
    with read_bars(path) as read:
        assert (read.symbols, read.read) == (tuple(sorted(odd)), 24)


@pytest.mark.parametrize("header", ["time,open,high,low,close,volume\n", ""])
def test_dates_with_dots_begin_with_the_day_or_the_year(tmp_path: Path, header: str) -> None:
    for last, first in (("31.12.2024", "01.01.2025"), ("2024.12.31", "2025.01.01")):
        times = (f"{last} 23:58", f"{last} 23:59", f"{first} 00:00")
        (tmp_path / "BTCUSDT.csv").write_text(header + "".join(f"{time},1,2,1,1.5,3\n" for time in times))
        with read_bars(tmp_path / "BTCUSDT.csv", hints=Hints(zone="UTC")) as bars:
            assert (bars.read, bars.missing) == (3, 0)
            assert bars.first_ms == 1_735_689_480_000
