"""`virtuoso web`: serve what a monitor publishes to the shared cache; keeps nothing, so run as many as you like."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from virtuoso.config import load
from virtuoso.config.keys import secret_texts
from virtuoso.operations import logs
from virtuoso.processes.announcing import announced
from virtuoso.processes.runtime import Runtime
from virtuoso.processes.web_worker import run_worker
from virtuoso.processes.workers import keep_workers
from virtuoso.web.connections.listening import listen
from virtuoso.wiring.stores import need_shared_tier

app = typer.Typer(add_completion=False)


@app.command()
def web(
    ctx: typer.Context,
    config: Annotated[
        list[Path] | None, typer.Option("-c", "--config", help="YAML file; repeatable, later ones win.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that share the port; as configured.")
    ] = None,
) -> None:
    """Serve the API and the page from Redis and Memcached."""
    settings = load(config or [], os.environ)
    need_shared_tier(settings)
    logs.configure(settings.logging.level, settings.logging.format, secret_texts(settings))
    count = workers or settings.web.workers
    sock = listen(settings.web.host, settings.web.port)
    url = f"http://{settings.web.host}:{sock.getsockname()[1]}"
    shared = ", ".join(tier for tier in settings.cache.tiers if tier != "memory")
    many = "" if count == 1 else f" · {count} workers"
    runtime = ctx.ensure_object(Runtime)
    if count == 1:
        serving = run_worker(settings, runtime.clock(), sock)
    else:
        arguments = [str(argument) for path in config or [] for argument in ("-c", path)]
        command = runtime.command("virtuoso.processes.web_worker", str(sock.fileno()), *arguments)
        serving = keep_workers(count, command, sock.fileno())
    said = f"virtuoso web: {url} · serving from {shared}{many} · Ctrl-C stops"
    runtime.run(announced(serving, sock, partial(typer.echo, said)))
