"""Statements: what was said of symbols at one close, kept to be judged by what came."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, HORIZONS_MIN, OUTCOME_HORIZONS_MIN
from virtuoso.analysis.forecast.outlook import Said
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.analysis.readings.outlooks import lean_of
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.catalogue.lived import quantile_names
from virtuoso.model.timeframe import Timeframe

EVERY_MS: Final = 15 * Timeframe.M1.ms
SAMPLED: Final = ("cone", "high", "low")
"""What is said in quantiles at `TAILS`."""
_CHANCES: Final = (
    "large_move", "large_move_base", "large_move_threshold", "beyond_up", "beyond_down", "base_up", "base_down",
)  # fmt: skip
COLUMNS: Final = (
    "price", "score", "band", "label", "confidence", "regime", "cost_bp", "lean", "lean_probability", "stop", "target",
    *(f"{name}_{minutes}" for minutes in HORIZONS_MIN for name in ("volatility", "past")),
    *(f"funding_bp_{minutes}" for minutes in OUTCOME_HORIZONS_MIN),
    *(f"{name}_{minutes}" for minutes in CHANCE_HORIZONS_MIN for name in _CHANCES),
    *(name for series in SAMPLED for minutes in HORIZONS_MIN for name in quantile_names(series, minutes)),
)  # fmt: skip
"""What is kept of each symbol, `nan` for what was not said.

`price` is the close, quote units; `band` and `label` are codes (−1, 0, 1, and 2 for unknown), `regime` a place in
`REGIMES`; `lean` is −1 or 1, where there is one. `stop` and `target` are log returns from the price to the entry's
stop and first target: their signs say its side. `past_h` is the return of the last h minutes, which momentum follows.
`base_up` and `base_down` are how often that side went beyond costs of this symbol in the days before. The rest is
named as in `Forecasts`; all returns are log returns.
"""
_AT: Final[Mapping[str, int]] = {name: i for i, name in enumerate(COLUMNS)}

OwnRates = Mapping[str, Mapping[str, float]]
"""By symbol, how often each side went beyond costs in the days before, by the name of the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What was said of n symbols at a close; it is never changed afterwards.

    Attributes:
        close_ms: the close (epoch ms); the entry is the open of the minute that begins then.
        kind: `READING` or `SIGNAL`.
        part: counted from 0 at each close: symbols that came late are in a later one.
        symbols: in the order of the columns of `values`.
        version: the fit that forecasts came from, `None` before there was one.
        horizon_min: how long claims and leans are for.
        values: [len(COLUMNS), n], single precision.
    """

    close_ms: int
    kind: str
    part: int
    symbols: tuple[str, ...]
    version: str | None
    horizon_min: int
    values: NDArray[np.float32]

    def __getitem__(self, name: str) -> Floats:
        """Look up a column by its name, as floats [n]; raises `KeyError` where there is none."""
        found: Floats = self.values[_AT[name]].astype(np.float64)
        return found

    def quantiles(self, series: str, minutes: int) -> Floats:
        """The quantiles of a series over a horizon [tail, n]."""
        return np.stack([self[name] for name in quantile_names(series, minutes)])


def statements_of(evaluation: Evaluation, at: Sequence[int], kind: str, part: int, own: OwnRates) -> Statements:
    """What an evaluation says of its symbols in the columns `at`; `own` are their rates in the days before."""
    said, columns = evaluation.said, np.array(at, dtype=np.int64)
    symbols = tuple(evaluation.symbols[i] for i in at)
    found: dict[str, Floats] = {
        "price": evaluation.context.close[columns], "score": evaluation.score[columns],
        "band": evaluation.band[columns].astype(np.float64), "regime": evaluation.regimes.code[columns],
    }  # fmt: skip
    entries, sign = evaluation.entries, np.where(evaluation.entries.long, 1.0, -1.0)
    with np.errstate(all="ignore"):
        for name, level in (("stop", entries.stop), ("target", entries.first)):
            known = entries.known & (sign * (1.0 if name == "target" else -1.0) * (level - entries.context.close) > 0)
            found[name] = np.where(known, np.log(level / entries.context.close), np.nan)[columns]
    if said is not None:
        found |= _of_said(said, evaluation.places[columns])
    for name in ("base_up", "base_down"):
        for minutes in CHANCE_HORIZONS_MIN:
            column = f"{name}_{minutes}"
            found[column] = np.array([own.get(symbol, {}).get(column, np.nan) for symbol in symbols])
    unknown = np.full(columns.size, np.nan)
    return Statements(
        close_ms=evaluation.close_ms, kind=kind, part=part, symbols=symbols,
        version=None if said is None else said.forecasts.version,
        horizon_min=HORIZONS_MIN[1] if said is None else said.horizon_min,
        values=np.stack([found.get(name, unknown) for name in COLUMNS]).astype(np.float32),
    )  # fmt: skip


def _of_said(said: Said, places: Ints) -> dict[str, Floats]:
    """The columns of what the outlook said of symbols in `places`, −1 where nothing was."""
    forecasts, signals = said.forecasts, said.signals

    def of(array: Floats) -> Floats:
        return np.where(places >= 0, array[..., places], np.nan)

    leans = [None if at < 0 else lean_of(said, at) for at in places.tolist()]
    found = {
        "label": np.where(places >= 0, signals.label[places].astype(np.float64), 2.0),
        "confidence": of(signals.confidence), "cost_bp": of(forecasts.cost_bp[0]),
        "lean": np.array([np.nan if each is None else (1.0 if each.side == "up" else -1.0) for each in leans]),
        "lean_probability": np.array([np.nan if each is None else each.probability for each in leans]),
    }  # fmt: skip
    for i, minutes in enumerate(HORIZONS_MIN):
        found[f"volatility_{minutes}"] = of(forecasts.volatility[minutes][0])
        found[f"past_{minutes}"] = of(forecasts.outcomes.close[i, 0])
        for series in SAMPLED:
            quantiles = of(getattr(forecasts, series)[minutes][:, 0])
            found |= dict(zip(quantile_names(series, minutes), quantiles, strict=True))
    for minutes in OUTCOME_HORIZONS_MIN:
        found[f"funding_bp_{minutes}"] = of(said.funding_bp[minutes])
    for minutes in CHANCE_HORIZONS_MIN:
        for name in _CHANCES[:5]:
            found[f"{name}_{minutes}"] = of(getattr(forecasts, name)[minutes][0])
    return found
