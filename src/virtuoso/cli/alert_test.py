"""`virtuoso alerts test`: one message through each channel as it is configured, past the outbox."""

import asyncio
import os
from typing import Annotated

import msgspec
import typer

from virtuoso.cli.terminal.configuration import Config, NoConfig, files_of
from virtuoso.config import load
from virtuoso.config.keys import secret_texts
from virtuoso.delivery.channels.protocol import Channel, ChannelError
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Line, Notice, Role
from virtuoso.model.clock import Clock, SystemClock
from virtuoso.model.errors import UsageError
from virtuoso.operations import logs
from virtuoso.wiring.channels import channel_plans, make_channels


def send_test(
    channel: Annotated[list[str] | None, typer.Option(help="Name of a channel; repeatable (default: all).")] = None,
    config: Config = None,
    no_config: NoConfig = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Send a test message through the channels of the configuration; exit code 1 when one does not take it."""
    settings = load(files_of(config, no_config), os.environ)
    logs.configure("warning", settings.logging.format, secret_texts(settings))
    clock = SystemClock()
    channels = make_channels(channel_plans(settings.monitoring.alerts), clock)
    if unknown := sorted(set(channel or ()) - set(channels)):
        raise UsageError(f"there is no channel {unknown[0]}; configured are {', '.join(channels)}")
    wanted = {name: each for name, each in channels.items() if not channel or name in channel}
    found = asyncio.run(send_all(wanted, clock))
    if as_json:
        typer.echo(msgspec.json.encode({name: {"ok": error is None, "error": error} for name, error in found.items()}))
    else:
        for name, error in found.items():
            typer.echo(f"{name}: {'accepted' if error is None else error}")
    if any(found.values()):
        raise typer.Exit(1)


async def send_all(channels: dict[str, Channel], clock: Clock) -> dict[str, str | None]:
    """Send a test message through each channel and close it: by its name, why it did not take it; `None` if it did."""
    try:
        return {name: await _sent(channel, clock) for name, channel in channels.items()}
    finally:
        for channel in channels.values():
            await channel.close()


async def _sent(channel: Channel, clock: Clock) -> str | None:
    try:
        await channel.send(channel.render(_notice(clock.now_ns() // 1_000_000), repeat=False))
    except ChannelError as error:
        return str(error) or type(error).__name__
    return None


def _notice(now_ms: int) -> Notice:
    text = "This is what an alert of Virtuoso looks like here. Nothing happened."
    identity = f"test-{now_ms}"
    line = Line(id=identity, kind="test", severity=Severity.INFO, message=text, fired_ms=now_ms)
    return Notice(
        id=identity, role=Role.TEST, severity=Severity.INFO, title="Test of this channel", text=text, at_ms=now_ms,
        lines=(line,), incidents=(identity,), system=True, kind="test",
    )  # fmt: skip
