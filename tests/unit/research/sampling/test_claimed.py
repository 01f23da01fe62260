"""Labels over a set are those that claims earned on days before."""

from types import MappingProxyType

import numpy as np

from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.sampling.claimed import ClaimsFollower

DAYS = 40
CLOSES = DAYS * 96
BEGIN_MS = 20_000 * 86_400_000


def forecasts(up: np.ndarray, block: BarBlock) -> Forecasts:
    nothing = np.full(up.shape, 0.2)
    of = MappingProxyType({15: nothing, 60: nothing})
    return Forecasts(
        version=None, close_ms=block.open_ms + Timeframe.M15.ms, rows=block.rows, volatility=of, variance=of,
        large_move=of, large_move_base=of, large_move_threshold=of, beyond_up={15: nothing, 60: up}, beyond_down=of,
        cost_bp=np.full(up.shape, 12.0), outcomes=Outcomes(*(nothing[None],) * 3), realised=nothing[None],
        cone={}, high={}, low={}, market=None,
    )  # fmt: skip


def labels(drift: float) -> np.ndarray:
    """Labels of a market that rises by `drift` a bar while a rise is called likely, which is all the time."""
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(drift, 5e-4, (CLOSES, 2)), axis=0))
    opened = np.concatenate([close[:1], close[:-1]])
    block = BarBlock(
        timeframe=Timeframe.M15, rows=np.arange(2), open_ms=BEGIN_MS + Timeframe.M15.ms * np.arange(CLOSES),
        open=opened, high=np.maximum(opened, close), low=np.minimum(opened, close), close=close,
        volume=np.ones(close.shape), turnover=close, buy_volume=np.full(close.shape, np.nan),
    )  # fmt: skip
    up = np.full(close.shape, 0.7)
    up[5] = np.nan
    up[-20:] = 0.5
    follower = ClaimsFollower(2, Timeframe.M15, 15)
    follower.add(block, forecasts(up, block))
    return follower.labels(block.open_ms + Timeframe.M15.ms)


def test_a_side_that_pays_is_labelled_after_twenty_days_and_not_before() -> None:
    found = labels(8e-4)
    assert (found[5] == 2).all(), "without a forecast there is no label"
    assert (found[: 20 * 96][np.arange(20 * 96) != 5] == 0).all()
    assert (found[35 * 96 : -20] == 1).all()
    assert (found[-20:] == 0).all(), "one half is not likelier than not"


def test_a_side_that_does_not_pay_is_never_labelled() -> None:
    assert not (labels(0.0) == 1).any()
