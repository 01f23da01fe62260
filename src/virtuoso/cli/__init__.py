"""The command `virtuoso`: one file a command group, imported only when it is called."""

import os
import select
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.model.installed.extras import need
from virtuoso.processes.loading import load

_COMMANDS: Final = {
    "up": ("virtuoso.cli.up", "Watch the configured exchange, and serve the API and the dashboard."),
    "monitor": ("virtuoso.cli.monitor", "Watch the configured exchange and publish to the shared cache."),
    "web": ("virtuoso.cli.web", "Serve the API and the dashboard from the shared cache."),
    "demo": ("virtuoso.cli.demo", "Run everything on the bundled history, without configuration or network."),
    "exchange": ("virtuoso.cli.exchange", "Serve the embedded exchange (Bybit v5 public data)."),
    "record": ("virtuoso.cli.record", "Keep what goes over the exchange's wire, byte for byte."),
    "recordings": ("virtuoso.cli.recordings", "List recordings, trim them, and take parts out of them."),
    "replay": ("virtuoso.cli.replay", "Play a recording through the same code as live data."),
    "audit": ("virtuoso.cli.audit", "Compare what was said live with what final data says: nothing may repaint."),
    "backtest": ("virtuoso.cli.backtest", "Score bars of files as they would have been scored live."),
    "research": ("virtuoso.cli.research", "Judge weights and forecasts on files of bars, net of costs."),
    "export": ("virtuoso.cli.export", "Write what the store keeps to a Parquet or CSV file."),
    "analyze": ("virtuoso.cli.analyze", "Ask the exchange once about one symbol: its score, and every reason for it."),
    "top": ("virtuoso.cli.top", "Follow the strongest signals of a running Virtuoso."),
    "universe": ("virtuoso.cli.universe", "Show which symbols are watched, and why the others are not."),
    "rules": ("virtuoso.cli.rules", "Check, list and compare your own alert rules."),
    "alerts": (
        "virtuoso.cli.alerts",
        "List alerts, say why people were notified or not, acknowledge and silence them.",
    ),
    "signals": ("virtuoso.cli.signals", "Show one signal of a running Virtuoso, to be shared, or how good all were."),
    "doctor": ("virtuoso.cli.doctor", "Examine all that a running Virtuoso depends on, and say what mends it."),
    "profile": ("virtuoso.cli.profile", "Run a monitor for some cycles, and say where its time goes."),
    "backup": ("virtuoso.cli.backup", "Copy what is kept, while everything runs."),
    "restore": ("virtuoso.cli.restore", "Put a backup into an empty data folder."),
    "validate": (
        "virtuoso.cli.validate",
        "Watch a running Virtuoso for a while, and write the report of whether it works.",
    ),
    "config": ("virtuoso.cli.config", "Write, show and check the configuration."),
}
_EXTRAS: Final = {
    "backtest": {"parquet": " (files of CSV too)"},
    "research": {"parquet": " (files of CSV too)", "research": ""},
}
"""Commands that cannot even be loaded without some extras, and what each is for beyond its name."""


_SIGPIPE: Final = 141
"""What a shell gives a program that a closed pipe ended (128 + SIGPIPE)."""


class _Lazy(TyperGroup):
    """Knows its commands by name and one line; their modules are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        module, line = _COMMANDS[cmd_name]
        if "--help" in sys.argv[1:2] or "-h" in sys.argv[1:2]:
            return TyperGroup(name=cmd_name, help=line)  # the list of commands needs no imports
        for extra, beyond in _EXTRAS.get(cmd_name, {}).items():
            need(extra, f"virtuoso {cmd_name}{beyond}")
        command = typer.main.get_command(load(module).app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_Lazy,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def virtuoso(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    """Virtuoso watches crypto derivatives and says what matters, why, and how fresh the data behind it is."""
    if version:
        from virtuoso.operations.build import build  # noqa: PLC0415 - it reads all files

        typer.echo(f"virtuoso {build()}")
        raise typer.Exit


def main(runtime: object | None = None) -> None:
    """Run; an expected error is one line on standard error and exit code 2 (wrong use) or 1.

    A pipe that is closed before the end, as by `| head -1`, ends it in silence, with exit code 141 as other tools.

    Args:
        runtime: the `Runtime` that the command goes by; `None` = the machine's clock and its own event loop.
    """
    output = _output()
    code = _run(runtime)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = 1
    if code == 1 and output is not None and _unread(output):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not flushed into the pipe
        code = _SIGPIPE
    sys.exit(code)


def _output() -> int | None:
    """Another descriptor of standard output: rich puts a different one in its place when nobody reads it."""
    try:
        return os.dup(sys.stdout.fileno())
    except (OSError, ValueError):  # there is no such output
        return None


def _run(runtime: object | None) -> int:
    """Run the command; returns the exit code. Typer and rich make 1 of a pipe that nobody reads."""
    try:
        app(obj=runtime)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except UsageError as error:
        _say(error)
        return error.exit_code
    except VirtuosoError as error:
        _say(error)
        return 1
    return 0


def _unread(output: int) -> bool:
    """Whether an output is a pipe whose other end is closed."""
    asking = select.poll()
    asking.register(output, 0)
    return any(event & select.POLLERR for _, event in asking.poll(0))


def _say(error: Exception) -> None:
    for line in str(error).splitlines():
        print(f"virtuoso: {line}", file=sys.stderr)  # noqa: T201 - the program's own voice
