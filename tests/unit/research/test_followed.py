"""What followed each reading is what a slow look ahead finds, in the order of the readings, however blocks are cut."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.panels import START_MS, part, random_bars

from virtuoso.market.panel import BAR_FIELDS, BarBlock
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.followed import Followed, FollowedBlock, columns, horizons
from virtuoso.research.seams import Seam

BARS, N = 420, 2
H1 = Timeframe.H1


def walk(seed: int) -> BarBlock:
    bars = random_bars(BARS, N, seed=seed, timeframe=H1)
    values = {name: getattr(bars, name).copy() for name in BAR_FIELDS}
    for array in values.values():
        array[[30, 31, 200], 1] = np.nan
    return replace(bars, **values)


def slow(bars: BarBlock, seam: int | None, ahead: int, t: int, j: int) -> tuple[float, float, float]:
    """Return, highest and lowest of the `ahead` bars after bar `t`, by the open of the first of them."""
    way = range(t + 1, t + 1 + ahead)
    unknown = way.stop > BARS or (j == 0 and seam is not None and t + 1 < seam < way.stop)
    if unknown or np.isnan(bars.close[list(way), j]).any():
        return (np.nan,) * 3
    entry = bars.open[t + 1, j]
    prices = bars.close[way.stop - 1, j], bars.high[list(way), j].max(), bars.low[list(way), j].min()
    return tuple(float(np.log(price / entry)) for price in prices)  # type: ignore[return-value]


def followed(bars: BarBlock, cuts: set[int], seams: list[Seam]) -> list[FollowedBlock]:
    following = Followed(N, H1, BARS)
    found = []
    for a, b in pairwise(sorted({0, BARS, *cuts})):
        block = part(bars, a, b)
        found.append(following.add(block, np.isfinite(block.close), seams))
    return [*found, following.rest()]


@settings(max_examples=15)
@given(
    seed=st.integers(0, 99), cuts=st.sets(st.integers(1, BARS - 1), max_size=5), seam=st.none() | st.integers(50, 300)
)
def test_what_followed_is_what_a_slow_look_ahead_finds(seed: int, cuts: set[int], seam: int | None) -> None:
    bars = walk(seed)
    seams = [] if seam is None else [Seam("A", 0, START_MS + seam * H1.ms, 3)]
    found = followed(bars, cuts | ({seam} if seam is not None else set()), seams)
    np.testing.assert_array_equal(np.concatenate([block.close_ms for block in found]), bars.open_ms + H1.ms)
    np.testing.assert_array_equal(np.concatenate([block.present for block in found]), np.isfinite(bars.close))
    values = np.concatenate([block.values for block in found], axis=1)
    assert values.shape == (len(columns(H1)), BARS, N)
    rng = np.random.default_rng(seed)
    asked = {*rng.integers(0, BARS, 40).tolist(), 28, 29, 30, 31, BARS - 1, BARS - 25, (seam or 1) - 1, seam or 0}
    for k, minutes in enumerate(horizons(H1)):
        for t in asked:
            for j in range(N):
                expected = np.array(slow(bars, seam, minutes // 60, t, j), np.float32)
                np.testing.assert_allclose(values[3 * k : 3 * k + 3, t, j], expected, rtol=1e-6, atol=1e-12)


def test_a_reading_is_given_when_its_longest_horizon_is_over_and_never_before() -> None:
    bars = walk(1)
    following = Followed(N, H1, BARS)
    assert following.add(part(bars, 0, 24), np.ones((24, N), np.bool_)).close_ms.size == 0
    (one,) = following.add(part(bars, 24, 25), np.ones((1, N), np.bool_)).close_ms.tolist()
    assert one == bars.open_ms[0] + H1.ms
    assert following.rest().close_ms.size == 24


@pytest.mark.parametrize(
    ("base", "names"),
    [
        (Timeframe.M1, ["15m", "1h", "4h", "24h"]), (Timeframe.M5, ["15m", "1h", "4h", "24h"]),
        (Timeframe.M30, ["1h", "4h", "24h"]), (Timeframe.H4, ["4h", "24h"]),
    ],
)  # fmt: skip
def test_horizons_are_those_that_are_whole_bars(base: Timeframe, names: list[str]) -> None:
    assert columns(base) == tuple(f"{measure}_{name}" for name in names for measure in ("return", "high", "low"))


def test_a_return_of_zero_stays_zero() -> None:
    bars = replace(walk(2), **{name: np.full((BARS, N), 7.1) for name in ("open", "high", "low", "close")})
    (values, *_) = followed(bars, set(), [])
    assert (values.values[:, :300] == 0.0).all()
