"""`virtuoso validate`: watches a running deployment for a window, and writes the report of whether it works."""

import asyncio
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import msgspec
import typer

from virtuoso.cli.alert_test import send_all
from virtuoso.cli.out_file import writable
from virtuoso.cli.terminal.address import VARIABLE, Address, address
from virtuoso.cli.terminal.api import Token, TokenFile, Url
from virtuoso.cli.terminal.client import token_of
from virtuoso.cli.terminal.configuration import OF_THE_FOLDER, say_unused
from virtuoso.cli.terminal.progress import follow
from virtuoso.cli.validate_report import Format, without, write
from virtuoso.config import Settings, load
from virtuoso.config.keys import secret_texts
from virtuoso.model.clock import Clock
from virtuoso.model.errors import UsageError
from virtuoso.model.text.addresses import without_user
from virtuoso.model.text.duration import read
from virtuoso.model.text.failures import why_unread
from virtuoso.operations import logs
from virtuoso.operations.validate.folder import SampleWriter, read_samples
from virtuoso.operations.validate.judgement import judged
from virtuoso.operations.validate.report import Report
from virtuoso.operations.validate.sampling.plan import Plan
from virtuoso.operations.validate.sampling.progress import Progress
from virtuoso.operations.validate.sampling.window import Window
from virtuoso.processes.runtime import Runtime
from virtuoso.wiring.channels import channel_plans, make_channels

app = typer.Typer(add_completion=False)

_LONGEST_S = 7 * 86_400.0


@app.command()
def validate(
    ctx: typer.Context,
    url: Url = None,
    window: Annotated[str, typer.Option(metavar="DURATION", help="How long to watch, as in 5m, 40m, 2h.")] = "40m",
    log: Annotated[Path | None, typer.Option(help="The deployment's log file; what it gains is scanned.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="An earlier report (--format json) to hold it against.")] = None,
    samples: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Judge the raw samples of a folder, and ask nobody.")
    ] = None,
    save: Annotated[Path | None, typer.Option(metavar="DIR", help="Empty folder to keep the raw samples in.")] = None,
    form: Annotated[Format, typer.Option("--format", help="As what to write the report.")] = Format.MD,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="File to write; standard output without.")] = None,
    send_test_alert: Annotated[
        bool, typer.Option("--send-test-alert", help="Send a test message through the channels of the configuration.")
    ] = False,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            "-c", "--config", help="YAML file that the deployment was started with: address, drift, channels."
        ),
    ] = None,
    token: Token = None,
    token_file: TokenFile = None,
) -> None:
    """Watch a running deployment and write the report of whether it works; exit code 1 unless everything passed.

    Ctrl-C ends the window early: the report is written, says that it is partial, and does not pass.
    """
    earlier = None if baseline is None else _baseline(baseline)
    if out is not None:
        writable(out)
    secrets = frozenset[str]()
    if samples is not None:
        report = judged(read_samples(samples), earlier)
    else:
        found = address(url, config)
        files = config or of_the_folder(found)
        settings = load(files, os.environ) if files else None
        secrets = frozenset() if settings is None else secret_texts(settings)
        logs.configure("warning", "auto", secrets)
        if send_test_alert and settings is None:
            raise UsageError("--send-test-alert: name the configuration whose channels are meant: -c FILE")
        plan = Plan(
            url=found.url, shown=without_user(found.url), token=token_of(token, token_file) or found.token,
            seconds=_seconds(window), log=log, configured=None if settings is None else configured(settings),
            secrets=secrets,
        )  # fmt: skip
        tested = settings if send_test_alert else None
        with TemporaryDirectory(prefix="virtuoso-validate-") as own:
            folder = save or Path(own) / "samples"
            _watch(ctx.ensure_object(Runtime), plan, folder, tested)
            report = judged(read_samples(folder), earlier)
    write(without(secrets, report), form, out)
    typer.echo(f"virtuoso: {report.decision}", err=True)
    if not report.passed:
        raise typer.Exit(1)


def of_the_folder(asked: Address) -> list[Path]:
    """Choose `virtuoso.yaml` of this folder, unless it is of another deployment than the one that is asked."""
    if not OF_THE_FOLDER.is_file():
        return []
    try:
        its = address(None, [OF_THE_FOLDER], {name: value for name, value in os.environ.items() if name != VARIABLE})
    except UsageError:  # a port that only the running program knows: whose it is cannot be told
        its = None
    if its is None or _same(its.url) != _same(asked.url):
        say_unused(None)
        return []
    return [OF_THE_FOLDER]


def _same(url: str) -> str:
    return without_user(url).replace("://localhost", "://127.0.0.1")


def _seconds(window: str) -> float:
    seconds = read(window)
    if seconds is None or not 1 <= seconds <= _LONGEST_S:
        raise UsageError(f"--window {window}: must be a duration from 1s to 7d, such as 40m")
    return seconds


def _baseline(path: Path) -> Report:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"--baseline {path}: is no report of --format json: {why_unread(error)}") from error


def configured(settings: Settings) -> dict[str, Any]:
    """What the files say of what the status tells."""
    return {
        "monitoring.interval": settings.monitoring.interval,
        "universe.size": settings.universe.size,
        "exchange.name": settings.exchange.name,
        "exchange.category": settings.exchange.category,
        "exchange.address": settings.exchange.address,
        "cache.tiers": list(settings.cache.tiers),
        "identity": settings.identity,
    }


def _watch(runtime: Runtime, plan: Plan, folder: Path, tested: Settings | None) -> None:
    """Sample until the window is over or somebody stops it, and send a test message first where one is wanted."""
    clock = runtime.clock()
    window = Window(plan, SampleWriter(folder), clock, Progress(plan.seconds))
    runtime.run(_sampled(window, clock, tested))


async def _sampled(window: Window, clock: Clock, tested: Settings | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    test = None
    if tested is not None:
        test = await send_all(make_channels(channel_plans(tested.monitoring.alerts), clock), clock)
    telling = asyncio.create_task(follow(window.progress))
    try:
        await window.run(stop, test)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
