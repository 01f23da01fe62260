"""`virtuoso research weights`: whether other weights of the components would have paid."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from virtuoso.analysis.forecast.costs import GATE_COST_BP
from virtuoso.cli.research_plan import plan_of
from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.progress import telling
from virtuoso.cli.terminal.tables import Cells, Table, at, plain, show
from virtuoso.config import load
from virtuoso.research.weighing.trials import TrialLog
from virtuoso.research.weighing.weighing import weigh


def weights(
    data: Annotated[
        list[Path],
        typer.Argument(help="Sets of 1m bars, each a file, a folder or a pattern; each is judged apart too."),
    ],
    config: Config = None,
    no_config: NoConfig = False,
    cost_bp: Annotated[
        float, typer.Option("--cost-bp", min=0, help="Cost of a round trip in basis points; judged at twice it too.")
    ] = GATE_COST_BP,
    log: Annotated[
        Path | None, typer.Option("--log", help="File of all trials ever made, which count; this run's are added.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Try other weights of the components, walked forward and net of costs; choose only what chance does not explain.

    Equal, configured (and reversed), ridge and logistic with free signs, weights by shrunk information coefficients,
    momentum and reversal, each at 15 minutes, an hour and four hours. An entry is made where a signal is stronger than
    nine tenths of the symbol's own past seven days; the best of all trials is tested as the best of so many.
    """
    settings = load(files_of(config, no_config), os.environ)
    sets = [(path.name, path) for path in data]
    places = {name: number for number, (name, _) in enumerate(sets)}
    with telling("weighing") as tell:
        document = weigh(
            sets,
            plan_of(settings),
            cost_bp,
            TrialLog(log),
            lambda name, share: tell((places[name] + share) / len(sets)),
        )
    if as_json:
        typer.echo(json.dumps(document))
    else:
        show(_drawn(document))


def _drawn(document: dict[str, Any]) -> Iterator[RenderableType]:
    for name, found in document["sets"].items():
        yield Text(f"{plain(name)}: {len(found['symbols'])} symbols", "bold")
        rows = [_row(trial) for trial in found["trials"]]
        titles = ("information", "entries", "hit %", "gross bp", "net bp", "net bp at twice", "net bp at the proxy")
        yield Table([at("trial", 0), *(at(title, n, right=True) for n, title in enumerate(titles, 1))], rows)
        yield Text()
    choice = document["choice"]
    yield Text("All sets together, basis points a symbol and day", "bold")
    pooled = sorted(choice["pooled"], key=lambda each: -(each["net_bp_a_day"]["value"] or 0.0))
    yield Table(
        [at("trial", 0), at("net", 1, right=True), at("over configured", 2, right=True), at("loses on", 3, least=20)],
        [
            (
                each["name"],
                _figure(each["net_bp_a_day"], 2),
                _figure(each["over_configured_bp_a_day"], 2),
                ", ".join(each["loses_on"]),
            )
            for each in pooled
        ],
    )
    yield Text()
    yield Text(f"winner: {choice['winner'] or 'none'}: {plain(choice['reason'])}")
    yield Text(
        f"of {choice['trials']} trials none is better than not trading: p = {_p(choice['p_paid'])}; "
        f"none better than the configured weights at an hour: p = {_p(choice['p_configured'])} (Hansen's SPA)"
    )


def _row(trial: dict[str, Any]) -> Cells:
    return (
        trial["name"],
        _figure(trial["information"], 3),
        f"{trial['entries']:,}",
        _figure(trial["hit"], 1, 100),
        _figure(trial["gross_bp"], 1),
        _figure(trial["net_bp"], 1),
        _figure(trial["net_twice_bp"], 1),
        _figure(trial["at_proxy_cost"]["net_bp"], 1),
    )


def _figure(figure: dict[str, Any], digits: int, unit: float = 1.0) -> str:
    """Write a figure with its interval: `0.12 [0.08, 0.16]`; `unknown` where it is."""
    if figure["value"] is None:
        return "unknown"
    value = f"{unit * figure['value']:.{digits}f}"
    if figure["lower"] is None:
        return value
    return f"{value} [{unit * figure['lower']:.{digits}f}, {unit * figure['upper']:.{digits}f}]"


def _p(p: float | None) -> str:
    return "unknown" if p is None else f"{p:.3f}"
