"""Looks at where the threads of this process stand while something takes too long."""

import sys
import threading
from collections import Counter
from types import FrameType
from typing import Final

from virtuoso.model.documents import Whereabouts

PERIOD_S: Final = 0.02
_PLACES: Final = 8
_OWN: Final = "virtuoso."
_WAITS: Final = frozenset({
    "threading", "selectors", "queue", "asyncio.runners", "asyncio.base_events", "uvloop",
})  # fmt: skip
"""Modules of Python in which a thread stands that has nothing to do."""
IDLE: Final = "nothing to do"


class Sampler:
    """From `after_s` on until it is ended, notes every 20 ms where each thread stands. That takes 0.1 ms each time."""

    def __init__(self, after_s: float) -> None:
        self._over = threading.Event()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._looks = 0
        self._thread = threading.Thread(target=self._watch, args=(after_s,), name="sampler", daemon=True)
        self._thread.start()

    def end(self) -> tuple[Whereabouts, ...]:
        """Where threads stood most often; nothing where it was over before it took too long."""
        self._over.set()
        self._thread.join()
        return tuple(
            Whereabouts(thread=thread, at=at, share=round(count / self._looks, 3))
            for (thread, at), count in self._seen.most_common(_PLACES)
        )

    def _watch(self, after_s: float) -> None:
        wait_s = after_s
        while not self._over.wait(wait_s):
            self._look()
            wait_s = PERIOD_S

    def _look(self) -> None:
        self._looks += 1
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():
            name, at = names.get(ident, "a thread"), place_of(frame)
            if ident != self._thread.ident and (at != IDLE or name == threading.main_thread().name):
                self._seen[name, at] += 1


def place_of(frame: FrameType) -> str:
    """The function of our own that a thread is in, and what it is at there, if that is not our own."""
    inner = _module(frame)
    own: FrameType | None = frame
    while own is not None and not _module(own).startswith(_OWN):
        own = own.f_back
    if own is None or inner in _WAITS:
        return IDLE
    ours = f"{_module(own).removeprefix(_OWN)}:{own.f_code.co_qualname}"
    return ours if own is frame else f"{ours} > {inner}:{frame.f_code.co_name}"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
