"""`virtuoso rules`: check, list, diff."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import RenderableType
from rich.text import Text

from virtuoso.alerts.rules.mistakes import RulesError
from virtuoso.alerts.rules.rule import Rule, RuleSet
from virtuoso.cli.terminal import tables
from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.cli.terminal.observed_rules import RulesOnRecording
from virtuoso.cli.terminal.progress import told
from virtuoso.cli.terminal.tables import Cells, Table, at, plain
from virtuoso.config import load
from virtuoso.model.clock import iso
from virtuoso.model.text.duration import written
from virtuoso.model.text.numbers import counted
from virtuoso.operations import logs
from virtuoso.playback.rule_diff import Alert, Difference, compared
from virtuoso.recording.reader import read
from virtuoso.wiring.monitor import monitor_parts
from virtuoso.wiring.rule_files import RuleFiles, rule_files

if TYPE_CHECKING:
    from virtuoso.playback.rule_replay import RuleReplay

app = typer.Typer(add_completion=False, help="Check, list and compare your own alert rules.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_SIGNS = {"+": "green", "-": "red", "~": "yellow"}


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of rules.")],
    recording: Annotated[
        Path | None,
        typer.Option("--on", metavar="RECORDING", help="Say how often each condition was true in this recording."),
    ] = None,
    config: Config = None,
    no_config: NoConfig = False,
    as_json: AsJson = False,
) -> None:
    """Check files: one line for each mistake, exit code 1. With a configuration, the channels must be in it.

    A file that names what older rules used in another sense gets a note, which changes no exit code; `version: 2` at
    its top says that the meaning of today is meant.

    With a recording it is told how often each condition was true there, and of one that never was, why: the exit code
    stays 0, for another day may be another.
    """
    try:
        configured = files_of(config, no_config)
        rules = _read(files, configured)
    except RulesError as error:
        if as_json:
            mistakes = [asdict(mistake) for mistake in error.mistakes]
            typer.echo(json.dumps({"ok": False, "mistakes": mistakes, "notes": error.notes}))
        else:
            typer.echo("\n".join((str(error), *error.notes)))
        raise typer.Exit(1) from None
    found = None if recording is None else _observed(rules, recording, configured)
    if as_json:
        observed = {} if found is None else {"on": str(recording), "observed": found.document()}
        names = [rule.name for rule in rules.rules]
        typer.echo(json.dumps({"ok": True, "rules": names, "notes": rules.notes, **observed}))
        return
    typer.echo(f"ok: {counted(len(rules.rules), 'rule')} in {', '.join(map(str, files))}")
    for line in rules.notes:
        typer.echo(line)
    for line in () if found is None else found.lines():
        typer.echo(line)


@app.command("list")
def list_(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE…]", help="Files of rules (default: those of the configuration)."),
    ] = None,
    config: Config = None,
    no_config: NoConfig = False,
    as_json: AsJson = False,
) -> None:
    """List the rules with their defaults filled in."""
    rules = _read(files, files_of(config, no_config))
    rows = [_row(rule) for rule in rules.rules]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        typer.echo("no rules: name files here, or in monitoring.alerts.rules of the configuration")
        return
    columns = (
        at("rule", 0), at("severity", 1), at("for", 2, 1), at("cooldown", 3, 2), at("rearm", 4, 3),
        at("channels", 5, 4), at("when", 6, least=30),
    )  # fmt: skip
    tables.show([Table(columns, map(_listed, rows))])


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="Rules as they are.")],
    new: Annotated[Path, typer.Argument(help="Rules as they would be.")],
    recording: Annotated[
        Path, typer.Option("--on", metavar="RECORDING", help="A recording that `virtuoso record` made.")
    ],
    config: Config = None,
    no_config: NoConfig = False,
    as_json: AsJson = False,
) -> None:
    """Play a recording once and tell which alerts would appear, vanish or move in time, and the messages they make."""
    configured = files_of(config, no_config)
    rules = _read([old], configured), _read([new], configured)
    player = _player(configured)
    before, after = map(player.judged, rules)
    _play(player, recording)
    found = compared(before, after)
    if as_json:
        typer.echo(json.dumps(_document(found), indent=2))
    else:
        show(found)


def _observed(rules: RuleSet, recording: Path, config: list[Path]) -> RulesOnRecording:
    """Play a recording once, and see how often the conditions of rules are true in it, and which alerts they make."""
    player = _player(config)
    observed, judged = player.observed(rules), player.judged(rules)
    _play(player, recording)
    judged.finish()
    alerts = Counter(alert.rule for alert in judged.alerts())
    return RulesOnRecording(observed.observations(), alerts, player.span_s, len(player.symbols))


def _player(config: list[Path]) -> "RuleReplay":
    from virtuoso.playback.rule_replay import RuleReplay  # noqa: PLC0415 - slow to import, and only needed here

    return RuleReplay(monitor_parts(load(config, os.environ)))


def _play(player: "RuleReplay", recording: Path) -> None:
    reader = read(recording)
    records = told(reader, f"replaying {recording}", lambda: reader.bytes_read / max(1, reader.bytes_total))
    logs.configure("warning", "auto")
    asyncio.run(player.play(records))


def _read(files: list[Path] | None, config: list[Path]) -> RuleSet:
    """The files, or those of the configuration; checked against it where there is one."""
    if files and not config:
        return RuleFiles(tuple(files)).read()
    return rule_files(load(config, os.environ), files or None).read()


def _row(rule: Rule) -> dict[str, Any]:
    """One rule; durations in seconds."""
    policy = rule.policy
    escalate_ms = policy.escalate_after_ms
    return {
        "name": rule.name,
        "place": rule.place,
        "enabled": policy.enabled,
        "severity": str(rule.severity),
        "when": rule.when.text,
        "each_symbol": rule.per_symbol,
        "for": policy.hold_ms / 1_000,
        "cooldown": policy.cooldown_ms / 1_000,
        "rearm": policy.rearm_ms / 1_000,
        "expire": rule.expire_ms / 1_000,
        "value": rule.value.text if rule.value else None,
        "change": policy.change,
        "escalate_after": None if escalate_ms is None else escalate_ms / 1_000,
        "labels": dict(rule.labels),
        "channels": None if policy.channels is None else list(policy.channels),
    }


def _document(found: Difference) -> dict[str, Any]:
    return {
        "appear": [_alert(alert) for alert in found.appear],
        "vanish": [_alert(alert) for alert in found.vanish],
        "moved": [
            _alert(new) | {"before": iso(old.fired_ms), "seconds": (new.fired_ms - old.fired_ms) / 1_000}
            for old, new in found.moved
        ],
        "same": found.same,
        "messages": {channel: {"old": o, "new": n} for channel, (o, n) in found.messages.items()},
        "unjudged": list(found.unjudged),
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {"rule": alert.rule, "symbol": alert.symbol, "at": iso(alert.fired_ms), "message": alert.message}


def _listed(row: dict[str, Any]) -> Cells:
    times = (written(row[key]) for key in ("for", "cooldown", "rearm"))
    channels = "as routed" if row["channels"] is None else ", ".join(row["channels"])
    return row["name"], row["severity"] if row["enabled"] else "disabled", *times, channels, row["when"]


def show(found: Difference) -> None:
    """Print as tables which alerts other rules would add, drop or move."""
    tables.show(_drawn(found))


def _drawn(found: Difference) -> Iterator[RenderableType]:
    counts = (len(found.appear), len(found.vanish), len(found.moved), found.same)
    yield Text("alerts: {} appear, {} vanish, {} move, {} stay".format(*counts))
    changes = [*_changes("+", found.appear), *_changes("-", found.vanish), *map(_move, found.moved)]
    if changes:
        columns = [at(title, n) for n, title in enumerate(("", "rule", "symbol", "at"))]
        yield Table([*columns, at("message", 4, least=24)], changes)
    counted = [(channel, str(before), str(after)) for channel, (before, after) in found.messages.items()]
    yield Table([at("channel", 0), at("messages before", 1, right=True), at("after", 2, right=True)], counted)
    if found.unjudged:
        yield Text(f"not judged, for a recording does not hold values of the system: {', '.join(found.unjudged)}")


def _changes(sign: str, alerts: Iterable[Alert]) -> Iterator[Cells]:
    for alert in alerts:
        yield _coloured(sign, alert, alert.message)


def _move(moved: tuple[Alert, Alert]) -> Cells:
    old, new = moved
    ms = new.fired_ms - old.fired_ms
    return _coloured("~", new, f"{written(abs(ms), 'ms')} {'later' if ms > 0 else 'earlier'}")


def _coloured(sign: str, alert: Alert, said: str) -> Cells:
    cells = (sign, alert.rule, alert.symbol or "", iso(alert.fired_ms) or "", said)
    return tuple(Text(plain(cell), _SIGNS[sign]) for cell in cells)
