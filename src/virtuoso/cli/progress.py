"""How long work tells how far it is, on standard error: a bar on a terminal, a line now and then otherwise."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

_T = TypeVar("_T")
_LOOK_EVERY = 1_000
_LINE_S = 10.0


def told(items: Iterable[_T], title: str, done: Callable[[], float]) -> Iterator[_T]:
    """The items; `done` is the share of them that went by, in [0, 1], asked for every thousandth."""
    console = Console(stderr=True)
    if console.is_terminal:
        yield from _with_bar(items, title, done, console)
    else:
        yield from _with_lines(items, title, done)


def _with_bar(items: Iterable[_T], title: str, done: Callable[[], float], console: Console) -> Iterator[_T]:
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(title, total=1.0)
        for number, item in enumerate(items):
            if number % _LOOK_EVERY == 0:
                progress.update(task, completed=done())
            yield item


def _with_lines(items: Iterable[_T], title: str, done: Callable[[], float]) -> Iterator[_T]:
    due_s = time.perf_counter() + _LINE_S
    for number, item in enumerate(items):
        if number % _LOOK_EVERY == 0 and time.perf_counter() >= due_s:
            due_s += _LINE_S
            typer.echo(f"{title}: {done():.0%}", err=True)
        yield item
