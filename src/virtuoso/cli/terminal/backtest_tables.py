"""The summary of a backtest as tables and a histogram of scores, for people."""

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.rule_tables import followed
from virtuoso.cli.terminal.tables import Cells, Table, at, facts, plain
from virtuoso.model.alerts.documents.performance import KindPerformance
from virtuoso.model.signal import Band
from virtuoso.model.text.numbers import counted

_SIDES = (Band.UP, Band.DOWN)


def drawn(summary: dict[str, Any]) -> Iterator[RenderableType]:
    """The summary as tables and a histogram of scores, for people."""
    period, score, bands = summary["period"], summary["score"], summary["bands"]
    yield facts({
        "period": f"{period['first_close']} to {period['last_close']}",
        "readings": f"{summary['readings']:,} of {counted(len(summary['symbols']), 'symbol')}",
        "bars": f"{summary['bars']['read']:,} read, {summary['bars']['missing']:,} missing, "
        f"{counted(summary['bars']['bad_rows_skipped'], 'bad row')} left out",
        **_apart(summary),
        "coverage": _percent(summary["coverage"]["mean"]),
        f"score ≥ {score['high']['at_least']:g}": _percent(score["high"]["share"]),
        f"score ≤ {score['low']['at_most']:g}": _percent(score["low"]["share"]),
        "time stretched up, down": ", ".join(_percent(bands["time_share"][side]) for side in _SIDES),
        "became stretched up, down": ", ".join(f"{bands['entered'][side]:,}" for side in _SIDES),
        "band changes": f"{_number(bands['changes_per_symbol_and_day'])} per symbol and day",
        "speed": f"{_number(summary['symbol_bars_per_second'], 0)} symbol-bars/s, {summary['seconds']:.1f} s",
    })  # fmt: skip
    for seam in summary["seams"]:
        yield Text(plain(seam["text"]), "yellow")
    yield Text()
    yield _factors(summary)
    yield Text()
    if "alerts" in summary:
        yield from _alerts(summary["alerts"])
        yield Text()
    peak = max((bin_["count"] for bin_ in score["histogram"]), default=0)
    for bin_ in score["histogram"]:
        if bin_["count"]:
            bar = "█" * max(1, round(40 * bin_["count"] / peak))
            yield Text(f"{bin_['from']:>4}–{bin_['to']:<3} {bar} {bin_['count']:,}")


def _apart(summary: dict[str, Any]) -> dict[str, str]:
    """What sets a run apart: bars of another length, what came before, bands that were withheld."""
    said = {}
    if summary["absent_timeframes"]:
        absent = ", ".join(summary["absent_timeframes"])
        said["timeframes"] = f"without {absent}: bars of {summary['interval']} (a reading each {summary['base']})"
    if summary["warm_up"]:
        said["warm-up"] = ", ".join(f"{past['bars']:,} bars of {past['interval']}" for past in summary["warm_up"])
    withheld = summary["withheld"]
    if withheld["readings"]:
        causes = {
            "warming_up": "warming up", "after_gap": f"after {counted(withheld['gaps']['count'], 'gap')}",
            "after_seam": "after the contract changed", "little_evidence": "too little evidence",
        }  # fmt: skip
        parts = ", ".join(f"{withheld[cause]:,} {text}" for cause, text in causes.items() if withheld[cause])
        said["without band"] = f"{_percent(withheld['readings'] / summary['readings'])}: {parts}"
    return said


def _factors(summary: dict[str, Any]) -> Table[Cells]:
    """A row a factor; of those that are absent, why."""
    known = [
        (name, f"{moments['count']:,}", _number(moments["mean"]), _number(moments["standard_deviation"]), "")
        for name, moments in summary["factors"].items()
    ]
    absent = [(name, "absent", "", "", reason) for name, reason in summary["absent_factors"].items()]
    numbers = enumerate(("readings", "mean", "deviation"), start=1)
    columns = [at("factor", 0), *(at(title, n, right=True) for n, title in numbers)]
    return Table([*columns, *([at("why absent", 4, least=24)] if absent else [])], [*known, *absent])


def _alerts(alerts: dict[str, Any]) -> Iterator[RenderableType]:
    """A row a kind of incident, and how often people would have been interrupted."""
    rows = [
        (
            kind, f"{counts['found']:,}", _number(counts["per_symbol_and_day"], 2), f"{counts['after_cooldown']:,}",
            f"{counts['at_once']:,}", f"{counts['in_group']:,}", f"{counts['in_digest']:,}",
        )
        for kind, counts in alerts["kinds"].items()
    ]  # fmt: skip
    titles = ("found", "a symbol and day", "after cooldown", "notified at once", "in a group", "in a digest")
    numbers = [at(title, n, right=True) for n, title in enumerate(titles, start=1)]
    yield Table([at("incidents", 0), *numbers], rows) if rows else Text("no incidents")
    often = alerts["interruptions_a_day"]
    yield Text(
        f"interruptions a day: median {_number(often['median'])}, 95 % of days at most "
        f"{_number(often['of_95_pct_of_days_at_most'], 0)}, most {_number(often['most'], 0)}, of {often['days']} days"
        if often["days"]
        else "interruptions a day: unknown, no day (UTC) was seen whole"
    )
    if alerts["worth"]:
        yield Text("\nwhat followed, from the delivery on", "bold")
        yield followed(msgspec.convert(list(alerts["worth"].values()), list[KindPerformance]))
    yield Text(f"assumed: {alerts['assumed']}")


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.2f} %"


def _number(value: float | None, digits: int = 1) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"
