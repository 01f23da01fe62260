"""Looks at where the threads of this process stand, for as long as somebody wants to know."""

import sys
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Final, TypeAlias

from virtuoso.model.documents import Whereabouts

PERIOD_S: Final = 0.02
_OWN: Final = "virtuoso."
_WAITS: Final = frozenset({"threading", "selectors", "queue", "asyncio.runners", "asyncio.base_events", "uvloop"})
"""Modules of Python in which a thread stands that has nothing to do."""
_LOOPS: Final = _WAITS | {"concurrent.futures.thread"}
"""What runs the work of a thread: all above it is the same always."""
IDLE: Final = "nothing to do"

Stack: TypeAlias = tuple[str, ...]
"""The thread, and then what it works at as `module:function`, outermost first; of one that is idle the thread alone."""


@dataclass(frozen=True, slots=True)
class Samples:
    """How often each stack was seen, in so many looks."""

    looks: int
    stacks: Mapping[Stack, int]

    @property
    def busy(self) -> dict[Stack, int]:
        """Those of threads that had something to do."""
        return {stack: count for stack, count in self.stacks.items() if len(stack) > 1}

    def where(self, most: int) -> tuple[Whereabouts, ...]:
        """Where threads were seen most often."""
        seen: Counter[tuple[str, str]] = Counter()
        for stack, count in self.stacks.items():
            seen[stack[0], place_of(stack)] += count
        return tuple(
            Whereabouts(thread=thread, at=at, share=round(count / self.looks, 3))
            for (thread, at), count in seen.most_common(most)
        )


class Sampler:
    """From `after_s` on until it is ended, notes every 20 ms where each thread stands. That takes 0.1 ms each time."""

    def __init__(self, after_s: float = 0.0) -> None:
        self._over = threading.Event()
        self._seen: Counter[Stack] = Counter()
        self._looks = 0
        self._thread = threading.Thread(target=self._watch, args=(after_s,), name="sampler", daemon=True)
        self._thread.start()

    def end(self) -> Samples:
        """What was seen; nothing where it was over before."""
        self._over.set()
        self._thread.join()
        return Samples(self._looks, self._seen)

    def _watch(self, after_s: float) -> None:
        wait_s = after_s
        while not self._over.wait(wait_s):
            self._look()
            wait_s = PERIOD_S

    def _look(self) -> None:
        self._looks += 1
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        main = threading.main_thread().name
        for ident, frame in sys._current_frames().items():
            stack = names.get(ident, "a thread"), *_functions(frame)
            if ident != self._thread.ident and (len(stack) > 1 or stack[0] == main):
                self._seen[stack] += 1


def place_of(stack: Stack) -> str:
    """The function of our own that a thread is in, and what it is at there, if that is not our own."""
    functions = stack[1:]
    own = next((name for name in reversed(functions) if name.startswith(_OWN)), None)
    if own is None:
        return IDLE
    ours = own.removeprefix(_OWN)
    return ours if own is functions[-1] else f"{ours} > {functions[-1]}"


def _functions(frame: FrameType) -> Stack:
    """What a thread works at, outermost first; nothing where it waits, or where nothing of it is ours."""
    found: list[str] = []
    inner: FrameType | None = frame
    while inner is not None:
        found.append(f"{inner.f_globals.get('__name__', '')}:{inner.f_code.co_qualname}")
        inner = inner.f_back
    modules = [name.partition(":")[0] for name in found]
    work = found[: next((depth for depth, module in enumerate(modules) if module in _LOOPS), len(found))]
    return tuple(reversed(work)) if any(name.startswith(_OWN) for name in work) else ()
