"""Forecasts of a made-up market at every quarter of an hour, and what comes of them: as was said, or not."""

from collections.abc import Iterator

import numpy as np

from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.market.panel import Floats

CLOSE_MS = 1_748_476_800_000
QUARTER_MS = 900_000
_LEVELS = np.array([-1.959964, -1.281552, -0.67449, 0.67449, 1.281552, 1.959964])
_COST_BP = 12.0
_SHARED = 0.7
"""Correlation of any two symbols."""


def market(
    seed: int, steps: int, *, symbols: int = 16, wild_from: int | None = None, turned_from: int | None = None
) -> Iterator[Forecasts]:
    """One forecast a quarter of an hour, volatility in clusters and known.

    From `wild_from` on returns are twice as large as was said. A side is said with .7 to .3 of what goes beyond costs
    within 15 minutes, which is right until `turned_from` and wrong after it; over an hour neither side is likelier.
    """
    rng = np.random.default_rng(seed)
    level, past = 0.0, np.zeros((16, symbols))
    for k in range(steps):
        came = {minutes: past[-minutes // 15 :].sum(axis=0) for minutes in HORIZONS_MIN}
        level = 0.95 * level + 0.1 * rng.standard_normal()
        said = 0.004 * np.exp(level) * np.exp(0.2 * rng.standard_normal(symbols))
        favoured = rng.choice([-1.0, 1.0], symbols)
        yield _said(CLOSE_MS + k * QUARTER_MS, said, favoured, came)
        common = rng.standard_normal()
        moves = np.abs(_SHARED**0.5 * common + (1 - _SHARED) ** 0.5 * rng.standard_normal(symbols))
        true = favoured * (-1.0 if turned_from is not None and k >= turned_from else 1.0)
        sides = np.where(rng.uniform(size=symbols) < 0.7, true, -true)
        wild = 2.0 if wild_from is not None and k >= wild_from else 1.0
        past = np.concatenate([past[1:], (wild * said * sides * moves)[None]])


def _said(close_ms: int, volatility: Floats, favoured: Floats, came: dict[int, Floats]) -> Forecasts:
    n = volatility.size
    by_horizon = {minutes: volatility * (minutes / 15) ** 0.5 for minutes in HORIZONS_MIN}
    quantiles = {minutes: _LEVELS[:, None, None] * of[None, None] for minutes, of in by_horizon.items()}
    rows = {minutes: of[None] for minutes, of in by_horizon.items()}

    def each(value: float | Floats) -> dict[int, Floats]:
        return {minutes: np.broadcast_to(value, (1, n)).copy() for minutes in CHANCE_HORIZONS_MIN}

    up = np.where(favoured > 0, 0.55, 0.25)  # .7 of what goes beyond costs at all
    beyond_up, beyond_down = ({15: of[None], 60: np.full((1, n), 0.45)} for of in (up, 0.8 - up))
    returns = np.stack([came[minutes][None] for minutes in HORIZONS_MIN])
    return Forecasts(
        version="f00d", close_ms=np.array([close_ms]), rows=np.arange(n), volatility=rows, variance=rows,
        large_move=each(0.2), large_move_base=each(0.25),
        large_move_threshold={minutes: 1.281552 * by_horizon[minutes][None] for minutes in CHANCE_HORIZONS_MIN},
        beyond_up=beyond_up, beyond_down=beyond_down, cost_bp=np.full((1, n), _COST_BP),
        outcomes=Outcomes(returns, returns, returns), realised=returns, cone=quantiles, high=quantiles, low=quantiles,
        market=None,
    )  # fmt: skip
