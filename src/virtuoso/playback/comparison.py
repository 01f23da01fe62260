"""Compares what was said live with what is said of final data: same, changed, vanished or late."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from virtuoso.model.signal import Label, Statement
from virtuoso.model.timeframe import Timeframe

LATE_MS: Final = 5_000
"""What is said later than this after its close is late: a pass waits for bars for two seconds."""
MOST_FINDINGS: Final = 1_000
_WINDOW_MS: Final = 5 * Timeframe.M1.ms
"""Live and final pass say a close at nearly the same place of the recording; then nothing more is said of it."""
_SIDES: Final = (Label.BUY, Label.SELL)


class Aspect(StrEnum):
    """The parts of a statement that are compared one by one."""

    SIGNAL = "signal"
    READING = "reading"
    FORECAST = "forecast"


class Verdict(StrEnum):
    """What became of something that was said, the worst last."""

    SAME = "same"
    LATE = "late"
    """The same, said more than five seconds after its close."""
    ADDED = "added"
    """Final data says it, and live nothing was said."""
    UNJUDGED = "unjudged"
    """Otherwise, but a replay has no such pass: it was said before the first frame, or where the recording ends."""
    CHANGED = "changed"
    VANISHED = "vanished"
    """Said live, and final data says nothing; or a BUY or SELL that final data does not give."""


class Live(NamedTuple):
    """A statement as it was recorded.

    Attributes:
        said_ms: when it was said, epoch ms by the exchange's clock.
        statement: what was said.
        early: whether it was said before the first frame of its run, of answers alone.
    """

    said_ms: int
    statement: Statement
    early: bool = False


class Judged(NamedTuple):
    """Something that is not the same: of which symbol and close (epoch ms), and what was said, live and finally."""

    verdict: Verdict
    aspect: Aspect
    symbol: str
    close_ms: int
    live: Live | None
    final: Statement | None


class Comparison:
    """Takes what was said and what is said in any order, and judges each close a few minutes after it.

    Args:
        found: told of everything that is not the same.

    Attributes:
        counts: by aspect and verdict.
        closes: how many were judged.
    """

    def __init__(self, found: Callable[[Judged], None]) -> None:
        self.counts: Counter[tuple[Aspect, Verdict]] = Counter()
        self.closes = 0
        self._found = found
        self._live: dict[int, defaultdict[str, list[Live]]] = {}
        self._final: dict[int, dict[str, Statement]] = {}

    def said(self, said_ms: int, close_ms: int, statements: Iterable[Statement], *, early: bool = False) -> None:
        """Take what was said live of a close, at `said_ms`; `early` is before the first frame of its run."""
        at = self._live.setdefault(close_ms, defaultdict(list))
        for statement in statements:
            at[statement.symbol].append(Live(said_ms, statement, early))
        self._settle(close_ms - _WINDOW_MS)

    def say(self, close_ms: int, statements: Iterable[Statement]) -> None:
        """Take what final data says of a close; what is said last of it holds."""
        self._final.setdefault(close_ms, {}).update((each.symbol, each) for each in statements)

    def finish(self) -> None:
        """Judge the closes of the last minutes too, once the recording is over.

        What was said of its last close and is not said again is unjudged: no pass follows in which it could be.
        """
        self._settle(None)

    def _settle(self, until_ms: int | None) -> None:
        last_ms = max(self._live.keys() | self._final.keys(), default=0)
        for close_ms in sorted(self._live.keys() | self._final.keys()):
            if until_ms is not None and close_ms > until_ms:
                break
            live: Mapping[str, list[Live]] = self._live.pop(close_ms, {})
            final = self._final.pop(close_ms, {})
            self.closes += bool(live)
            ended = until_ms is None and close_ms == last_ms and not final
            for symbol in sorted(live.keys() | final.keys()):
                self._judge(symbol, close_ms, live.get(symbol, []), final.get(symbol), ended=ended)

    def _judge(self, symbol: str, close_ms: int, live: list[Live], final: Statement | None, *, ended: bool) -> None:
        for aspect in Aspect:
            said: Sequence[Live | None] = live or (None,)
            verdicts = [(_verdict(aspect, close_ms, each, final, ended=ended), each) for each in said]
            judged = [(verdict, each) for verdict, each in verdicts if verdict is not None]
            if not judged:
                continue
            found, worst = max(judged, key=lambda pair: _RANK[pair[0]])
            self.counts[aspect, found] += 1
            if found is not Verdict.SAME:
                self._found(Judged(found, aspect, symbol, close_ms, worst, final))


_RANK: Final[Mapping[Verdict, int]] = {verdict: rank for rank, verdict in enumerate(Verdict)}


def _verdict(
    aspect: Aspect, close_ms: int, live: Live | None, final: Statement | None, *, ended: bool
) -> Verdict | None:
    """What became of one aspect of a statement; `None` where neither says anything."""
    found = _plain_verdict(aspect, close_ms, live, final, ended=ended)
    otherwise = found not in {None, Verdict.SAME, Verdict.LATE}
    return Verdict.UNJUDGED if otherwise and live is not None and live.early else found


def _plain_verdict(
    aspect: Aspect, close_ms: int, live: Live | None, final: Statement | None, *, ended: bool
) -> Verdict | None:
    was = None if live is None else content(aspect, live.statement)
    now = None if final is None else content(aspect, final)
    if live is None or was is None:
        return None if now is None else Verdict.ADDED
    if final is None and ended:
        return Verdict.UNJUDGED
    if now is None or (live.statement.label in _SIDES and aspect is Aspect.SIGNAL and was[0] != now[0]):
        return Verdict.VANISHED
    if was != now:
        return Verdict.CHANGED
    return Verdict.LATE if live.said_ms - close_ms > LATE_MS else Verdict.SAME


def content(aspect: Aspect, said: Statement) -> tuple[object, ...] | None:
    """What must be the same of an aspect; `None` where it was unknown."""
    match aspect:
        case Aspect.SIGNAL:
            return None if said.label is None else (said.label, said.confidence)
        case Aspect.READING:
            return None if said.score is None else (said.score, said.band)
        case Aspect.FORECAST:
            return None if said.forecast is None else (said.forecast, said.fit, said.chances)
