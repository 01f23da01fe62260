"""How long work tells how far it is, on standard error: a bar on a terminal, a line now and then otherwise."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

_T = TypeVar("_T")
_LOOK_EVERY = 1_000
_LINE_S = 10.0
_DRAW_S = 0.5

Tell = Callable[[float], None]
"""Says the share that is done, in [0, 1]."""


@contextmanager
def telling(title: str) -> Iterator[Tell]:
    """Something to call with the share that is done."""
    console = Console(stderr=True)
    if console.is_terminal:
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task(title, total=1.0)
            yield lambda share: progress.update(task, completed=share)
    else:
        yield _lines(title)


def _lines(title: str) -> Tell:
    due_s = time.perf_counter() + _LINE_S

    def tell(share: float) -> None:
        nonlocal due_s
        if time.perf_counter() >= due_s:
            due_s = time.perf_counter() + _LINE_S
            typer.echo(f"{title}: {share:.0%}", err=True)

    return tell


def told(items: Iterable[_T], title: str, done: Callable[[], float]) -> Iterator[_T]:
    """The items; `done` is the share of them that went by, in [0, 1], asked for every thousandth."""
    with telling(title) as tell:
        for number, item in enumerate(items):
            if number % _LOOK_EVERY == 0:
                tell(done())
            yield item


class Watched(Protocol):
    """Something that is watched for a while: how long, how far it is, what is seen, and what went wrong."""

    seconds: float
    elapsed_s: float

    def said(self) -> str:
        """What is seen so far, in a line."""
        ...

    def noted(self) -> list[str]:
        """What went wrong since it was asked last, a line each."""
        ...


async def follow(watched: Watched) -> None:
    """Tell how far it is until cancelled, and what goes wrong as it happens."""
    console = Console(stderr=True)
    if not console.is_terminal:
        await _follow_by_lines(watched, console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("watching", total=watched.seconds, said="")
        while True:
            for note in watched.noted():
                bar.console.print(f"[yellow]{escape(note)}[/yellow]")
            bar.update(task, completed=watched.elapsed_s, said=watched.said())
            await asyncio.sleep(_DRAW_S)


async def _follow_by_lines(watched: Watched, console: Console) -> None:
    due_s = 0.0
    while True:
        for note in watched.noted():
            console.print(note, markup=False, highlight=False, soft_wrap=True)
        if watched.elapsed_s >= due_s:
            due_s = watched.elapsed_s + _LINE_S
            console.print(watched.said(), markup=False, highlight=False, soft_wrap=True)
        await asyncio.sleep(_DRAW_S)
