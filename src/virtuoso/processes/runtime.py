"""What a process of the program goes by: its clock, its event loop, and how it starts other processes."""

import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import uvloop

from virtuoso.model.clock import Clock, SystemClock


@dataclass(frozen=True)
class Runtime:
    """Made by whoever starts a process and passed down from there; a command finds it as the object of its context.

    Attributes:
        clock: makes the process's clock.
        run: runs its event loop until the coroutine ends.
        python: the command line, up to the module, of another process that goes by the same.
    """

    clock: Callable[[], Clock] = SystemClock
    run: Callable[[Coroutine[Any, Any, None]], None] = uvloop.run
    python: tuple[str, ...] = (sys.executable, "-m", "virtuoso.processes")

    def command(self, module: str, *arguments: str) -> list[str]:
        """The command line of another process of the program, whose module has a `main(runtime)`."""
        return [*self.python, module, *arguments]
