"""Writes the page about a user's own file: what a backtest scored, forecast and found, judged as the record is."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from virtuoso.analysis.history import History
from virtuoso.model.errors import UsageError
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.output.place import write_whole
from virtuoso.research.sampling.sets import Forecast, SetSampler
from virtuoso.research.seams import Seam
from virtuoso.research.track_record.alerts import tables
from virtuoso.research.track_record.html import html_page
from virtuoso.research.track_record.markdown import PREFACE
from virtuoso.research.track_record.measured import Measured
from virtuoso.research.track_record.sections import Cell, Column, Section, Table
from virtuoso.research.track_record.sets import SetSpec
from virtuoso.research.track_record.track import Topics

_SET = "DATA"
_MADE = "Made by `virtuoso backtest --html`."


class OwnPage:
    """Samples a run while it is scored, and judges it at its end; memory grows by a sample every five minutes.

    Args:
        path: of the page.
        symbols: the columns of every piece.
        base: the timeframe of the readings.
        forecast: forecasts the pieces.

    Raises:
        UsageError: the folder of the page is not there.
    """

    def __init__(self, path: Path, symbols: Sequence[str], base: Timeframe, forecast: Forecast) -> None:
        if not path.parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.parent}")
        self._path = path
        self._sampler = SetSampler(symbols, base, foretell=lambda _symbols, _base: forecast)

    def take(self, history: History, seams: Sequence[Seam]) -> None:
        """Take the piece that follows; a symbol with one of `seams` at its first bar begins anew."""
        self._sampler.add(history, seams)

    def write(
        self,
        name: str,
        since_ms: int,
        summary: Mapping[str, Any],
        tell: Callable[[float], None] = lambda _: None,
        pool: Executor | None = None,
    ) -> None:
        """Judge what was taken, once, and write the page; a file that is there stays until the page is whole.

        Args:
            name: what the data is called.
            since_ms: what closed after this (epoch ms) is judged.
            summary: of the run.
            tell: told the share of the judging that is done.
            pool: where a part of the judging may go on meanwhile.

        Raises:
            UsageError: the file cannot be written.
        """
        text = self._html(name, since_ms, summary, Topics(pool), tell)
        try:
            write_whole(self._path, text.encode())
        except OSError as error:
            raise UsageError(f"{self._path}: cannot be written: {error.strerror or error}") from error

    def _html(
        self, name: str, since_ms: int, summary: Mapping[str, Any], topics: Topics, tell: Callable[[float], None]
    ) -> str:
        measured = Measured.of(SetSpec(name=_SET, title=name, files=()), self._sampler.scored(since_ms))
        topics.add(measured, tell)
        preface = "\n\n".join((_MADE, PREFACE.partition("\n\n")[2]))
        return html_page(f"Backtest of {name}", preface, topics.record(_run(summary)).sections)


def _run(summary: Mapping[str, Any]) -> Section:
    """Describe what was scored, and with `--alerts` what was found."""
    withheld, bars = summary["withheld"], summary["bars"]
    facts: dict[str, Cell] = {
        "period": f"{summary['period']['first_close']} to {summary['period']['last_close']}",
        "symbols": ", ".join(summary["symbols"]),
        "readings": int(summary["readings"]),
        "bars": f"{bars['read']:,} of {summary['interval']}, {bars['missing']:,} missing",
        "a reading each": summary["base"],
        "without a band": int(withheld["readings"]),
        **{f"without a band, {why}": int(withheld[cause]) for cause, why in withheld["why"].items()},
        **{f"without {name}": why for name, why in summary["absent_timeframes"].items()},
        **{f"without {name}": why for name, why in summary["absent_factors"].items()},
        "warm-up": ", ".join(f"{past['bars']:,} bars of {past['interval']}" for past in summary["warm_up"]) or "none",
        "configuration": summary["config_digest"],
    }
    about = Table("The run", (Column("what"), Column("value")), tuple(facts.items()))
    alerts = summary.get("alerts")
    return Section(
        "What was scored",
        () if alerts is None else (f"Of incidents: {alerts['assumed']}.",),
        (about,) if alerts is None else (about, *tables(alerts)),
    )
