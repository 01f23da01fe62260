"""Made-up statements and what came of them."""

import numpy as np

from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN, OUTCOME_HORIZONS_MIN, TAILS
from virtuoso.analysis.lived.came import Came, rounded
from virtuoso.analysis.lived.statements import COLUMNS, SAMPLED, Statements
from virtuoso.market.panel import Floats
from virtuoso.model.catalogue.lived import READING, quantile_names

CLOSE_MS = 1_748_476_800_000
"""2025-05-29T00:00:00Z."""
_NORMAL = (-1.959964, -1.281552, -0.67449, 0.67449, 1.281552, 1.959964)
_HIGHEST = (0.031338, 0.125661, 0.318639, 1.150349, 1.644854, 2.241403)
"""Quantiles of the largest value of a Brownian motion over its last standard deviation."""


def statements(
    rng: np.random.Generator, symbols: int = 4, *, close_ms: int = CLOSE_MS, kind: str = READING, part: int = 0,
    **said: float,
) -> Statements:  # fmt: skip
    """All of it said, of volatilities of 1 % an hour; `said` says else of all symbols."""
    found: dict[str, Floats] = {name: rng.uniform(0.05, 0.95, symbols) for name in COLUMNS}
    found |= {
        "price": rng.uniform(1.0, 100.0, symbols), "score": rng.uniform(25, 75, symbols),
        "band": rng.integers(-1, 3, symbols).astype(float), "label": rng.integers(-1, 3, symbols).astype(float),
        "regime": rng.integers(0, 4, symbols).astype(float), "cost_bp": rng.uniform(11, 14, symbols),
        "lean": rng.choice([-1.0, 1.0, np.nan], symbols), "stop": -rng.uniform(0.003, 0.01, symbols),
        "target": rng.uniform(0.003, 0.02, symbols),
    }  # fmt: skip
    found |= {f"funding_bp_{minutes}": rng.choice([0.0, 1.0], symbols) for minutes in OUTCOME_HORIZONS_MIN}
    for minutes in HORIZONS_MIN:
        scale = 0.01 * np.sqrt(minutes / 60) * rng.uniform(0.5, 2.0, symbols)
        found |= {
            f"volatility_{minutes}": scale,
            f"past_{minutes}": scale * rng.standard_normal(symbols),
        }  # fmt: skip
        for series, levels in zip(SAMPLED, (_NORMAL, _HIGHEST, [-x for x in reversed(_HIGHEST)]), strict=True):
            names = quantile_names(series, minutes)
            found |= {name: level * scale for name, level in zip(names, levels, strict=True)}
        if minutes in CHANCE_HORIZONS_MIN:
            found[f"large_move_threshold_{minutes}"] = 1.281552 * scale
    found |= {name: np.full(symbols, value) for name, value in said.items()}
    assert len(TAILS) == len(_NORMAL)
    return Statements(
        close_ms=close_ms, kind=kind, part=part, symbols=tuple(f"S{i}USDT" for i in range(symbols)),
        version="f00d", horizon_min=60, values=np.stack([found[name] for name in COLUMNS]).astype(np.float32),
    )  # fmt: skip


def came(rng: np.random.Generator, said: Statements, horizon_min: int, *, missing: int = 0) -> Came:
    """Returns as they were foreseen; of the first `missing` symbols nothing is known."""
    n = len(said.symbols)
    hours = min(horizon_min, 240)
    closed = said[f"volatility_{hours}"] * rng.standard_normal(n)
    wide = np.abs(said[f"volatility_{hours}"] * rng.standard_normal((2, n)))
    values = np.stack([
        said["price"], closed, np.maximum(closed, wide[0]), np.minimum(closed, -wide[1]),
        rng.choice([-1.0, 0.0, 1.0], n), np.zeros(n),
    ])  # fmt: skip
    values[:5, :missing], values[5, :missing] = np.nan, 1.0
    return Came(close_ms=said.close_ms, kind=said.kind, part=said.part, horizon_min=horizon_min, values=rounded(values))
