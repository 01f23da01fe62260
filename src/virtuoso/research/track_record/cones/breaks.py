"""Judges cones in the hours after the largest breaks of the market."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import ratio, summed
from virtuoso.market.panel import Floats, Ints
from virtuoso.research.judging.breaks import largest_breaks, steps_after
from virtuoso.research.judging.cones import outside
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table, gate, horizon_text

_BREAKS = """\
The ten largest breaks of a set are the quarters of an hour in which the market (mean over symbols) moved most in
units of the root mean square of its returns in the seven days before, a day apart at least; what is judged begins at
the break itself."""
STEPS = {15: 60, 60: 24}
"""By horizon in minutes, how many steps after a break are judged."""
_LEAST = 0.7


class AfterBreaks:
    """Gathers how often the 80 % band held after breaks, set by set."""

    def __init__(self) -> None:
        self._rows: list[tuple[Cell, ...]] = []
        self.gates: list[Gate] = []

    def add(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats, breaks: Ints) -> None:
        """Judge the quantiles [6, t, n] after `breaks` (epoch ms)."""
        steps = STEPS[horizon]
        inside = 1.0 - outside(quantiles, outcome, 1)
        each = [_mean(inside, steps_after(measured.close_ms, np.array([at]), horizon, steps)) for at in breaks]
        judged = [share for share in each if share is not None]
        chosen = steps_after(measured.close_ms, breaks, horizon, steps)[:, None] & np.isfinite(inside)
        terms = summed(chosen, inside, 1.0)
        figure = measured.blocks(horizon).figure(chosen, terms, ratio, terms)
        self._rows.append((measured.spec.name, horizon_text(horizon), figure, len(judged), min(judged, default=None)))
        what = f"80 % band over {steps} steps after breaks at {horizon_text(horizon)}"
        self.gates.append(
            gate(
                what,
                measured.spec.name,
                f"≥ {_LEAST:g}",
                figure,
                lambda value: value >= _LEAST,
                f"{len(judged)} breaks",
                "no break has a past and a cone",
            )
        )

    def section(self) -> Section:
        """Make the table of how often prices ended inside the 80 % band after the largest breaks."""
        return Section("Cones after breaks", (_BREAKS,), (Table("The 80 % band", _COLUMNS, tuple(self._rows)),))


def market_breaks(measured: Measured) -> Ints:
    """Find the breaks of the set (epoch ms), from returns of 15 minutes."""
    at = np.flatnonzero(measured.close_ms % (15 * 60_000) == 0)
    returns = measured.followed.past[15][at].astype(np.float64)
    return largest_breaks(measured.close_ms[at], returns, _DAY_MIN)


def _mean(values: Floats, chosen: NDArray[np.bool_]) -> float | None:
    inside = values[chosen]
    inside = inside[np.isfinite(inside)]
    return float(inside.mean()) if inside.size else None


_DAY_MIN = 1_440
_COLUMNS = (Column("set"), Column("horizon"), Column("inside"), Column("breaks"), Column("least of one"))
