"""`virtuoso audit`: whether anything that was said live would not be said on final data."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import told
from virtuoso.cli.terminal.tables import Cells, Table, at, show
from virtuoso.config import load
from virtuoso.model.clock import iso
from virtuoso.model.errors import UsageError
from virtuoso.model.signal import Statement
from virtuoso.model.text.numbers import counted
from virtuoso.operations import logs
from virtuoso.playback.audit import FAILING, Audit, Finding, audited
from virtuoso.playback.comparison import Aspect, Judged, Verdict, content
from virtuoso.recording.reader import read
from virtuoso.recording.records import Record
from virtuoso.wiring.monitor import monitor_parts
from virtuoso.wiring.recording import recorded_settings

app = typer.Typer(add_completion=False)

_SHOWN = 20
_VERDICTS = tuple(Verdict)


@app.command()
def audit(
    file: Annotated[Path, typer.Argument(metavar="RECORDING", help="The recording, or one of its files.")],
    config: Config = None,
    no_config: NoConfig = False,
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", "-s", help="Only what was said of this symbol; may be repeated.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare what was said live with what final data says; exit code 1 where anything changed or vanished.

    Every signal, reading and forecast of the recording is computed again, by bars as the exchange told them last.
    """
    logs.configure("error", "auto")
    settings = load(files_of(config, no_config), os.environ)

    def records(what: str) -> Iterator[Record]:
        reader = read(file)
        return told(reader, f"{file}: {what}", lambda: reader.bytes_read / max(1, reader.bytes_total))

    found = audited(records, monitor_parts(settings), recorded_settings(settings), frozenset(symbol or ()))
    if not found.statements:
        of = f" of {', '.join(symbol)}" if symbol else ""
        raise UsageError(f"{file}: it holds nothing that was said{of}: record anew, with `virtuoso record`")
    if as_json:
        typer.echo(json.dumps(_document(found)))
    else:
        show(list(_tables(found)))
    if found.repainted:
        raise typer.Exit(1)


def _document(found: Audit) -> dict[str, Any]:
    return {
        "closes": found.closes,
        "statements": found.statements,
        "bars_corrected": found.corrected,
        "repainted": found.repainted > 0,
        "counts": {
            str(aspect): {str(verdict): found.counts[aspect, verdict] for verdict in _VERDICTS} for aspect in Aspect
        },
        "causes": [
            {"verdict": str(verdict), "cause": cause, "count": count}
            for (verdict, cause), count in found.causes.most_common()
        ],
        "findings": [_finding(each) for each in found.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    judged = finding.judged
    live, final = judged.live, judged.final
    return {
        "verdict": str(judged.verdict),
        "what": str(judged.aspect),
        "symbol": judged.symbol,
        "close": iso(judged.close_ms),
        "said_at": None if live is None else iso(live.said_ms),
        "live": None if live is None else content(judged.aspect, live.statement),
        "final": None if final is None else content(judged.aspect, final),
        "cause": finding.cause,
    }


def _tables(found: Audit) -> Iterator[RenderableType]:
    corrected = counted(found.corrected, "bar")
    yield Text(
        f"{counted(found.statements, 'statement')} at {counted(found.closes, 'close')}; "
        f"the exchange said otherwise of {corrected} later"
    )
    numbers: list[Cells] = [
        (str(aspect), *(f"{found.counts[aspect, verdict]:,}" for verdict in _VERDICTS)) for aspect in Aspect
    ]
    ranks: dict[Verdict, int] = {Verdict.ADDED: 1, Verdict.UNJUDGED: 2}
    counts = [at(str(verdict), n, ranks.get(verdict, 0), right=True) for n, verdict in enumerate(_VERDICTS, 1)]
    yield Table([at("said", 0), *counts], numbers)
    causes: list[Cells] = [(str(verdict), f"{n:,}", cause) for (verdict, cause), n in found.causes.most_common()]
    if causes:
        yield Table([at("verdict", 0), at("count", 1, right=True), at("cause", 2, least=20)], causes)
    repainted = [each for each in found.findings if each.judged.verdict in FAILING]
    if not repainted:
        yield Text("nothing that was said changed or vanished")
        return
    names = {"verdict": 0, "what": 1, "symbol": 0, "close": 0, "live": 2, "final": 3}
    columns = [at(name, n, rank) for n, (name, rank) in enumerate(names.items())]
    yield Table([*columns, at("cause", len(names), least=20)], [_cells(each) for each in repainted[:_SHOWN]])
    if found.repainted > _SHOWN:
        yield Text(f"and {found.repainted - _SHOWN:,} more, of which --json lists up to a thousand")


def _cells(finding: Finding) -> Cells:
    judged: Judged = finding.judged
    live = None if judged.live is None else judged.live.statement
    close = (iso(judged.close_ms) or "").removesuffix(".000Z") + "Z"
    return (
        str(judged.verdict), str(judged.aspect), judged.symbol, close, _said(judged.aspect, live),
        _said(judged.aspect, judged.final), finding.cause,
    )  # fmt: skip


def _said(aspect: Aspect, statement: Statement | None) -> str:
    if statement is None or content(aspect, statement) is None:
        return "–"
    match aspect:
        case Aspect.SIGNAL:
            return f"{statement.label}" + ("" if statement.confidence is None else f" {statement.confidence:.1%}")
        case Aspect.READING:
            return f"{statement.score:.2f} {statement.band or 'no band'}"
        case Aspect.FORECAST:
            volatility, *_ = statement.chances
            return "forecast" if volatility is None else f"σ {volatility:.3f} %"
