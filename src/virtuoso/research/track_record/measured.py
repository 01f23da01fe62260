"""Joins a scored set with what it must show, and divides its readings into parts."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks
from virtuoso.analysis.regimes.regime import REGIMES
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.judging.base_rates import past_mean
from virtuoso.research.sampling.sets import ScoredSet
from virtuoso.research.track_record.sets import SetSpec

_HOURS_MS = 4 * 3_600_000
_DAY_MIN = 1_440


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(ScoredSet):
    """A scored set with its name and what it must show; without forecasts, `forecasts` and `claimed` are `None`."""

    spec: SetSpec

    @classmethod
    def of(cls, spec: SetSpec, found: ScoredSet) -> "Measured":
        """Join a scored set with the specification that it was made by."""
        return cls(spec=spec, **{field.name: getattr(found, field.name) for field in fields(found)})

    @property
    def close_ms(self) -> Ints:
        """The closes that are judged [t], epoch ms."""
        return self.followed.close_ms

    def blocks(self, horizon: int) -> Blocks:
        """Make the blocks of whole days over which figures of a horizon are resampled."""
        return Blocks(self.close_ms, horizon)

    def past_mean(self, values: Floats, horizon: int) -> Floats:
        """Average each symbol's own outcomes that were known at the time [t, n], over a day of them at least."""
        return past_mean(values, horizon // self.step_min + 1, _DAY_MIN // self.step_min)

    def parts(self) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
        """Divide readings by symbol, hours of the day and regime: yields by what, a part and its mask [t, n]."""
        shape = (self.close_ms.size, len(self.symbols))
        for column, symbol in enumerate(self.symbols):
            mask = np.zeros(shape, np.bool_)
            mask[:, column] = True
            yield "symbol", symbol, mask
        hours = self.close_ms % DAY_MS // _HOURS_MS
        for part in range(6):
            of_day = np.broadcast_to((hours == part)[:, None], shape)
            yield "hours (UTC)", f"{4 * part:02d}–{4 * part + 4:02d}", of_day
        for code, regime in enumerate(REGIMES):
            yield "regime", regime.value, self.readings.regime == code
