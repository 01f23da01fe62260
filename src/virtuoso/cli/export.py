"""`virtuoso export`: what was recorded, as Parquet or CSV."""

import asyncio
import difflib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import telling
from virtuoso.config import load
from virtuoso.model.clock import SystemClock, iso
from virtuoso.model.errors import UsageError
from virtuoso.model.installed.extras import need
from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.timeseries.archive import export as write
from virtuoso.storage.timeseries.embedded.partitions import kinds_of
from virtuoso.storage.timeseries.embedded.reader import EmbeddedReader
from virtuoso.storage.timeseries.schema import BARS, MEASUREMENTS, Measurement
from virtuoso.wiring.folders import series_folder

app = typer.Typer(add_completion=False)


@app.command()
def export(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=f"One of {', '.join(MEASUREMENTS)}.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file: .parquet or .csv.")],
    symbol: Annotated[list[str] | None, typer.Option("--symbol", help="Repeatable (default: all).")] = None,
    timeframe: Annotated[Timeframe, typer.Option("--timeframe", help="Timeframe of the bars.")] = Timeframe.M1,
    since: Annotated[
        str | None, typer.Option("--from", help="Day or instant, UTC (default: the first recorded).")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Day or instant, UTC, not included (default: now).")] = None,
    config: Config = None,
    no_config: NoConfig = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write what the store keeps to a file; bars of 1m in the form that `virtuoso backtest` reads."""
    settings = load(files_of(config, no_config), os.environ)
    measurement = _measurement(what)
    first_ms, end_ms = _instant("--from", since), _instant("--to", until)
    _check(out, force)
    folder = series_folder(settings)
    summary = asyncio.run(_export(folder, measurement, symbol, timeframe.value, first_ms, end_ms, out))
    summary["bytes"] = out.stat().st_size
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        typer.echo(f"written: {out}, {summary['rows']:,} rows, {summary['bytes']:,} bytes")


async def _export(
    folder: Path, measurement: Measurement, symbols: list[str] | None, timeframe: str, first_ms: int | None,
    end_ms: int | None, out: Path,
) -> dict[str, Any]:  # fmt: skip
    reader = EmbeddedReader(folder)
    try:
        covered = await reader.span_ms(measurement, timeframe)
        if covered is None:
            raise UsageError(f"{folder}: nothing is recorded there yet; start `virtuoso up`, or name its -c file")
        first_ms = covered[0] if first_ms is None else max(first_ms, covered[0])
        end_ms = SystemClock().now_ns() // 1_000_000 + 1 if end_ms is None else end_ms
        end_ms = min(end_ms, covered[1])
        if first_ms >= end_ms:
            raise UsageError(f"nothing is recorded in that time; there is {iso(covered[0])} to {iso(covered[1])}")
        tags = await _tags(reader, measurement, symbols, timeframe)
        (kind,) = kinds_of(measurement, [timeframe])
        with telling(f"exporting {measurement.name}") as tell:
            rows = await write(
                reader, measurement, first_ms, end_ms - 1, tags, out, step_ms=kind.span_ms, progress=tell
            )
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror or error}") from error
    finally:
        await reader.close()
    if not rows:
        raise UsageError(f"no {measurement.name} from {iso(first_ms)} to {iso(end_ms)}; nothing was written")
    return {
        "file": str(out), "rows": rows, "from": iso(first_ms), "to": iso(end_ms),
        "symbols": len(tags.get("symbol", ())),
    }  # fmt: skip


async def _tags(
    reader: EmbeddedReader, measurement: Measurement, symbols: list[str] | None, timeframe: str
) -> dict[str, list[str]]:
    """Which series: the symbols asked for, or all, each by name so that few are held at once."""
    if "symbol" not in measurement.tags:
        if symbols:
            raise UsageError(f"--symbol: {measurement.name} are of no symbol; leave it out")
        return {}
    series = await reader.series(measurement)
    known = sorted({tags[0] for tags in series if measurement is not BARS or tags[1] == timeframe})
    for name in symbols or ():
        if name not in known:
            near = difflib.get_close_matches(name.upper(), known, n=3) or known[:3]
            hint = f"nearest are {', '.join(near)}" if near else f"there are no {timeframe} bars at all"
            raise UsageError(f"--symbol {name}: no {measurement.name} of it are recorded; {hint}")
    tags = {"symbol": list(dict.fromkeys(symbols or known))}
    return tags | {"timeframe": [timeframe]} if measurement is BARS else tags


def _measurement(name: str) -> Measurement:
    if name not in MEASUREMENTS:
        near = difflib.get_close_matches(name, MEASUREMENTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(MEASUREMENTS)}"
        raise UsageError(f"{name}: nothing of that name is recorded; {hint}")
    return MEASUREMENTS[name]


def _instant(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text}: is no time; write 2026-05-04 or 2026-05-04T15:37:00Z") from None
    return int(instant.replace(tzinfo=instant.tzinfo or UTC).timestamp() * 1000)


def _check(out: Path, force: bool) -> None:
    if out.suffix not in {".parquet", ".csv"}:
        raise UsageError(f"--out {out}: the name must end in .parquet or .csv")
    if out.suffix == ".parquet":
        need("parquet", f"--out {out}")
    if out.is_dir() or not out.parent.is_dir():
        raise UsageError(f"--out {out}: {'is a folder' if out.is_dir() else f'there is no folder {out.parent}'}")
    if out.exists() and not force:
        raise UsageError(f"--out {out}: is there already; choose another name, or --force to replace it")
