"""How long work tells how far it is, on standard error: a bar on a terminal, a line now and then otherwise."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

_T = TypeVar("_T")
_LOOK_EVERY = 1_000
_LINE_S = 10.0

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
