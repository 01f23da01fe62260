"""Compares the loss of cones with that of rivals, set by set and over all sets together."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from virtuoso.analysis.forecast.horizons import TAILS
from virtuoso.analysis.quality.blocks import ratio, summed
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats
from virtuoso.research.judging.cones import pinball
from virtuoso.research.judging.paired import compare
from virtuoso.research.judging.pooling import Pool
from virtuoso.research.sampling.readings import Sampled
from virtuoso.research.track_record.cones.coverage import GATED
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table, gate, horizon_text, unsure

_RIVALS = """\
Rivals are the same adaptive conformal quantiles, scaled by what EWMA and GARCH-t foresee, or by nothing (each symbol's
own past outcomes). Pinball loss in basis points; *against* is the mean difference (below 0: better than the rival)."""


class AgainstRivals:
    """Gathers the pinball loss beside that of each rival."""

    def __init__(self) -> None:
        self._rows: list[tuple[Cell, ...]] = []
        self._differences: list[tuple[str, Figure]] = []
        self._gates: list[Gate] = []
        self._pools: dict[tuple[str, int], Pool] = {}

    def add(
        self, measured: Measured, horizon: int, quantiles: Floats, rivals: Mapping[str, Mapping[int, Sampled]]
    ) -> None:
        """Judge our quantiles [6, t, n] of the closing return beside those of `rivals`, by name and horizon."""
        outcome = measured.followed.close[horizon].astype(np.float64)
        loss = 1e4 * pinball(quantiles, outcome, TAILS)
        for name, of in rivals.items():
            if horizon in of:
                self._compared(measured, horizon, name, loss, of[horizon].astype(np.float64))

    def gates(self) -> list[Gate]:
        """Whether the loss is not above any rival's, on each set and on all together."""
        pooled = [
            gate(
                f"pinball loss below {rival}'s at {horizon_text(horizon)}",
                "all sets",
                "upper end < 0",
                figure,
                partial(_is_negative, figure),
            )
            for rival, horizon, figure in self._pooled()
            if horizon in GATED
        ]
        return [*self._gates, *pooled]

    def section(self) -> Section:
        """Make the tables of each set and of all together."""
        together = tuple((horizon_text(horizon), rival, figure) for rival, horizon, figure in self._pooled())
        return Section(
            "Cones against rivals",
            (_RIVALS, unsure(self._differences, "difference of the loss")),
            (
                Table("Pinball loss", _COLUMNS, tuple(self._rows)),
                Table("All sets together", _POOLED_COLUMNS, together),
            ),
        )

    def _compared(self, measured: Measured, horizon: int, rival: str, loss: Floats, quantiles: Floats) -> None:
        """Compare our own `loss` [t, n] in basis points with that of a rival's quantiles [6, t, n]."""
        outcome = measured.followed.close[horizon].astype(np.float64)
        theirs = 1e4 * pinball(quantiles, outcome, TAILS)
        paired = compare(loss, theirs, measured.blocks(horizon))
        name, at = measured.spec.name, horizon_text(horizon)
        own = float(np.nanmean(loss)) if np.isfinite(loss).any() else None
        self._rows.append((name, at, rival, paired.difference, paired.p, own))
        self._differences.append((f"{name} {at} {rival}", paired.difference))
        used = np.isfinite(loss + theirs)
        pool = self._pools.setdefault((rival, horizon), Pool())
        pool.add(measured.blocks(horizon), used, summed(used, loss - theirs, 1.0))
        if horizon in GATED:
            why = "" if paired.p is None else f"p = {paired.p:.4f}"
            what = f"pinball loss not above {rival}'s at {at}"
            self._gates.append(gate(what, name, "not > 0, p < .05", paired.difference, lambda _: not paired.worse, why))

    def _pooled(self) -> list[tuple[str, int, Figure]]:
        """List the difference of the loss to each rival over all sets, by horizon."""
        return [(rival, horizon, pool.figure(ratio)) for (rival, horizon), pool in self._pools.items()]


def _is_negative(figure: Figure, _value: float) -> bool:
    return figure.negative


_COLUMNS = (
    Column("set"),
    Column("horizon"),
    Column("rival"),
    Column("difference, bp"),
    Column("p", 4),
    Column("own loss, bp", 2),
)
_POOLED_COLUMNS = (Column("horizon"), Column("rival"), Column("difference, bp"))
