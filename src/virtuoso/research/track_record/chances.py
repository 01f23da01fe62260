"""Judges the probabilities of a large move, and of a return beyond costs on either side, by what came."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.forecast.costs import GATE_COST_BP
from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN
from virtuoso.analysis.quality.blocks import Blocks
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats
from virtuoso.research.judging.base_rates import constants
from virtuoso.research.judging.probabilities import ProbabilityQuality, brier_skill, classes_skill, quality
from virtuoso.research.sampling.forecasts import SampledForecasts
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.plots import Interval, intervals, reliability
from virtuoso.research.track_record.sections import (
    Cell,
    Column,
    Gate,
    Plot,
    Section,
    Table,
    at_least,
    gate,
    horizon_text,
    unsure,
)

PROBABILITIES, LARGE_MOVE = "Probabilities", "large move"
"""Title of the table, and what its rows of large moves are called."""
_CALIBRATED = 0.02
_TEXT = """\
*Large move*: |return| beyond the symbol's own 80 % quantile of the last seven days. *Beyond costs*: a return of more
than 12 bp up, or of more than 12 bp down, or on *either* side; exactly zero is within. The skill of the three outcomes
is that of the Brier score over all three (up, down, within): as the side is hardly known, it is less than that of
either side."""


class Chances:
    """Gathers how good the probabilities were, set by set."""

    def __init__(self) -> None:
        self._rows: list[tuple[Cell, ...]] = []
        self._three: list[tuple[Cell, ...]] = []
        self._parts: list[Table] = []
        self._bins: list[tuple[Cell, ...]] = []
        self._plots: list[Plot] = []
        self._skills: list[tuple[str, Figure]] = []
        self._gates: list[Gate] = []

    def add(self, measured: Measured) -> None:
        """Judge the probabilities of one set; a set without forecasts adds nothing."""
        forecast = measured.forecasts
        if forecast is None:
            return
        for number, horizon in enumerate(h for h in CHANCE_HORIZONS_MIN if h in forecast.large_move):
            self._large_move(measured, forecast, horizon, number)
            if horizon in forecast.beyond_up:
                self._beyond(measured, forecast, horizon, number)

    def gates(self) -> list[Gate]:
        """Return the least skill and the calibration that each set had to show, and whether it did."""
        return self._gates

    def sections(self) -> list[Section]:
        """Show skill, reliability and parts of all sets as tables and plots, `[]` where nothing was forecast."""
        if not self._rows:
            return []
        bars = [Interval(name, figure) for name, figure in self._skills]
        return [
            Section(
                "How likely: large moves, and returns beyond costs",
                (_TEXT, unsure(self._skills, "skill")),
                (
                    Table(PROBABILITIES, _COLUMNS, tuple(self._rows)),
                    Table("Three outcomes", _THREE_COLUMNS, tuple(self._three)),
                ),
                (intervals("chances", "Skill against each symbol's own past rate", bars), *self._plots),
            ),
            Section("Claimed and came", (), (Table("By tenths of the readings", _BIN_COLUMNS, tuple(self._bins)),)),
            Section("Probabilities by symbol, hours and regime", (), tuple(self._parts)),
        ]

    def _large_move(self, measured: Measured, forecast: SampledForecasts, horizon: int, number: int) -> None:
        threshold = forecast.large_move_threshold[horizon].astype(np.float64)
        outcome = measured.followed.close[horizon].astype(np.float64)
        y = _event(np.abs(outcome) > threshold, outcome + threshold)
        p = forecast.large_move[horizon].astype(np.float64)
        found = self._judged(measured, LARGE_MOVE, horizon, p, y)
        self._plots.append(
            reliability(
                f"large-move-{measured.spec.name}-{horizon}",
                f"{measured.spec.name}, large move in {horizon_text(horizon)}",
                found.reliability,
            )
        )
        self._parted(measured, LARGE_MOVE, horizon, p, y)
        least = measured.spec.gates.get("large_move_skill", ())
        if number < len(least):
            name = f"large move, skill at {horizon_text(horizon)}"
            self._gates.append(at_least(name, measured.spec.name, found.skill, least[number]))
        self._calibrated(measured, f"large move, calibration error at {horizon_text(horizon)}", found)

    def _beyond(self, measured: Measured, forecast: SampledForecasts, horizon: int, number: int) -> None:
        outcome = measured.followed.close[horizon].astype(np.float64)
        cost = GATE_COST_BP / 1e4
        up, down = _event(outcome > cost, outcome), _event(-outcome > cost, outcome)
        p_up, p_down = (
            forecast.beyond_up[horizon].astype(np.float64),
            forecast.beyond_down[horizon].astype(np.float64),
        )
        for name, p, y in (
            ("beyond costs, up", p_up, up),
            ("beyond costs, down", p_down, down),
            ("beyond costs, either", p_up + p_down, up + down),
        ):
            found = self._judged(measured, name, horizon, p, y)
            self._calibrated(measured, f"{name}, calibration error at {horizon_text(horizon)}", found)
        self._parted(measured, "beyond costs on either side", horizon, p_up + p_down, up + down)
        least = measured.spec.gates.get("beyond_skill", ())
        if number < len(least):
            name = f"beyond costs on either side, skill at {horizon_text(horizon)}"
            self._gates.append(at_least(name, measured.spec.name, found.skill, least[number]))
        skill, dummy = _three(measured, horizon, (p_up, p_down), (up, down), measured.blocks(horizon))
        self._three.append((measured.spec.name, horizon_text(horizon), skill, dummy.value))
        self._skills.append((f"{measured.spec.name} three outcomes {horizon_text(horizon)}", skill))

    def _parted(self, measured: Measured, name: str, horizon: int, p: Floats, y: Floats) -> None:
        base = measured.past_mean(y, horizon)
        known = np.isfinite(p + y + base)
        rows: list[tuple[Cell, ...]] = [
            (by, part, brier_skill(p, y, base, known & mask, measured.blocks(horizon)))
            for by, part, mask in measured.parts()
        ]
        title = f"{measured.spec.title}: {name}, {horizon_text(horizon)}"
        self._parts.append(Table(title, (Column("by"), Column("part"), Column("skill")), tuple(rows)))

    def _judged(self, measured: Measured, name: str, horizon: int, p: Floats, y: Floats) -> ProbabilityQuality:
        base = measured.past_mean(y, horizon)
        found = quality(p, y, base, constants(y), measured.blocks(horizon))
        self._rows.append(
            (
                measured.spec.name, name, horizon_text(horizon), found.skill, found.dummy_skill.value, found.log_skill,
                found.calibration_error, found.rate,
            )
        )  # fmt: skip
        self._skills.append((f"{measured.spec.name} {name} {horizon_text(horizon)}", found.skill))
        self._bins += [
            (measured.spec.name, name, horizon_text(horizon), each.claimed, each.came) for each in found.reliability
        ]
        return found

    def _calibrated(self, measured: Measured, name: str, found: ProbabilityQuality) -> None:
        error = found.calibration_error
        self._gates.append(
            gate(name, measured.spec.name, "≤ 0.02", error, lambda value: value <= _CALIBRATED)
        )  # fmt: skip


def _event(happened: NDArray[np.bool_], known: Floats) -> Floats:
    """1 where it happened, 0 where not, `nan` where `known` is."""
    return np.where(np.isfinite(known), happened.astype(np.float64), np.nan)


def _three(
    measured: Measured, horizon: int, p: tuple[Floats, Floats], y: tuple[Floats, Floats], blocks: Blocks
) -> tuple[Figure, Figure]:
    """Judge the skill of the three outcomes, and the dummy's."""
    bases = [measured.past_mean(each, horizon) for each in y]
    dummies = [constants(each) for each in y]
    used = np.isfinite(sum([*p, *y, *bases, *dummies]))
    return classes_skill(_whole(p), _whole(y), _whole(bases), used, blocks), classes_skill(
        _whole(dummies), _whole(y), _whole(bases), used, blocks
    )


def _whole(two: "tuple[Floats, Floats] | list[Floats]") -> Floats:
    """Stack up, down, and what is left [3, t, n]."""
    up, down = two
    return np.stack([up, down, 1.0 - up - down])


_COLUMNS = (
    Column("set"),
    Column("what"),
    Column("horizon"),
    Column("skill"),
    Column("dummy's"),
    Column("log skill"),
    Column("calibration error"),
    Column("came"),
)
_THREE_COLUMNS = (Column("set"), Column("horizon"), Column("skill"), Column("dummy's"))
_BIN_COLUMNS = (Column("set"), Column("what"), Column("horizon"), Column("claimed"), Column("came"))
