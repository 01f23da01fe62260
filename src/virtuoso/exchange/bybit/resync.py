"""When a broken topic is asked for anew: soon, but not in a storm."""

import numpy as np

from virtuoso.exchange.supervise import Backoff

_FIRST_S, _CAP_S, _CALM_S = 0.05, 5.0, 60.0
"""The longest wait is shorter than what makes a topic stale, so that one more refused frame does not."""


class Resyncs:
    """The resyncs of one connection; a topic that was calm for a minute begins anew. Times in monotonic seconds."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._due_s: dict[str, float] = {}
        self._backoff: dict[str, Backoff] = {}
        self._last_s: dict[str, float] = {}

    def plan(self, topic: str, now_s: float) -> None:
        """Ask for a topic anew, after a while that grows with how often it had to be."""
        backoff = self._backoff.setdefault(topic, Backoff(self._rng, _FIRST_S, _CAP_S))
        if now_s - self._last_s.get(topic, now_s) > _CALM_S:
            backoff.reset()
        self._last_s[topic] = now_s
        self._due_s[topic] = now_s + backoff.next_s()

    def due(self, now_s: float) -> list[str]:
        """The topics whose time has come, once."""
        topics = [topic for topic, at_s in self._due_s.items() if at_s <= now_s]
        for topic in topics:
            del self._due_s[topic]
        return topics

    def forget(self, topic: str) -> None:
        """Forget a topic that is no longer carried."""
        for kept in (self._due_s, self._backoff, self._last_s):
            kept.pop(topic, None)

    def clear(self) -> None:
        """Forget all requests of a connection that is gone: all topics are asked for anew on the next one."""
        self._due_s.clear()
