"""`virtuoso recordings`: what recordings there are, and parts of them taken out."""

import fcntl
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import told
from virtuoso.cli.terminal.tables import Cells, Table, at, show
from virtuoso.cli.terminal.times import epoch_ms
from virtuoso.config import load
from virtuoso.model.clock import SystemClock, iso
from virtuoso.model.errors import UsageError
from virtuoso.model.text.bytes import size_text
from virtuoso.model.text.duration import written
from virtuoso.model.text.numbers import counted
from virtuoso.processes.recordings.export import export_to
from virtuoso.recording.files import to_read
from virtuoso.recording.keeping import Keep, over, remove, size_of
from virtuoso.recording.reader import is_closed, summary_of
from virtuoso.recording.summary import joined
from virtuoso.wiring.recording import keep_of

app = typer.Typer(add_completion=False, no_args_is_help=True, help="List recordings, and take parts out of them.")

_NS = 1_000_000_000
_DAY_S = 86_400
_GB = 1_000_000_000

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Recording = Annotated[Path, typer.Argument(metavar="RECORDING", help="The recording, or one of its files.")]


@app.command(name="list")
def list_(
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PLACE]…", help="Folders or recordings (default: the current folder)."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say of each recording how large it is, what it spans and holds, and whether it was closed."""
    rows = [_row(path) for place in places or [Path()] for path in _recordings(place)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        typer.echo("there is no recording; `virtuoso record NAME` makes one")
        return
    cells: list[Cells] = [
        (
            row["name"], str(row["files"]), size_text(row["bytes"]), row["from"] or "–", _spanned(row["seconds"]),
            str(len(row["symbols"])), "–" if row["bytes_per_day"] is None else size_text(row["bytes_per_day"]),
            row["state"],
        )
        for row in rows
    ]  # fmt: skip
    titles = ("recording", "files", "size", "from", "span", "symbols", "a day", "state")
    right = {"files", "size", "span", "symbols", "a day"}
    ranks = {"files": 3, "symbols": 2, "a day": 1}
    show([Table([at(t, n, ranks.get(t, 0), right=t in right) for n, t in enumerate(titles)], cells)])


def _spanned(seconds: float | None) -> str:
    return "–" if seconds is None else written(round(seconds))


def _recordings(place: Path) -> list[Path]:
    """The recordings in a folder, or the one that is named."""
    if not place.is_dir():
        return [place]
    names = {file.name.rsplit(".", 3)[0] for file in place.glob("*.[0-9][0-9][0-9][0-9]*.vrec.zst")}
    return [place / name for name in sorted(names)]


def _row(path: Path) -> dict[str, Any]:
    """What is said of a recording; what cannot be known is `None`."""
    files = to_read(path)
    holds = joined(summary_of(file) for file in told(files, f"reading {path}", lambda: 0.0))
    size = sum(size_of(file) for file in files)
    seconds = (holds.last_ns - holds.first_ns) / _NS if holds.last_ns else None
    torn = [file.name for file in files if not is_closed(file)]
    state = "closed" if not torn else "being written" if _is_written(files[-1]) else f"torn: {', '.join(torn)}"
    return {
        "name": str(path), "files": len(files), "bytes": size,
        "from": iso(holds.first_ns // 1_000_000) if holds.first_ns else None,
        "to": iso(holds.last_ns // 1_000_000) if holds.last_ns else None,
        "seconds": seconds, "records": holds.records, "frames": holds.frames, "symbols": holds.symbols,
        "bytes_per_day": round(size / seconds * _DAY_S) if seconds else None, "state": state, "torn": torn,
    }  # fmt: skip


def _is_written(file: Path) -> bool:
    with file.open("rb") as last:
        try:
            fcntl.flock(last, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@app.command()
def trim(
    recording: Recording,
    total_gb: Annotated[float | None, typer.Option(min=0.001, help="Gigabytes that stay, at most.")] = None,
    keep_days: Annotated[float | None, typer.Option(min=0.001, help="Days that stay, at most.")] = None,
    keep: Annotated[int | None, typer.Option(min=1, help="Files that stay, at most.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which would go.")] = False,
    config: Config = None,
    no_config: NoConfig = False,
    as_json: Json = False,
) -> None:
    """Remove the oldest files of a recording; unless told, by the bounds of the configuration's `recording`."""
    to_read(recording)
    if total_gb is None and keep_days is None and keep is None:
        bounds = keep_of(load(files_of(config, no_config), os.environ))
    else:
        age_s = None if keep_days is None else keep_days * _DAY_S
        bounds = Keep(keep, None if total_gb is None else int(total_gb * _GB), None, age_s)
    going = over(recording, bounds, SystemClock().now_ns())
    sizes = [size_of(file) for file, _ in going]
    if not dry_run:
        for file, _ in going:
            remove(file)
    if as_json:
        rows = [{"file": str(f), "bytes": s, "reason": r} for (f, r), s in zip(going, sizes, strict=True)]
        typer.echo(json.dumps({"removed": not dry_run, "files": rows}, indent=2))
        return
    for file, reason in going:
        typer.echo(f"{file}: {reason}")
    would = "would go" if dry_run else "removed"
    typer.echo(f"{counted(len(going), 'file')} {would}, {size_text(sum(sizes))}")


@app.command()
def export(
    recording: Recording,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A name ending in .jsonl, or the name of a recording.")],
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="ISO 8601 or epoch ms (default: its start).")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="ISO 8601 or epoch ms (default: its end).")
    ] = None,
    symbols: Annotated[
        str | None, typer.Option("--symbols", metavar="A,B,…", help="Only what is about these symbols.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write a span or some symbols of a recording to another one, which can be replayed, or to JSON lines."""
    wanted = None if symbols is None else frozenset(filter(None, symbols.upper().split(",")))
    from_ns = None if from_ is None else epoch_ms("--from", from_) * 1_000_000
    to_ns = None if to is None else epoch_ms("--to", to) * 1_000_000
    if from_ns is not None and to_ns is not None and to_ns <= from_ns:
        raise UsageError("--to must be later than --from")
    found = export_to(recording, out, from_ns, to_ns, wanted, told)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        show([Text(f"{counted(found['records'], 'record')} of {recording} written to {found['out']}")])
