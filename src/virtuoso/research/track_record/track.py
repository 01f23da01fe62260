"""Makes the record of all sets: one is read, scored, forecast and judged at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from virtuoso.model.backtested import Backtested, BacktestedSet
from virtuoso.model.clock import iso
from virtuoso.model.errors import VirtuosoError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.detecting.played import AlertPlan
from virtuoso.research.forecasting.walk import WalkForward
from virtuoso.research.judging.foreseen import HISTORY, quantiles, volatilities
from virtuoso.research.progress import share_of
from virtuoso.research.run import Plan
from virtuoso.research.sampling.sets import Forecast, Foretell, scored
from virtuoso.research.track_record.alerts import Alerts
from virtuoso.research.track_record.backtested import backtested
from virtuoso.research.track_record.chances import Chances
from virtuoso.research.track_record.cones.reach import Reach
from virtuoso.research.track_record.direction import Direction
from virtuoso.research.track_record.distances import Distances
from virtuoso.research.track_record.markdown import counted, gate_tables
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.pressure import Pressure
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table
from virtuoso.research.track_record.sets import SetSpec
from virtuoso.research.track_record.weightings import Weightings

_GATES = """\
What must hold. A gate fails where the value, or the end of its interval that is named, is on the wrong side; where too
little is known it is not judged."""


@dataclass(frozen=True, slots=True)
class Record:
    """The sections of the record, its gates, and why sets are not in it."""

    sections: tuple[Section, ...]
    gates: tuple[Gate, ...]
    absent: tuple[tuple[str, str], ...]
    backtested: Backtested
    """What is served of it beside forecasts."""

    @property
    def failed(self) -> tuple[Gate, ...]:
        """The gates that the record did not pass."""
        return tuple(gate for gate in self.gates if gate.passed is False)

    def document(self) -> dict[str, Any]:
        """Give all but the plots, with plain keys."""
        return {
            "sections": [section.document() for section in self.sections],
            "gates": [gate.document() for gate in self.gates],
            "absent": [{"set": name, "why": why} for name, why in self.absent],
        }


def record(
    directory: Path,
    specs: Sequence[SetSpec],
    plan: Plan,
    foretell: Foretell | None,
    alerts: AlertPlan | None = None,
    tell: Callable[[str, float], None] = lambda _name, _share: None,
) -> Record:
    """Judge every set of `specs` that is in the directory.

    Args:
        directory: where the files are.
        specs: the sets.
        plan: how scores are made.
        foretell: begins to forecast a set; `None` judges the scores alone.
        alerts: how incidents are found in sets of 1m; `None`: they are not.
        tell: told the set and the share of it that is done.
    """
    topics = Topics()
    absent: list[tuple[str, str]] = []
    for spec in specs:
        paths = spec.found(directory)
        if not paths:
            absent.append((spec.name, f"not in the folder: {', '.join(spec.files)}"))
            continue
        told = partial(tell, spec.name)
        try:
            found = scored(paths, plan, foretell=foretell, alerts=alerts, tell=share_of(told, 0.0, 0.7))
        except VirtuosoError as error:
            absent.append((spec.name, str(error).splitlines()[0]))
            continue
        topics.add(Measured.of(spec, found), share_of(told, 0.7, 0.3))
        del found  # before the next is read: one is in memory at a time
    opening = _opening(specs, absent)
    return (
        topics.record(opening, tuple(absent))
        if len(absent) < len(specs)
        else Record((opening,), (), tuple(absent), backtested((), ()))
    )


class Topics:
    """Gathers all that is judged, set by set; with a `pool` the rivals are fitted in a process of it meanwhile."""

    def __init__(self, pool: Executor | None = None) -> None:
        self._pool = pool
        self._pressure, self._chances, self._distances, self._reach = Pressure(), Chances(), Distances(), Reach()
        self._direction, self._alerts, self._weightings = Direction(), Alerts(), Weightings()
        self._sets: list[BacktestedSet] = []

    def add(self, measured: Measured, tell: Callable[[float], None] = lambda _: None) -> None:
        """Judge one set under every topic; `tell` is told the share that is done."""
        if measured.forecasts is not None:
            self._sets.append(_span(measured))
        followed, step_min, fitting = measured.followed, measured.step_min, None
        if measured.forecasts is not None and self._pool is not None:
            fitting = self._pool.submit(volatilities, followed, step_min)
        adding = (
            self._pressure.add, self._weightings.add, self._chances.add, self._direction.add, self._alerts.add,
        )  # fmt: skip
        for number, add in enumerate(adding, start=1):
            add(measured)
            tell(0.5 * number / len(adding))
        if measured.forecasts is not None:
            rivals = volatilities(followed, step_min, share_of(tell, 0.5, 0.5)) if fitting is None else fitting.result()
            self._distances.add(measured, {name: of for name, of in rivals.items() if name != HISTORY})
            self._reach.add(measured, {name: quantiles(followed, step_min, of) for name, of in rivals.items()})
        tell(1.0)

    def record(self, opening: Section, absent: tuple[tuple[str, str], ...] = ()) -> Record:
        """Make the record of all sets that were taken, after a section that says what they are."""
        topics = (
            self._chances, self._distances, self._reach, self._direction, self._alerts, self._pressure,
            self._weightings,
        )  # fmt: skip
        gates = tuple(gate for topic in topics[:5] for gate in topic.gates())
        judged = [Section("Gates", (_GATES, counted(gates)), gate_tables(gates))] if gates else []
        sections = tuple(section for topic in topics for section in topic.sections())
        return Record((opening, *judged, *sections), gates, absent, backtested(self._sets, sections))


def _span(measured: Measured) -> BacktestedSet:
    first_ms, last_ms = measured.close_ms[[0, -1]].tolist()
    spec = measured.spec
    return BacktestedSet(set=spec.name, title=spec.title, since=iso(first_ms) or "", until=iso(last_ms) or "")


def walked_forward(symbols: Sequence[str], base: Timeframe) -> Forecast:
    """Begin forecasts as they are served, from an empty fit on, at the gates' fixed cost."""
    return WalkForward(symbols, base).forecasts


def _opening(specs: Sequence[SetSpec], absent: Sequence[tuple[str, str]]) -> Section:
    why = dict(absent)
    rows: tuple[tuple[Cell, ...], ...] = tuple((spec.name, spec.title, why.get(spec.name, "judged")) for spec in specs)
    return Section(
        "Sets", (), (Table("What is judged", (Column("set"), Column("what it is"), Column("judged")), rows),)
    )
