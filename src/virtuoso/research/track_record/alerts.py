"""Judges whether alerts were worth an interruption: how often they came, and what followed them."""

from collections.abc import Iterator, Mapping
from typing import Any

from virtuoso.analysis.quality.figures import Figure
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.sections import Cell, Column, Gate, Section, Table, horizon_text

MOST_SUDDEN, TYPICAL, MOST = 0.6, 4.0, 10.0
"""Of sudden moves a symbol and day, and of interruptions on the median day and on 95 % of the days."""
_TEXT = """\
Minutes go through the detectors that they can drive and through the stages of alerts, with the shipped settings; {}.
An outcome begins at the *delivery*: entry at the next minute's open, the 95 % band of the last close before the
incident. *Lift* is how often the price was outside it at the horizon, over how often it was after minutes of equal
forecast volatility and hour (1: no better than any minute), *precision* the share of the incidents, *base* that of the
equal minutes, *lead* the median time until the band was left first, where it was, *remained* the share of the whole
move that came after the delivery. Intervals are over days; below 20 incidents or 5 days nothing is said. Kinds are
chosen to interrupt by what they were worth on the days before."""


class Alerts:
    """Gathers what came of alerts, set by set."""

    def __init__(self) -> None:
        self._found: list[tuple[str, Mapping[str, Any]]] = []
        self._gates: list[Gate] = []

    def add(self, measured: Measured) -> None:
        """Judge the alerts of one set; a set without them adds nothing."""
        if measured.alerts is None:
            return
        name = measured.spec.name
        self._found.append((name, measured.alerts))
        sudden = measured.alerts["kinds"].get("sudden_move", {}).get("per_symbol_and_day", 0.0)
        often = measured.alerts["interruptions_a_day"]
        for what, value, most in (
            ("sudden moves a symbol and day", sudden if measured.alerts["symbol_days"] else None, MOST_SUDDEN),
            ("interruptions on the median day", often["median"], TYPICAL),
            ("interruptions on 95 % of the days", often["of_95_pct_of_days_at_most"], MOST),
        ):
            wanted = f"≤ {most:g}"
            if value is None:
                self._gates.append(Gate(name=what, set=name, wanted=wanted, why="no day was judged"))
            else:
                self._gates.append(Gate(name=what, set=name, wanted=wanted, measured=value, passed=value <= most))

    def gates(self) -> list[Gate]:
        """Whether alerts came as seldom as they should, set by set."""
        return self._gates

    def sections(self) -> list[Section]:
        """Show how often alerts came and what followed, as tables, `[]` where none were looked for."""
        if not self._found:
            return []
        text = _TEXT.format(self._found[0][1]["assumed"])
        return [Section("Alerts", (text, _verdict(self._found)), tuple(_tables(self._found)))]


def tables(document: Mapping[str, Any]) -> Iterator[Table]:
    """Show how often alerts of one run came, and what followed."""
    for table in _tables([("", document)]):
        yield Table(table.title, table.columns[1:], tuple(row[1:] for row in table.rows))


def _tables(found: list[tuple[str, Mapping[str, Any]]]) -> Iterator[Table]:
    interruptions = tuple(
        (name, often["median"], often["of_95_pct_of_days_at_most"], often["most"], often["days"])
        for name, document in found
        for often in (document["interruptions_a_day"],)
    )
    yield Table("Interruptions a day", _INTERRUPTIONS, interruptions)
    incidents = tuple(
        (name, kind, *(counts[of] for of in _COUNTED))
        for name, document in found
        for kind, counts in document["kinds"].items()
    )
    yield Table("Incidents", _INCIDENTS, incidents)
    yield Table("What followed", _FOLLOWED, tuple(row for name, document in found for row in _followed(name, document)))


def _followed(name: str, document: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for kind, worth in document["worth"].items():
        for over in worth["horizons"]:
            yield (
                name, kind, horizon_text(over["horizon_min"]), _figure(over["lift"], over["days"]),
                _figure(over["precision"], over["days"]), over["base"], _figure(over["lead_s"], over["days"]),
                _figure(over["remained"], over["days"]), worth["interruptions"],
            )  # fmt: skip


def _figure(of: Mapping[str, Any], days: int) -> Figure:
    return Figure(value=of["value"], lower=of["low"], upper=of["high"], n=of["n"], days=days)


def _verdict(found: list[tuple[str, Mapping[str, Any]]]) -> str:
    """Say in plain words which kinds were worth more than any minute, and which cannot be told from it."""
    better, alike, less = list[str](), list[str](), list[str]()
    for name, document in found:
        for _, kind, horizon, lift, *_ in _followed(name, document):
            if isinstance(lift, Figure) and lift.lower is not None and lift.upper is not None:
                where = better if lift.lower > 1.0 else less if lift.upper < 1.0 else alike
                where.append(f"{kind} at {horizon} ({name})")
    said = (
        (better, "More often than after equal minutes a move followed"),
        (less, "Less often"),
        (alike, "Not significant (the interval holds 1)"),
    )
    return " ".join(f"{what}: {', '.join(names)}." for names, what in said if names)


_COUNTED = ("found", "per_symbol_and_day", "after_cooldown", "at_once", "in_group", "in_digest", "untold")
_INTERRUPTIONS = (
    Column("set"), Column("median", 1), Column("95 % of days at most", 1), Column("most"), Column("days"),
)  # fmt: skip
_INCIDENTS = (
    Column("set"), Column("kind"), Column("found"), Column("a symbol and day", 2), Column("after cooldown"),
    Column("notified at once"), Column("in a group"), Column("in a digest"), Column("not at all"),
)  # fmt: skip
_FOLLOWED = (
    Column("set"), Column("kind"), Column("within"), Column("lift", 2), Column("precision %", 1, 100),
    Column("base %", 1, 100), Column("lead, min", 1, 1 / 60), Column("remained %", 0, 100), Column("interruptions"),
)  # fmt: skip
