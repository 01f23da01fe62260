"""Lets a failure that repeats be told when it begins, and when it is over, with how often it came between.

One that goes on is told again every five minutes, so that who reads a part of a log alone knows of it.
"""

import re
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import structlog
from structlog.tracebacks import safe_str

from virtuoso.model.clock import Clock

AGAIN_S: Final = 120.0
"""What comes again within so long is the same failure: also one of what is tried at every close."""
STILL_S: Final = 300.0
_MOST: Final = 500
"""Failures that are known at once; of more, the one that came longest ago is over."""
_MOST_ALIKE: Final = 20
"""So many that say the same of different things, such as symbols, are told apart."""
_LEVELS: Final = frozenset({"warning", "error", "critical"})
_NUMBER: Final = re.compile(r"\d+")
_CHARS: Final = 300

Event: TypeAlias = MutableMapping[str, Any]
Later: TypeAlias = Callable[[float, Callable[[], None]], None]


@dataclass(slots=True)
class _Known:
    """A failure that was told: when it came first, was told last and came last, and what was not told of it."""

    logger: str
    level: str
    first_s: float
    told_s: float
    last_s: float
    latest: dict[str, Any]
    untold: int = 0

    def count(self) -> dict[str, Any]:
        """How often it came since it was told last, and for how long in all."""
        return {"repeated": self.untold, "within_s": round(self.last_s - self.first_s, 1)}


def _by_timer(wait_s: float, work: Callable[[], None]) -> None:
    timer = threading.Timer(wait_s, work)
    timer.daemon = True
    timer.start()


class Repeats:
    """A processor of structlog for warnings and errors. The same is what has the same words, whatever its numbers are.

    Args:
        clock: what time it is.
        later: has something done after some seconds.
    """

    def __init__(self, clock: Clock, later: Later = _by_timer) -> None:
        self._clock, self._later = clock, later
        self._known: dict[tuple[str, ...], _Known] = {}
        self._waiting = self._busy = False
        self._lock = threading.RLock()

    def __call__(self, logger: Any, level: str, event: Event) -> Event:
        """Pass on what is new; count what is not.

        Raises:
            structlog.DropEvent: it was told already, and goes on.
        """
        if level not in _LEVELS or "repeated" in event:
            return event
        now_s, told = self._clock.monotonic_ns() / 1e9, True
        with self._alone() as alone:
            if not alone:
                return event
            over = self._end(now_s - AGAIN_S)
            key = self._key(logger.name, level, event)
            known = self._known.pop(key, None)
            if known is None:
                if len(self._known) >= _MOST:
                    over.append(self._known.pop(next(iter(self._known))))
                self._known[key] = _Known(logger.name, level, now_s, now_s, now_s, {})
            else:  # the latest stands last
                self._known[key] = known
                known.last_s, known.untold = now_s, known.untold + 1
                if now_s - known.told_s >= STILL_S:
                    event.update(known.count())
                    known.told_s, known.untold = now_s, 0
                else:
                    told, known.latest = False, _without_traceback(event)
                    self._look_later()
        _tell(over)
        if not told:
            raise structlog.DropEvent
        return event

    def flush(self) -> None:
        """Tell at once what was counted so far: the program ends."""
        with self._alone():
            over = self._end(float("inf"))
        _tell(over)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this thread is not at it already: what the garbage collector finds meanwhile may log too."""
        with self._lock:
            first, self._busy = not self._busy, True
            try:
                yield first
            finally:
                self._busy = not first

    def _look(self) -> None:
        """Tell of what is over by now."""
        with self._alone():
            self._waiting = False
            over = self._end(self._clock.monotonic_ns() / 1e9 - AGAIN_S)
            if any(known.untold for known in self._known.values()):
                self._look_later()
        _tell(over)

    def _look_later(self) -> None:
        if not self._waiting:
            with suppress(RuntimeError):  # no thread can be had: the next repetition asks again, or the end tells
                self._later(AGAIN_S / 2, self._look)
                self._waiting = True

    def _end(self, before_s: float) -> list[_Known]:
        """Forget what came last before then."""
        over = [(key, known) for key, known in self._known.items() if known.last_s <= before_s]
        for key, _ in over:
            del self._known[key]
        return [known for _, known in over]

    def _key(self, logger: str, level: str, event: Event) -> tuple[str, ...]:
        """What makes it the same: the words of what is said, and of the facts that are texts."""
        head = logger, level, _words(str(event.get("event", "")))
        facts = [f"{name}={_words(value)}" for name, value in sorted(event.items()) if isinstance(value, str)]
        if (raised := _raised(event)) is not None:
            facts.append(_words(raised))
        key = *head, *facts
        if key not in self._known and sum(each[:3] == head for each in self._known) >= _MOST_ALIKE:
            return head
        return key


def _tell(over: list[_Known]) -> None:
    """Say the latest of each failure that is over, if not all of it was told."""
    for known in over:
        if known.untold:
            facts = {name: value for name, value in known.latest.items() if name not in {"event", "logger"}}
            facts |= known.count()
            tell = getattr(structlog.get_logger(known.latest.get("logger", known.logger)), known.level)
            tell(known.latest.get("event"), **facts)


def _words(text: str) -> str:
    """A sentence without its numbers; a name stays as it is."""
    return (_NUMBER.sub("#", text) if " " in text else text)[:_CHARS]


def _raised(event: Event) -> str | None:
    """What kind of exception an event is of, and what that says; `None` where it is of none."""
    told = event.get("exc_info")
    error = sys.exc_info()[1] if told is True else told[1] if isinstance(told, tuple) else told
    return f"{type(error).__name__}: {safe_str(error)}" if isinstance(error, BaseException) else None


def _without_traceback(event: Event) -> dict[str, Any]:
    """An event to be kept: a traceback would keep alive whatever its frames hold."""
    kept = {name: value for name, value in event.items() if name != "exc_info"}
    return kept if (raised := _raised(event)) is None else {"error": raised, **kept}
