"""`virtuoso backtest`: bars of files through the same factors, confluence and bands as live."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import telling
from virtuoso.cli.terminal.tables import Cells, Table, at, facts, plain, show
from virtuoso.config import Settings, load
from virtuoso.model.signal import Band
from virtuoso.research.bar_files.bars import Bars, read_bars
from virtuoso.research.bar_files.hints import Hints, columns_of, zone_of
from virtuoso.research.detecting.played import AlertPlan
from virtuoso.research.output.results import Results
from virtuoso.research.run import Plan, Run
from virtuoso.wiring.alerting import alerting_parts
from virtuoso.wiring.detectors import fast_parameters
from virtuoso.wiring.parts import band_rule

app = typer.Typer(add_completion=False)
_SIDES = (Band.UP, Band.DOWN)


@app.command()
def backtest(
    data: Annotated[list[Path], typer.Argument(help="Files of bars or of trades, folders of them, or patterns.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for readings, their components and the summary; none: only the summary."),
    ] = None,
    warm_up: Annotated[
        list[Path] | None,
        typer.Option(
            "--warm-up", help="Bars before DATA, of 1m or longer ones; of them there are no readings. Repeatable."
        ),
    ] = None,
    config: Config = None,
    no_config: NoConfig = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave bad rows out, as missing minutes, and count them.")
    ] = False,
    symbol: Annotated[
        str | None, typer.Option("--symbol", help="Symbol of files that neither hold one nor have one in their names.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--columns", help="Columns of a layout that is not known: time=start_at,close=last, or numbers."),
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Zone of times that name none: UTC, +03:00, Europe/Berlin.")
    ] = None,
    components: Annotated[
        bool,
        typer.Option(
            "--components/--no-components", help="Whether --out has the value of each component of a reading."
        ),
    ] = True,
    alerts: Annotated[
        bool,
        typer.Option("--alerts", help="Also find incidents in bars of 1m, through the stages of alerts."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Score every closed bar of DATA as it would have been scored live: nothing is seen before its close.

    DATA is of Binance Vision, public.bybit.com, CryptoDataDownload, MetaTrader, TradingView, freqtrade or Excel, or has
    the columns ts or open_time, symbol, open, high, low, close, volume, and taker_buy_volume and turnover if known.
    What it was taken for is said on standard error.
    """
    settings = load(files_of(config, no_config), os.environ)
    hints = Hints(
        symbol=symbol,
        columns=columns_of(columns) if columns is not None else {},
        zone=zone_of(zone) if zone is not None else None,
    )
    plan = Plan(
        timeframes=settings.analysis.timeframes.weights(),
        factors=settings.analysis.factors.weights(),
        rule=band_rule(settings),
    )
    with ExitStack() as stack:

        def read(paths: list[Path]) -> Bars:
            with telling(f"reading {paths[0]}{' and more' if len(paths) > 1 else ''}") as tell:
                said = partial(typer.echo, err=True)
                return stack.enter_context(
                    read_bars(paths, hints=hints, skip_bad=skip_bad, progress=tell, recognised=said)
                )

        past = [read([path]) for path in warm_up or ()]
        run = Run(read(data), past, plan, _alert_plan(settings) if alerts else None)
        results = None
        if out is not None:
            results = Results(out, run.readings, run.outcomes, components=components, incidents=alerts)
        summary = _scored(run, settings, None if results is None else stack.enter_context(results))
    if as_json:
        typer.echo(json.dumps(summary))
        return
    show(_drawn(summary))
    if results is not None:
        typer.echo(f"\nwritten to {out}: {', '.join(results.names)}")


def _alert_plan(settings: Settings) -> AlertPlan:
    parts = alerting_parts(settings, told=False)
    return AlertPlan(
        detectors=fast_parameters(settings.monitoring.alerts),
        stages=parts.pipeline,
        usual=parts.default,
        policies=parts.policies,
    )


def _scored(run: Run, settings: Settings, results: Results | None) -> dict[str, Any]:
    """Score everything; the summary."""
    began = time.perf_counter()
    with telling("scoring") as tell:
        for share in run.score(results, lambda seam: typer.echo(str(seam), err=True)):
            tell(share)
    digest = blake2b(settings.model_dump_json().encode(), digest_size=16).hexdigest()
    document = run.document(seconds=round(time.perf_counter() - began, 3), config_digest=digest)
    if results is not None:
        results.finish(document)
    return document


def _drawn(summary: dict[str, Any]) -> Iterator[RenderableType]:
    """The summary as tables and a histogram of scores, for people."""
    period, score, bands = summary["period"], summary["score"], summary["bands"]
    yield facts({
        "period": f"{period['first_close']} to {period['last_close']}",
        "readings": f"{summary['readings']:,} of {len(summary['symbols'])} symbols",
        "bars": f"{summary['bars']['read']:,} read, {summary['bars']['missing']:,} missing, "
        f"{summary['bars']['bad_rows_skipped']:,} bad rows left out",
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
            "warming_up": "warming up", "after_gap": f"after {withheld['gaps']['count']:,} gaps",
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
            f"{counts['at_once']:,}", f"{counts['in_group']:,}",
        )
        for kind, counts in alerts["kinds"].items()
    ]  # fmt: skip
    titles = ("found", "a symbol and day", "after cooldown", "told at once", "in a group")
    numbers = [at(title, n, right=True) for n, title in enumerate(titles, start=1)]
    yield Table([at("incidents", 0), *numbers], rows)
    often = alerts["interruptions_a_day"]
    yield Text(
        f"interruptions a day: median {_number(often['median'])}, 95 % of days at most "
        f"{_number(often['of_95_pct_of_days_at_most'], 0)}, most {often['most']}, of {often['days']} days"
    )
    yield Text(f"assumed: {alerts['assumed']}")


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.2f} %"


def _number(value: float | None, digits: int = 1) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"
