"""What cannot be a bar, what is another unit; and no real bar or fall is either of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from virtuoso.market.bounds import ranges
from virtuoso.market.bounds.bar import MISVALUED, implausible, last_seam, misvalued
from virtuoso.model.market import Bar
from virtuoso.model.units import multiplied, turnover_bounds, unit_jump

SHARED = Path(__file__).resolve().parents[4] / "shared"
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((10, 11, 9, 10, 5, 50), None),
        ((10, 10, 10, 10, 0, 0), None),
        ((10, 11, 9, 10, 5, NAN), None),
        ((10, 8, 12, 10, 5, 50), "high: below open or close"),
        ((10, 0.1, 9, 10, 5, 50), "high: below open or close"),
        ((10, 10.5, 10.2, 10.1, 5, 50), "low: above open or close"),
        ((10, 11, 0, 10, 5, 50), "low: not a positive number"),
        ((-3.1, 11, 9, 10, 5, 50), "open: not a positive number"),
        ((10, INF, 9, 10, 5, 50), "high: not a positive number"),
        ((10, 11, 9, NAN, 5, 50), "close: not a positive number"),
        ((10, 11, 9, 10, -1, 50), "volume: negative or not finite"),
        ((10, 11, 9, 10, NAN, 50), "volume: negative or not finite"),
        ((10, 11, 9, 10, 5, -1), "turnover: negative or not finite"),
    ],
)
def test_a_bar_that_cannot_be_says_in_which_field(values: tuple[float, ...], reason: str | None) -> None:
    assert implausible(Bar(0, *values)) == reason


@pytest.mark.parametrize(
    ("values", "possible"),
    [
        ((10, 11, 9, 10, 5, 45), True),
        ((10, 11, 9, 10, 5, 55), True),
        ((10, 11, 9, 10, 5, 50 * 1.12), False),
        ((10, 11, 9, 10, 5, 44), False),
        ((10, 11, 9, 10, 5, 0), False),
        ((10, 11, 9, 10, 5, 500), False),
        ((10, 11, 9, 10, 5, 0.5), False),  # in coins
        ((10, 11, 9, 10, 5, NAN), True),
        ((10, 10, 10, 10, 0, 0), True),
        ((10, 10, 10, 10, 0, 1), False),
        ((1e-9, 1e-9, 1e-9, 1e-9, 1e6, 0), True),  # rounded to cents
        ((1e-9, 1e-9, 1e-9, 1e-9, 1e9, 1.0), True),
    ],
)
def test_a_turnover_is_that_of_the_volume_at_the_bars_prices(values: tuple[float, ...], possible: bool) -> None:
    bar = Bar(0, *values)
    assert misvalued(bar) == (None if possible else MISVALUED)
    assert ranges.bar_refusal(bar) == misvalued(bar)
    assert implausible(bar) is None, "a bar that was asked for is kept, without its turnover"


@pytest.mark.parametrize(
    ("before", "after", "n"),
    [
        (0.01234, 12.34, 3), (12.34, 0.01234, -3), (1.0, 11.0, 1), (1.0, 1e8, 8), (1.0, 1.0, 0), (1.0, 0.05, 0),
        (1.0, 0.5, 0), (1.0, 4.0, 0), (1.0, 300.0, 0), (0.0, 1.0, 0), (1.0, INF, 0), (NAN, 1.0, 0), (-1.0, 10.0, 0),
    ],
)  # fmt: skip
def test_a_power_of_ten_is_another_unit(before: float, after: float, n: int) -> None:
    assert unit_jump(before, after) == n


def test_how_it_is_told() -> None:
    assert (multiplied(3), multiplied(-1)) == ("multiplied by 1,000", "divided by 10")


def flat(*prices: float) -> list[Bar]:
    return [Bar(60_000 * i, price, price, price, price, 1.0, price) for i, price in enumerate(prices)]


def test_a_seam_is_where_the_new_unit_stays() -> None:
    assert last_seam(flat(1, 1, 1000, 1001, 999, 1000)) == (2, 3)
    assert last_seam(flat(1, 1, 1000, 1, 1, 1)) is None, "a single bar in another unit is a wrong bar"
    assert last_seam(flat(1, 1, 1, 1000)) == (3, 3)
    assert last_seam(flat(1, 1000, 1000, 1000, 100, 100)) == (4, -1), "the last of two"
    assert last_seam(flat(1.0, 1.2, 0.6, 0.3, 0.1)) is None
    assert last_seam([]) is None


def test_of_a_bar_in_which_it_happened_the_next_is_the_first_whole_one() -> None:
    bars = flat(1, 1, 1, 1000, 1000)
    bars[2] = Bar(120_000, 1, 1000, 1, 1000, 1.0, 1.0)
    assert last_seam(bars, within=True) == (3, 3)
    assert last_seam(bars) is None


def tables() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Every 1m and 5m bar of the shared data, by file."""
    for path in sorted(SHARED.glob("data/*klines*.parquet")):
        table = pq.read_table(path)
        time = "ts" if "ts" in table.column_names else "open_time"
        table = table.sort_by([("symbol", "ascending"), (time, "ascending")])
        symbol = table["symbol"].dictionary_encode().combine_chunks().indices.to_numpy()
        yield path.name, {name: table[name].to_numpy() for name in PRICES} | {"symbol": symbol}
    for path in [*sorted(SHARED.glob("data/more/kl*/*.csv.zst")), *sorted(SHARED.glob("data/*klines*.csv.gz"))]:
        table = pc.read_csv(path)
        symbol = np.zeros(len(table)) if "symbol" not in table.column_names else None
        told = (
            {"turnover": table["quote_volume"].to_numpy().astype(float)} if "quote_volume" in table.column_names else {}
        )
        if symbol is None:
            table = table.sort_by([("symbol", "ascending"), (table.column_names[0], "ascending")])
            symbol = table["symbol"].dictionary_encode().combine_chunks().indices.to_numpy()
        yield path.name, {name: table[name].to_numpy().astype(float) for name in PRICES} | {"symbol": symbol} | told


PRICES = ("open", "high", "low", "close", "volume")


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not beside the checkout")
def test_no_real_bar_is_refused_and_no_real_fall_is_another_unit() -> None:
    files = valued = 0
    for name, bars in tables():
        files += 1
        if (turnover := bars.get("turnover")) is not None:
            least, most = turnover_bounds(bars["low"], bars["high"], bars["volume"])
            assert ((least <= turnover) & (turnover <= most)).all(), name
            valued += len(turnover)
        opened, high, low, close, volume = (bars[key] for key in PRICES)
        prices = np.stack([opened, high, low, close])
        assert ((prices > 0) & np.isfinite(prices)).all(), name
        assert (high >= np.maximum(opened, close)).all(), name
        assert (low <= np.minimum(opened, close)).all(), name
        assert (volume >= 0).all(), name
        same = bars["symbol"][1:] == bars["symbol"][:-1]
        step = np.abs(np.log10(opened[1:] / close[:-1]))[same]
        assert step.max() < 0.05, f"{name}: the rule for another unit has a margin of seventeen"
        assert np.abs(np.log10(high / low)).max() < 0.4, f"{name}: nor does any bar's range come near it"
    assert files >= 10
    assert valued > 600_000
