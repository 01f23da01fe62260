"""Statements that wait until they are due: each horizon of each is settled once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN
from virtuoso.analysis.lived.came import Came, Way, Ways, came_of
from virtuoso.analysis.lived.statements import Statements
from virtuoso.model.catalogue.lived import LATE
from virtuoso.model.timeframe import Timeframe

MINUTE_MS: Final = Timeframe.M1.ms
GRACE_MS: Final = 30 * MINUTE_MS
"""Bars may come so long after they are due, or after the start; later they are missing."""
MOST: Final = 2_000
"""Parts that wait at once; of more, the first are given up. A day has 96, and one for each claim."""

Key = tuple[int, str, int]
"""Close, kind and part of statements."""


@dataclass(slots=True)
class _Waiting:
    said: Statements
    left: list[int]
    """The horizons that are to come, ascending."""
    first: Came | None = None
    """What came of the shortest horizon."""
    tried_ms: int = 0


@dataclass(slots=True)
class Pending:
    """All that waits; times are epoch milliseconds by the exchange's clock."""

    begun_ms: int | None = None
    """When settling was begun by this process: bars of before may come for a while from then on."""
    given_up: int = 0
    _waiting: dict[Key, _Waiting] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many outcomes are to come, one for each part and horizon."""
        return sum(len(each.left) for each in self._waiting.values())

    def add(self, said: Statements, settled: Iterable[Came] = ()) -> None:
        """Let statements wait for the horizons that are not settled."""
        done = {came.horizon_min: came for came in settled}
        left = [minutes for minutes in OUTCOME_HORIZONS_MIN if minutes not in done]
        if left:
            first = done.get(OUTCOME_HORIZONS_MIN[0])
            self._waiting[said.close_ms, said.kind, said.part] = _Waiting(said, left, first)
        while len(self._waiting) > MOST:
            del self._waiting[next(iter(self._waiting))]
            self.given_up += 1

    def due(self, horizon_min: int, until_ms: int) -> bool:
        """Whether any statement made before `until_ms` still waits for this horizon."""
        return any(close_ms < until_ms and horizon_min in each.left for (close_ms, *_), each in self._waiting.items())

    def settle(self, now_ms: int, ways: Ways) -> Iterator[tuple[Statements, Came]]:
        """Settle what is due, one part and horizon after the other, the oldest first."""
        if self.begun_ms is None:
            self.begun_ms = now_ms
        for key in list(self._waiting):
            each = self._waiting[key]
            while each.left and (came := self._one(each, now_ms, ways)) is not None:
                each.left.pop(0)
                if came.horizon_min == OUTCOME_HORIZONS_MIN[0]:
                    each.first = came
                yield each.said, came
            if not each.left:
                del self._waiting[key]

    def _one(self, each: _Waiting, now_ms: int, ways: Ways) -> Came | None:
        """The outcome of the shortest horizon that is left; `None` while it is not due, or bars may still come."""
        said, minutes = each.said, each.left[0]
        due_ms = said.close_ms + minutes * MINUTE_MS
        if now_ms < max(due_ms, each.tried_ms + MINUTE_MS):
            return None
        last = now_ms >= max(due_ms, self.begun_ms or 0) + GRACE_MS
        found: list[Way | int] = []
        for i, symbol in enumerate(said.symbols):
            way = ways(symbol, said.close_ms, minutes, None if each.first is None else each.first.way(i))
            if way is None and not last:
                each.tried_ms = now_ms
                return None
            found.append(LATE if way is None else way)
        each.tried_ms = 0
        return came_of(said, minutes, found)
