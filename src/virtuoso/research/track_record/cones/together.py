"""Judges how likely it was said to be that many symbols leave their bands at once."""

import numpy as np

from virtuoso.analysis.forecast.cones.together import BANDS
from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.analysis.quality.blocks import ratio
from virtuoso.market.panel import Floats
from virtuoso.research.judging.cones import outside
from virtuoso.research.track_record.cones.coverage import GATED
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table, horizon_text, near

_TOGETHER = """\
How often at least so many symbols are outside their band at the same close, what was claimed (P(at least k outside),
learnt as it goes), and what independence would say: one market moves them."""


class Together:
    """Gathers how often at least k symbols were outside a band at once, set by set."""

    def __init__(self) -> None:
        self._rows: list[tuple[Cell, ...]] = []
        self.gates: list[Gate] = []

    def add(self, measured: Measured, horizon: int, quantiles: Floats, outcome: Floats, claims: Floats) -> None:
        """Compare how often at least k symbols were outside with `claims` [band, t, k] and with independence."""
        from scipy.stats import binom  # noqa: PLC0415 - takes most of a second to load

        n = outcome.shape[1]
        for place, band in enumerate(BANDS):
            beyond = outside(quantiles, outcome, band)
            count, share = beyond.sum(axis=1), 1 - (TAILS[-1 - band] - TAILS[band])
            for k in sorted({2, max(2, n // 4), max(2, n // 2)} & set(range(claims.shape[2]))):
                claimed = claims[place, :, k]
                used = np.isfinite(count + claimed)
                if not used.any():
                    continue
                came = (count >= k).astype(np.float64)
                rate = np.stack([np.where(used, came, 0.0), used], axis=1)
                apart = np.stack([np.where(used, came - claimed, 0.0), used], axis=1)
                blocks = measured.blocks(horizon)
                figures = blocks.figure(used, rate, ratio, rate), blocks.figure(used, apart, ratio, rate)
                what, at = f"{k} of {n} beyond {100 * (1 - share):.0f} %", horizon_text(horizon)
                independent = float(binom.sf(k - 1, n, share))
                name = measured.spec.name
                self._rows.append((name, at, what, *figures, float(claimed[used].mean()), independent))
                if horizon in GATED:
                    gate = f"at once, {what} at {at}: came less claimed"
                    self.gates.append(near(gate, name, figures[1], 0.0, 0.0, or_holds=True))

    def section(self) -> Section:
        """Make the table of how often many symbols ended outside their bands at once, beside what was claimed of it."""
        return Section(
            "Outside together", (_TOGETHER,), (Table("Symbols outside at once", _COLUMNS, tuple(self._rows)),)
        )


_COLUMNS = (
    Column("set"),
    Column("horizon"),
    Column("at least"),
    Column("came", 4),
    Column("came less claimed", 4),
    Column("claimed", 4),
    Column("if independent", 6),
)
