"""`virtuoso backtest`: bars of files through the same factors, confluence and bands as live."""

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from virtuoso.cli.research_plan import alert_plan_of, plan_of
from virtuoso.cli.terminal.backtest_tables import drawn
from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import telling
from virtuoso.cli.terminal.tables import show
from virtuoso.config import Settings, load
from virtuoso.model.installed.extras import need
from virtuoso.research.bar_files.bars import Bars, read_bars
from virtuoso.research.bar_files.hints import Hints, columns_of, zone_of
from virtuoso.research.output.results import Results
from virtuoso.research.run import Run
from virtuoso.research.seams import Seam

if TYPE_CHECKING:
    from virtuoso.research.track_record.own import OwnPage

app = typer.Typer(add_completion=False)

SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out, as missing minutes, and count them.")]
Symbol = Annotated[
    str | None, typer.Option("--symbol", help="Symbol of files that neither hold one nor have one in their names.")
]
Columns = Annotated[
    str | None,
    typer.Option("--columns", help="Columns of a layout that is not known: time=start_at,close=last, or numbers."),
]
Zone = Annotated[str | None, typer.Option("--zone", help="Zone of times that name none: UTC, +03:00, Europe/Berlin.")]


@app.command()
def backtest(
    data: Annotated[list[Path], typer.Argument(help="Files of bars or of trades, folders of them, or patterns.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for readings, components, what followed, the summary; none: only the last."),
    ] = None,
    warm_up: Annotated[
        list[Path] | None,
        typer.Option("--warm-up", help="Bars before DATA, of 1m or longer; no readings are of them. Repeatable."),
    ] = None,
    config: Config = None,
    no_config: NoConfig = False,
    skip_bad: SkipBad = False,
    symbol: Symbol = None,
    columns: Columns = None,
    zone: Zone = None,
    components: Annotated[
        bool, typer.Option("--components/--no-components", help="Whether --out has each component of a reading.")
    ] = True,
    alerts: Annotated[
        bool, typer.Option("--alerts", help="Also find incidents in bars of 1m, through the stages of alerts.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Page to write with all that is judged of DATA, as in the track record."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Score every closed bar of DATA as it would have been scored live: nothing is seen before its close.

    DATA is of Binance Vision, public.bybit.com, CryptoDataDownload, MetaTrader, TradingView, freqtrade or Excel, or has
    the columns ts or open_time, symbol, open, high, low, close, volume, and taker_buy_volume and turnover if known.
    What it was taken for is said on standard error.
    """
    if html is not None:
        need("research", "--html")
    settings = load(files_of(config, no_config), os.environ)
    hints = _hints(symbol, columns, zone)
    with ExitStack() as stack:
        read = partial(_opened, stack, hints, skip_bad)
        past = [read([path]) for path in warm_up or ()]
        run = Run(read(data), past, plan_of(settings), alert_plan_of(settings) if alerts else None)
        results = None
        if out is not None:
            kept = Results(out, run.readings, run.outcomes, components=components, incidents=alerts)
            results = stack.enter_context(kept)
        page = None if html is None else _page(html, run)
        summary = _scored(run, settings, results, page)
    if page is not None:
        _judge(page, _name_of(data), run, summary)
    if as_json:
        typer.echo(json.dumps(summary))
        return
    show(drawn(summary))
    _tell_written(html, out, results)


def _hints(symbol: str | None, columns: str | None, zone: str | None) -> Hints:
    return Hints(
        symbol=symbol,
        columns=columns_of(columns) if columns is not None else {},
        zone=zone_of(zone) if zone is not None else None,
    )


def _opened(stack: ExitStack, hints: Hints, skip_bad: bool, paths: list[Path]) -> Bars:
    """The bars of files, until the stack is unwound."""
    with telling(f"reading {paths[0]}{' and more' if len(paths) > 1 else ''}") as tell:
        said = partial(typer.echo, err=True)
        return stack.enter_context(read_bars(paths, hints=hints, skip_bad=skip_bad, progress=tell, recognised=said))


def _page(html: Path, run: Run) -> "OwnPage":
    from virtuoso.research.track_record.own import OwnPage  # noqa: PLC0415 - needs an extra, and is slow to import

    return OwnPage(html, run.symbols, run.base, run.forecasts)


def _judge(page: "OwnPage", name: str, run: Run, summary: dict[str, Any]) -> None:
    with telling("judging") as tell, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        page.write(name, run.since_ms, summary, tell, pool)


def _tell_written(html: Path | None, out: Path | None, results: Results | None) -> None:
    if html is not None:
        typer.echo(f"\nwritten: {html}")
    if results is not None:
        typer.echo(f"\nwritten to {out}: {', '.join(results.names)}")


def _scored(run: Run, settings: Settings, results: Results | None, page: "OwnPage | None") -> dict[str, Any]:
    """Score everything, write what was asked for, and return the summary."""
    began = time.perf_counter()
    with telling("scoring") as tell:

        def seam(found: Seam) -> None:
            typer.echo(str(found), err=True)

        for share in run.score(results, seam) if page is None else run.score(results, seam, page.take):
            tell(share)
    digest = blake2b(settings.model_dump_json().encode(), digest_size=16).hexdigest()
    document = run.document(seconds=round(time.perf_counter() - began, 3), config_digest=digest)
    if results is not None:
        results.finish(document)
    return document


def _name_of(data: list[Path]) -> str:
    return data[0].name if len(data) == 1 else f"{data[0].name} and {len(data) - 1} more"
