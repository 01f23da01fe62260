"""`virtuoso top`: the strongest signals of a running Virtuoso, live."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated
from urllib.parse import quote

import typer
import uvloop
from rich.console import Console
from rich.live import Live

from virtuoso.cli.terminal.api import Config, Token, TokenFile, Url, client
from virtuoso.cli.terminal.client import Client
from virtuoso.cli.terminal.screen import Screen
from virtuoso.cli.terminal.tables import show, terminal
from virtuoso.model import documents as docs
from virtuoso.model.errors import UsageError, VirtuosoError

app = typer.Typer(add_completion=False)

_CLOSES = 30
_BETWEEN_BARS_S = 0.1
_DRAW_S = 0.25
_RETRY_S = 2.0
_DOCUMENTS = {"overview": "/api/market/overview", "alerts": "/api/alerts/recent", "regime": "/api/regime"}
"""Name in the stream, and path."""


@app.command()
def top(
    url: Url = None,
    config: Config = None,
    token: Token = None,
    token_file: TokenFile = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Symbols at most.")] = 15,
    once: Annotated[
        bool, typer.Option("--once", help="Print once and end, as is done where there is no terminal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the document of /api/signals/top once.")] = False,
) -> None:
    """Follow the strongest signals of a running Virtuoso; Ctrl-C ends."""
    asking, console = client(url, config, token, token_file), terminal()
    if as_json:
        typer.echo(uvloop.run(_document(asking, limit)))
    elif once or not console.is_terminal:
        board = Screen(asking.url)
        rows = uvloop.run(_filled(asking, board, limit))
        show([board.drawn(rows, whole=True)])
    else:
        uvloop.run(_live(asking, console, limit))


async def _document(client: Client, limit: int) -> bytes:
    async with client:
        return await client.body(f"/api/signals/top?limit={limit}")


async def _filled(client: Client, board: Screen, limit: int) -> tuple[docs.SignalItem, ...]:
    """Ask for everything once; returns the rows to show."""
    async with client:
        for name, path in _DOCUMENTS.items():
            board.take(name, await client.body(path))
        board.take("signals", await client.body(f"/api/signals/top?limit={limit}"))
        rows = board.rows(limit)
        for row in rows:
            board.closes[row.symbol] = await _closes(client, row.symbol)
        return rows


async def _closes(client: Client, symbol: str) -> tuple[float, ...]:
    found = await client.ask(f"/api/symbols/{quote(symbol, safe='')}/bars?timeframe=1m&limit={_CLOSES}", docs.Bars)
    return tuple(bar.close for bar in found.bars)


async def _live(client: Client, console: Console, limit: int) -> None:
    """Draw what is heard until Ctrl-C, or SIGTERM."""
    board, stop = Screen(client.url), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with client:
        await client.body("/health/live")  # so that a wrong address is an error, not an empty board
        works = [
            asyncio.create_task(_listen(client, board)),
            asyncio.create_task(_follow_bars(client, board, lambda: board.rows(limit, console.height))),
            asyncio.create_task(_draw(board, console, limit)),
        ]
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*works, stopping], return_when=asyncio.FIRST_COMPLETED)
        for work in (*works, stopping):
            work.cancel()
        await asyncio.gather(*works, stopping, return_exceptions=True)
    for work in done - {stopping}:
        work.result()


async def _draw(board: Screen, console: Console, limit: int) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(board.drawn(board.rows(limit, console.height)), refresh=True)
            await asyncio.sleep(_DRAW_S)


async def _listen(client: Client, board: Screen) -> None:
    """Take the stream's documents, for ever; what was heard stays while the connection is lost."""
    while True:
        try:
            async for name, body in client.events():
                board.lost = None
                board.take(name, body)
        except UsageError:
            raise
        except VirtuosoError as error:
            board.lost = str(error)
        await asyncio.sleep(_RETRY_S)


async def _follow_bars(client: Client, board: Screen, shown: Callable[[], tuple[docs.SignalItem, ...]]) -> None:
    """Fetch the closes of the symbols shown, each once for every bar that was scored, and ten a second at most."""
    fetched: dict[str, str | None] = {}
    while True:
        due = next((row for row in shown() if fetched.get(row.symbol, "") != row.timestamp), None)
        if due is not None and board.lost is None:
            fetched[due.symbol] = due.timestamp
            with suppress(VirtuosoError):  # the stream says that the connection is lost; the rest is tried next minute
                board.closes[due.symbol] = await _closes(client, due.symbol)
        await asyncio.sleep(_BETWEEN_BARS_S)
