"""`virtuoso profile`: where a monitor spends its time."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
import uvloop

from virtuoso.cli.out_file import save, writable
from virtuoso.cli.terminal.configuration import Config, NoConfig, running_settings
from virtuoso.cli.terminal.progress import Tell, telling
from virtuoso.cli.terminal.tables import Cells, Table, at, show
from virtuoso.config import Settings
from virtuoso.model.clock import SystemClock
from virtuoso.model.documents import PassExplained
from virtuoso.model.errors import VirtuosoError
from virtuoso.model.text.numbers import counted
from virtuoso.operations.flame import flame_graph
from virtuoso.operations.sampling import Samples
from virtuoso.processes.profiling import Profile, profiled
from virtuoso.processes.stopping import stop_signals

app = typer.Typer(add_completion=False)

_MOST_PASSES = 500
_PLACES = 15
_STAGES = ("refresh", "analyse", "decide", "publish")


@app.command()
def profile(
    config: Config = None,
    no_config: NoConfig = False,
    cycles: Annotated[int, typer.Option(min=1, max=_MOST_PASSES, help="How many passes to watch.")] = 20,
    out: Annotated[Path, typer.Option("-o", "--out", help="Where to write the flame graph, an SVG.")] = Path(
        "profile.svg"
    ),
) -> None:
    """Run a monitor as configured for some passes, keeping nothing and notifying nobody, and say where time goes.

    Ctrl-C ends it early, and what was seen is told.
    """
    writable(out)
    settings = running_settings(config, no_config, level="error", to_file=False)
    with telling(f"watching {counted(cycles, 'cycle')}") as tell:
        found = uvloop.run(_profiled(settings, cycles, tell))
    if not found.passes:
        raise VirtuosoError("no cycle was completed: nothing can be said")
    said = (
        f"{counted(len(found.passes), 'cycle')} of {counted(found.symbols, 'symbol')} in {found.seconds:.1f} s, "
        f"{found.cpu_s / found.seconds:.1%} of a processor"
    )
    typer.echo(f"{said}\n")
    show([_stages(found.passes), "", _places(found.samples)])
    save(out, flame_graph(found.samples.busy, f"virtuoso profile: {said}"))
    typer.echo(f"\nflame graph: {out}")


async def _profiled(settings: Settings, cycles: int, tell: Tell) -> Profile:
    return await profiled(settings, SystemClock(), cycles, stop_signals(), tell)


def _stages(passes: Sequence[PassExplained]) -> Table[Cells]:
    """How long stages took, and what of them was measured apart; one that was not reached took no time."""
    whole = sum(one.took_ms for one in passes)
    took: dict[tuple[str, str], list[float]] = {}
    for one in passes:
        for stage, found in one.stages.items():
            took.setdefault((stage, ""), []).append(found.ms)
            for part, ms in found.parts.items():
                took.setdefault((stage, part), []).append(ms)
    rows: list[Cells] = [
        (
            f"  {part}" if part else stage, str(len(each)), f"{median(each):,.1f}", f"{max(each):,.1f}",
            f"{sum(each) / whole:.1%}",
        )
        for (stage, part), each in sorted(took.items(), key=lambda item: (_STAGES.index(item[0][0]), item[0][1]))
    ]  # fmt: skip
    titles = ("cycles", "median ms", "longest ms", "of all time")
    return Table([at("stage", 0), *(at(title, 1 + n, right=True) for n, title in enumerate(titles))], rows)


def _places(samples: Samples) -> Table[Cells]:
    """Where threads were seen most often."""
    rows: list[Cells] = [(f"{each.share:.1%}", each.thread, each.at) for each in samples.where(_PLACES)]
    return Table([at("seen", 0, right=True), at("thread", 1), at("in", 2)], rows)
