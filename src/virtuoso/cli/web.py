"""`virtuoso web`: serve what a monitor publishes to the shared cache; keeps nothing, so run as many as you like."""

from functools import partial
from typing import Annotated

import typer

from virtuoso.cli.terminal.configuration import Config, NoConfig, chosen, running_settings
from virtuoso.config import Settings
from virtuoso.processes.announcing import announced
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.web.worker import run_worker
from virtuoso.processes.web.workers import keep_workers
from virtuoso.web.connections.listening import listen
from virtuoso.wiring.stores import need_driver, need_shared_tier

app = typer.Typer(add_completion=False)


@app.command()
def web(
    ctx: typer.Context,
    config: Config = None,
    no_config: NoConfig = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that share the port (default: as configured).")
    ] = None,
) -> None:
    """Serve the API and the dashboard from Redis and Memcached."""
    settings: Settings = running_settings(config, no_config)
    need_shared_tier(settings)
    need_driver(settings)  # said once, before any worker starts
    count = workers or settings.web.workers
    sock = listen(settings.web.host, settings.web.port)
    url = f"http://{settings.web.host}:{sock.getsockname()[1]}"
    shared = ", ".join(tier for tier in settings.cache.tiers if tier != "memory")
    many = "" if count == 1 else f" · {count} workers"
    runtime = ctx.ensure_object(Runtime)
    if count == 1:
        serving = run_worker(settings, runtime.clock(), sock)
    else:
        arguments = [str(argument) for path in chosen(config, no_config) for argument in ("-c", path)]
        command = runtime.command("virtuoso.processes.web.worker", str(sock.fileno()), *arguments)
        serving = keep_workers(count, command, sock.fileno())
    said = f"virtuoso web: {url} · serving from {shared}{many} · Ctrl-C stops"
    runtime.run(announced(serving, sock, partial(typer.echo, said)))
