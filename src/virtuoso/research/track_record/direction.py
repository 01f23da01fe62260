"""Judges what claims earned, and whether labels kept what they claimed."""

import numpy as np

from virtuoso.analysis.forecast.claims.cells import UP
from virtuoso.analysis.forecast.costs import GATE_COST_BP
from virtuoso.market.panel import Floats
from virtuoso.research.judging.probabilities import excess, mean_claim, rate
from virtuoso.research.sampling.claimed import LABEL_HORIZON_MIN
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table, horizon_text

_LEAST_DAYS = 20
_LOWER = -0.06
_TEXT = f"""\
A side is claimed only where that has paid: cells (side × horizon × rule) are entered at the next open, without overlap,
net of {GATE_COST_BP:g} bp, judged by the day's mean with a bound that may be looked at every day, all cells ever tried
together. Labels are those at {horizon_text(LABEL_HORIZON_MIN)}: BUY and SELL claim the probability of their side
beyond costs, HOLD that the better side would not have paid. *Apart* is what came less what was claimed."""


class Direction:
    """Gathers what was claimed, set by set."""

    def __init__(self) -> None:
        self._cells: list[tuple[Cell, ...]] = []
        self._labels: list[tuple[Cell, ...]] = []
        self._gates: list[Gate] = []
        self._paying: list[str] = []

    def add(self, measured: Measured) -> None:
        """Judge the claims and labels of one set; a set without them adds nothing."""
        if measured.claimed is None or measured.forecasts is None:
            return
        name = measured.spec.name
        for standing in measured.claimed.standings:
            cell = standing.cell
            side = "up" if cell.side == UP else "down"
            pays = "earned" if standing.pays else "not earned"
            if standing.pays:
                self._paying.append(f"{name}: {side} at {horizon_text(cell.horizon_min)}, {cell.rule}")
            self._cells.append(
                (
                    name, side, horizon_text(cell.horizon_min), cell.rule.value, standing.entries, standing.days,
                    standing.hit, standing.claimed, standing.net, standing.net_twice_cost, standing.net_lower, pays,
                )
            )  # fmt: skip
        up = measured.forecasts.beyond_up[LABEL_HORIZON_MIN].astype(np.float64)
        down = measured.forecasts.beyond_down[LABEL_HORIZON_MIN].astype(np.float64)
        outcome = measured.followed.close[LABEL_HORIZON_MIN].astype(np.float64)
        cost, better_up = GATE_COST_BP / 1e4, up >= down
        paid = np.where(better_up, outcome > cost, -outcome > cost)
        known = np.isfinite(outcome)
        for label, code, claimed, came in (
            ("BUY", 1, up, outcome > cost),
            ("SELL", -1, down, -outcome > cost),
            ("HOLD", 0, 1.0 - np.maximum(up, down), ~paid),
        ):
            happened = np.where(known, came.astype(np.float64), np.nan)
            self._judge(measured, label, claimed, happened, measured.claimed.label == code)

    def _judge(self, measured: Measured, label: str, claimed: Floats, happened: Floats, of: np.ndarray) -> None:
        used = of & np.isfinite(claimed + happened)
        blocks = measured.blocks(LABEL_HORIZON_MIN)
        apart = excess(claimed, happened, used, blocks)
        hit = rate(happened, used, blocks)
        self._labels.append((measured.spec.name, label, hit, mean_claim(claimed, used), apart))
        wanted = "holds 0, lower end > −0.06"
        what = f"{label} at {horizon_text(LABEL_HORIZON_MIN)}, came less claimed"
        if apart.days < _LEAST_DAYS:
            why = f"{apart.days} days; {_LEAST_DAYS} are needed"
            self._gates.append(Gate(name=what, set=measured.spec.name, wanted=wanted, measured=apart, why=why))
            return
        passed = apart.holds(0.0) and apart.lower is not None and apart.lower > _LOWER
        self._gates.append(Gate(name=what, set=measured.spec.name, wanted=wanted, measured=apart, passed=passed))

    def gates(self) -> list[Gate]:
        """Whether each label came as often as it claimed, set by set."""
        return self._gates

    def sections(self) -> list[Section]:
        """Show how claim cells stood and labels did, as tables, `[]` where nothing was claimed."""
        if not self._labels:
            return []
        earned = "; ".join(self._paying)
        verdict = f"Earned at the end of a set: {earned}." if earned else "No cell is earned at the end of any set."
        return [
            Section(
                "Which way: claims and labels",
                (_TEXT, verdict),
                (
                    Table("Claim cells at the end of each set", _CELL_COLUMNS, tuple(self._cells)),
                    Table("Labels", _LABEL_COLUMNS, tuple(self._labels)),
                ),
            )
        ]


_CELL_COLUMNS = (
    Column("set"),
    Column("side"),
    Column("horizon"),
    Column("rule"),
    Column("entries"),
    Column("days"),
    Column("paid %", 1, 100),
    Column("claimed %", 1, 100),
    Column("net bp", 1),
    Column("net bp at twice", 1),
    Column("lower bound, bp", 1),
    Column("verdict"),
)
_LABEL_COLUMNS = (Column("set"), Column("label"), Column("came"), Column("claimed"), Column("apart"))
