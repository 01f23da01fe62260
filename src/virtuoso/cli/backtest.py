"""`virtuoso backtest`: bars of files through the same factors, confluence and labels as live."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from virtuoso.analysis.component import Feed
from virtuoso.analysis.engine import FACTORS
from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import telling
from virtuoso.cli.terminal.tables import Cells, Table, at, facts, plain, show
from virtuoso.config import Settings, load
from virtuoso.research.backtest import Backtest, fed_by_bars
from virtuoso.research.bar_files.bars import Bars, read_bars
from virtuoso.research.bar_files.hints import Hints, columns_of, zone_of
from virtuoso.research.output.results import Results
from virtuoso.research.summary import Summary
from virtuoso.wiring.parts import label_rule

app = typer.Typer(add_completion=False)


@app.command()
def backtest(
    data: Annotated[list[Path], typer.Argument(help="Files of 1m bars or of trades, folders of them, or patterns.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for the readings, what followed them, and the summary; none: only the summary."
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
    with ExitStack() as stack:
        with telling(f"reading {data[0]}{' and more' if len(data) > 1 else ''}") as tell:
            bars = stack.enter_context(
                read_bars(data, hints=hints, skip_bad=skip_bad, progress=tell, recognised=partial(typer.echo, err=True))
            )
        summary = _run(bars, settings, out, components=components)
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        show(_drawn(summary, out))


def _run(bars: Bars, settings: Settings, out: Path | None, *, components: bool) -> dict[str, Any]:
    """Score all blocks; the summary."""
    rule, frames = label_rule(settings), settings.analysis.timeframes.weights()
    enabled = settings.analysis.factors.weights()
    weights = fed_by_bars(enabled, taker_sides=bars.taker_sides)
    run = Backtest(bars.symbols, frames, weights, rule, taker_sides=bars.taker_sides)
    summary = Summary(bars.symbols, run.readings.factors, buy=rule.buy, sell=rule.sell)
    began, done, told = time.perf_counter(), 0, 0
    with nullcontext() if out is None else Results(out, run.readings, components=components) as results:
        with telling("scoring") as tell:
            for block in bars.blocks():
                for seam in bars.seams[told:]:
                    typer.echo(str(seam), err=True)
                told = len(bars.seams)
                for scored in run.score(block, bars.seams):
                    summary.add(scored)
                    if results is not None:
                        results.write(scored)
                done += block.open_ms.size
                tell(done / bars.minutes)
        document = summary.document(
            bars_read=bars.read,
            bars_missing=bars.missing,
            bad_rows_skipped=bars.skipped,
            seams=bars.seams,
            seconds=round(time.perf_counter() - began, 3),
            config_digest=blake2b(settings.model_dump_json().encode(), digest_size=16).hexdigest(),
        )
        document["absent_factors"] = {name: _why_absent(name) for name in enabled if name not in weights}
        if results is not None:
            results.finish(document)
    return document


def _why_absent(factor: str) -> str:
    return {
        Feed.TAPE: "DATA has no taker_buy_volume",
        Feed.BOOK: "DATA has no order books",
        Feed.TICKER: "DATA has no funding, account ratios or liquidations",
    }[FACTORS[factor].feed]


def _drawn(summary: dict[str, Any], out: Path | None) -> Iterator[RenderableType]:
    """The summary as tables and a histogram of scores, for people."""
    period, score, labels = summary["period"], summary["score"], summary["labels"]
    yield facts({
        "period": f"{period['first_close']} to {period['last_close']}",
        "readings": f"{summary['readings']:,} of {len(summary['symbols'])} symbols",
        "bars": f"{summary['bars']['read']:,} read, {summary['bars']['missing']:,} missing, "
        f"{summary['bars']['bad_rows_skipped']:,} bad rows left out",
        "coverage": _percent(summary["coverage"]["mean"]),
        f"score ≥ {score['high']['at_least']:g}": _percent(score["high"]["share"]),
        f"score ≤ {score['low']['at_most']:g}": _percent(score["low"]["share"]),
        "time in BUY, SELL": f"{_percent(labels['time_share']['BUY'])}, {_percent(labels['time_share']['SELL'])}",
        "entered BUY, SELL": f"{labels['entered']['BUY']:,}, {labels['entered']['SELL']:,}",
        "label changes": f"{_number(labels['changes_per_symbol_and_day'])} per symbol and day",
        "speed": f"{_number(summary['symbol_bars_per_second'], 0)} symbol-bars/s, {summary['seconds']:.1f} s",
    })  # fmt: skip
    for seam in summary["seams"]:
        yield Text(plain(seam["text"]), "yellow")
    yield Text()
    yield _factors(summary)
    yield Text()
    peak = max((bin_["count"] for bin_ in score["histogram"]), default=0)
    for bin_ in score["histogram"]:
        if bin_["count"]:
            bar = "█" * max(1, round(40 * bin_["count"] / peak))
            yield Text(f"{bin_['from']:>4}–{bin_['to']:<3} {bar} {bin_['count']:,}")
    if out is not None:
        yield Text(f"\nwritten: {out / 'signals.parquet'}, {out / 'summary.json'}")


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


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.2f} %"


def _number(value: float | None, digits: int = 1) -> str:
    return "unknown" if value is None else f"{value:,.{digits}f}"
