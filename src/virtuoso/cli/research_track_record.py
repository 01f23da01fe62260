"""`virtuoso research track-record`: how well all that is served did, on months that are kept apart."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.research_plan import alert_plan_of, plan_of
from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import telling
from virtuoso.cli.terminal.tables import Cells, Table, at, show
from virtuoso.config import load
from virtuoso.model.errors import UsageError
from virtuoso.research.output.place import write_whole
from virtuoso.research.track_record.markdown import PREFACE, TITLE, counted, page, written
from virtuoso.research.track_record.sections import Column
from virtuoso.research.track_record.sets import read_sets, shipped_sets
from virtuoso.research.track_record.track import Record, record, walked_forward

_MEASURED = Column("measured", 4)


def track_record(
    directory: Annotated[Path, typer.Argument(help="Folder of the sets: ../shared/data.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The page to write, its plots beside it; none: only the gates are shown."),
    ] = None,
    served: Annotated[
        Path | None,
        typer.Option("--backtested", help="The file to write of what is served beside forecasts, as JSON."),
    ] = None,
    sets: Annotated[
        Path | None,
        typer.Option("--sets", help="TOML of your own sets, written as research/track_record/sets.toml."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option("--set", help="Name of a set; repeatable. All without.")] = None,
    config: Config = None,
    no_config: NoConfig = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Walk all that is served forward over the sets of DIRECTORY and judge it; exit code 1 if a gate fails.

    A set that is not there is left out, and the record says so.
    """
    settings = load(files_of(config, no_config), os.environ)
    specs = shipped_sets() if sets is None else read_sets(sets)
    if unknown := sorted(set(only or ()) - {spec.name for spec in specs}):
        raise UsageError(f"--set {unknown[0]}: there are {', '.join(spec.name for spec in specs)}")
    wanted = [spec for spec in specs if not only or spec.name in only]
    places = {spec.name: number for number, spec in enumerate(wanted)}
    with telling("judging") as tell:
        found = record(
            directory,
            wanted,
            plan_of(settings),
            walked_forward,
            alert_plan_of(settings),
            lambda name, share: tell((places[name] + share) / len(wanted)),
        )
    if len(found.absent) == len(wanted):
        raise UsageError(f"{directory}: none of the sets is there; {found.absent[0][0]}: {found.absent[0][1]}")
    if out is not None:
        _write(found, out)
    if served is not None:
        _keep(found, served)
    if as_json:
        typer.echo(json.dumps(found.document()))
    else:
        show(_drawn(found, out))
    if found.failed:
        raise typer.Exit(1)


def _write(found: Record, out: Path) -> None:
    images = out.parent / "images" / out.stem
    try:
        images.mkdir(parents=True, exist_ok=True)
        for section in found.sections:
            for plot in section.plots:
                write_whole(images / f"{plot.name}.svg", plot.svg.encode())
        write_whole(out, page(TITLE, PREFACE, found.sections, f"images/{out.stem}").encode())
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror or error}") from error


def _keep(found: Record, path: Path) -> None:
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(found.backtested)) + b"\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from error


def _drawn(found: Record, out: Path | None) -> Iterator[RenderableType]:
    verdicts = {True: Text("holds", "green"), False: Text("failed", "red"), None: Text("not judged", "yellow")}
    rows: list[Cells] = [
        (gate.set, gate.name, gate.wanted, written(gate.measured, _MEASURED), verdicts[gate.passed], gate.why)
        for gate in found.gates
    ]
    titles = ("set", "what", "wanted", "measured", "verdict")
    yield Table([*(at(title, n) for n, title in enumerate(titles)), at("why", 5, 1, least=20)], rows)
    for name, why in found.absent:
        yield Text(f"{name}: {why}")
    yield Text(f"\n{counted(found.gates)}")
    if out is not None:
        yield Text(f"written: {out}")
