"""The history as worlds see it: all begin at the same time, so what it pushes is made once in a process."""

from bisect import bisect_right
from collections import deque
from collections.abc import Collection
from functools import cache
from operator import attrgetter
from typing import Any

from tests.support.virtual import EPOCH_MS

from virtuoso.simulator.history import open_history
from virtuoso.simulator.history.source import HistorySource
from virtuoso.simulator.source import Push

_SEED, _CATEGORY = 1, "linear"
_AHEAD_MS = 5_000
_at_ms = attrgetter("at_ms")


class _Made:
    """What one topic pushes, from the beginning of virtual time until whenever somebody got to."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._pushes: list[Push] = []
        self._until_ms = EPOCH_MS

    def between(self, after_ms: int, upto_ms: int) -> list[Push]:
        while self._until_ms < upto_ms:
            self._make()
        first = bisect_right(self._pushes, after_ms, key=_at_ms)
        return self._pushes[first : bisect_right(self._pushes, upto_ms, first, key=_at_ms)]

    def _make(self) -> None:
        feeds, until_ms = _maker()._feeds[self._topic.rpartition(".")[2]], self._until_ms + _AHEAD_MS
        frames = feeds.frames(self._topic, self._until_ms, until_ms)
        made = [Push(at_ms, _CATEGORY, self._topic, frame) for at_ms, frame in frames]
        self._pushes += sorted(made, key=_at_ms)
        self._until_ms = until_ms


@cache
def _maker() -> HistorySource:
    return open_history(_SEED, EPOCH_MS)


_made = cache(_Made)


class Played:
    """Implements `simulator.source.Source`: answers are the history's own, and so is what it pushes."""

    def __init__(self) -> None:
        self._source = open_history(_SEED, EPOCH_MS)
        self._now_ms = EPOCH_MS
        self._wanted: tuple[tuple[str, str], ...] = ()
        self._ahead: deque[Push] = deque()
        """What is pushed next of what is wanted, up to `_until_ms`."""
        self._until_ms = EPOCH_MS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def advance(self, to_ms: int, wanted: Collection[tuple[str, str]]) -> list[Push]:
        """All that is due of what is wanted, in order of time."""
        if (wanted := tuple(wanted)) != self._wanted:
            self._wanted, self._until_ms = wanted, self._now_ms
            self._ahead.clear()
        if to_ms > self._until_ms:
            after_ms, self._until_ms = self._until_ms, to_ms + _AHEAD_MS
            topics = [topic for category, topic in wanted if category == _CATEGORY]
            found = [push for topic in topics for push in _made(topic).between(after_ms, self._until_ms)]
            self._ahead += sorted(found, key=_at_ms)
        pushes = []
        while self._ahead and self._ahead[0].at_ms <= to_ms:
            pushes.append(self._ahead.popleft())
        self._now_ms = max(self._now_ms, to_ms)
        self._source.advance(to_ms, ())
        return pushes
