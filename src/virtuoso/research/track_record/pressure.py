"""Judges what the score and each of its components foretold, by ranks."""

import numpy as np

from virtuoso.analysis.forecast.costs import GATE_COST_BP
from virtuoso.analysis.quality.figures import Figure
from virtuoso.research.judging.ranks import rank_correlation
from virtuoso.research.judging.trades import Trades, judge, naive_rivals
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.plots import Interval, intervals
from virtuoso.research.track_record.sections import Cell, Column, Section, Table, horizon_text, unsure

HORIZONS = (15, 60, 240, 1440)
COMPONENT_HORIZONS = (15, 60)
_TEXT = """\
The score says how one-sided the evidence is now (*pressure*). Whether anything follows from it is asked here by the
rank correlation of the score with the return from the next bar's open (Spearman's, ranks within each symbol; also
called information coefficient). Above 0 one would follow the score, below 0 one would do the opposite."""
_ENTRIES = f"""\
What it would have made to buy where the score becomes stretched up and to sell where it becomes stretched down
(thresholds and dwell as configured), held for the horizon, entered at the sampled close that follows. *Base* is how
often the side would have hit at any time. Net of {GATE_COST_BP:g} bp, of twice that, and of the proxy of the symbol's
own cost. The naive rules enter as often."""


class Pressure:
    """Gathers what the score and its components foretold, set by set."""

    def __init__(self) -> None:
        self._score: list[tuple[Cell, ...]] = []
        self._factors: list[tuple[Cell, ...]] = []
        self._parts: list[Table] = []
        self._components: list[Table] = []
        self._entries: list[tuple[Cell, ...]] = []
        self._unsure: list[tuple[str, Figure]] = []
        self._negative = self._positive = self._cells = self._below = 0

    def add(self, measured: Measured) -> None:
        """Correlate the score, the factors and the components of one set with what followed, and enter by its bands."""
        name, readings = measured.spec.name, measured.readings
        horizons = [h for h in HORIZONS if h in measured.followed.close]
        of = {h: self._ranks(measured, readings.score, h) for h in horizons}
        self._score.append((name, *(of.get(h) for h in HORIZONS)))
        self._unsure += [(f"{name} at {horizon_text(h)}", figure) for h, figure in of.items()]
        for factor, score in readings.factors.items():
            ranks = [self._ranks(measured, score, h) if h in horizons else None for h in HORIZONS]
            self._factors.append((name, factor, *ranks))
        self._parts.append(self._parted(measured))
        self._components.append(self._of_components(measured))
        self._entries += self._followed_entries(measured)

    def sections(self) -> list[Section]:
        """Show rank correlations, and what entries made, as tables and a plot."""
        columns = tuple(Column(horizon_text(h)) for h in HORIZONS)
        cells = (
            f"Of {self._cells} cells (component × timeframe × set at 15 m and 1 h) {self._below} are below 0, "
            f"{self._negative} significantly, and {self._positive} are significantly above 0."
        )
        bars = [
            Interval(f"{row[0]} {horizon_text(h)}", cell)
            for row in self._score
            for h, cell in zip(HORIZONS, row[1:], strict=True)
            if isinstance(cell, Figure) and h in COMPONENT_HORIZONS
        ]
        plot = intervals("pressure", "Rank correlation of the score with what followed", bars)
        return [
            Section(
                "Pressure is not a direction",
                (_TEXT, unsure(self._unsure, "rank correlation of the score")),
                (
                    Table("Score", (Column("set"), *columns), tuple(self._score)),
                    Table("Factors", (Column("set"), Column("factor"), *columns), tuple(self._factors)),
                ),
                (plot,),
            ),
            Section("Pressure by symbol, hours and regime", (), tuple(self._parts)),
            Section(
                "Components",
                (cells, "Each after its modifiers, by timeframe; `unknown` where bars do not reach so far."),
                tuple(self._components),
            ),
            Section(
                "Entering where the band is crossed",
                (_ENTRIES,),
                (Table("Entries", _ENTRY_COLUMNS, tuple(self._entries)),),
            ),
        ]

    def _ranks(self, measured: Measured, score: np.ndarray, horizon: int) -> Figure:
        outcome = measured.followed.close[horizon].astype(np.float64)
        return rank_correlation(score.astype(np.float64), outcome, measured.blocks(horizon))

    def _parted(self, measured: Measured) -> Table:
        score = measured.readings.score.astype(np.float64)
        rows: list[tuple[Cell, ...]] = []
        for by, part, mask in measured.parts():
            ranks = [
                rank_correlation(score, measured.followed.close[h].astype(np.float64), measured.blocks(h), chosen=mask)
                for h in COMPONENT_HORIZONS
            ]
            rows.append((by, part, *ranks))
        columns = (Column("by"), Column("part"), *(Column(horizon_text(h)) for h in COMPONENT_HORIZONS))
        return Table(measured.spec.title, columns, tuple(rows))

    def _of_components(self, measured: Measured) -> Table:
        rows: list[tuple[Cell, ...]] = []
        readings = measured.readings
        for name, values in zip(readings.component_names, readings.components, strict=True):
            ranks = [self._ranks(measured, values, h) for h in COMPONENT_HORIZONS]
            for figure in ranks:
                if figure.value is not None:
                    self._cells += 1
                    self._below += figure.value < 0
                    self._negative += figure.negative
                    self._positive += figure.positive
            component, _, timeframe = name.partition("@")
            rows.append((component, timeframe, *ranks))
        columns = (Column("component"), Column("timeframe"), *(Column(horizon_text(h)) for h in COMPONENT_HORIZONS))
        return Table(measured.spec.title, columns, tuple(rows))

    def _followed_entries(self, measured: Measured) -> list[tuple[Cell, ...]]:
        rows: list[tuple[Cell, ...]] = []
        entered = measured.readings.entered
        for horizon in COMPONENT_HORIZONS:
            outcome = measured.followed.close[horizon].astype(np.float64)
            past = measured.followed.past[horizon].astype(np.float64)
            proxy, blocks = measured.followed.cost_bp.astype(np.float64), measured.blocks(horizon)
            rules = {
                "stretched up (BUY)": np.where(entered > 0, entered, np.int8(0)),
                "stretched down (SELL)": np.where(entered < 0, entered, np.int8(0)),
                "both": entered,
                "both, reversed": -entered,
                **{f"naive: {name}": sides for name, sides in naive_rivals(entered, past, outcome).items()},
            }
            for rule, sides in rules.items():
                at_gate, at_proxy = (judge(sides, outcome, cost, blocks) for cost in (GATE_COST_BP, proxy))
                rows.append((measured.spec.name, horizon_text(horizon), rule, *_entry_cells(at_gate, at_proxy)))
        return rows


_ENTRY_COLUMNS = (
    Column("set"),
    Column("held"),
    Column("rule"),
    Column("hit %", 1, 100),
    Column("base %", 1, 100),
    Column("gross bp", 1),
    Column("net bp", 1),
    Column("net bp at twice", 1),
    Column("net bp at the proxy", 1),
)


def _entry_cells(at_gate: Trades, at_proxy: Trades) -> tuple[Cell, ...]:
    return (
        at_gate.hit, at_gate.base_hit.value, at_gate.gross_bp, at_gate.net_bp, at_gate.net_twice_bp, at_proxy.net_bp,
    )  # fmt: skip
