"""Why something was said otherwise than final data says it, by what else stands in the recording."""

from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from virtuoso.exchange.bybit import paths
from virtuoso.model.clock import iso
from virtuoso.model.timeframe import Timeframe
from virtuoso.playback.comparison import Aspect, Judged, Verdict
from virtuoso.playback.final_bars import FinalBars, streamed
from virtuoso.recording.records import Answer, ClockRead, Closed, Dropped, Frame, Header, Record

_MINUTE_MS: Final = Timeframe.M1.ms
_STARTING_MS: Final = 5 * _MINUTE_MS
_STREAM_MS: Final = 10 * _MINUTE_MS
_PATIENCE_MS: Final = 2_000
_KEPT: Final = 64
"""Minutes of a symbol of which it is known when the stream confirmed them."""


class Causes:
    """Follows a recording as it is played, and names the cause of what is found.

    Args:
        bars: what is known of corrected bars.
        settings: what recordings say of the program and its settings, as it is here.
    """

    def __init__(self, bars: FinalBars, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._corrected: dict[str, list[int]] = {}
        for symbol, interval, open_ms in sorted(bars.corrected):
            if interval == "1":
                self._corrected.setdefault(symbol, []).append(open_ms)
        self._runs: list[int] = []
        self._recorded: Mapping[str, Any] = {}
        self._closed: deque[int] = deque(maxlen=_KEPT)
        self._dropped: list[int] = []
        self._confirmed: dict[str, deque[tuple[int, int]]] = {}
        self._fetched: dict[str, int] = {}
        self.early = True
        """Whether no frame of the run was seen yet."""
        self.offset_ms = 0.0
        """The exchange's clock less ours, as it was believed last."""

    def follow(self, record: Record) -> None:
        """Note what a record tells of runs, gaps and the times of bars, as it goes by."""
        match record:
            case Frame():
                self.early = False
                if (found := streamed(record)) is not None:
                    symbol, open_ms = found
                    kept = self._confirmed.setdefault(symbol, deque(maxlen=_KEPT))
                    kept.append((open_ms, self.by_exchange(record.received_ns)))
            case Answer() if record.path == paths.BARS and record.query.get("interval") == "1":
                self._fetched[record.query.get("symbol", "")] = self.by_exchange(record.received_ns)
            case ClockRead():
                self.offset_ms = record.offset_ms
            case Closed():
                self._closed.append(self.by_exchange(record.at_ns))
            case Dropped():
                self._dropped.append(self.by_exchange(record.at_ns))
            case Header():
                self._recorded = record.settings
                if not self._runs or self._runs[-1] != record.started_ns // 1_000_000:
                    self._runs.append(record.started_ns // 1_000_000)
                    self.early = True
            case _:
                pass

    def by_exchange(self, at_ns: int) -> int:
        """A time of the recording by the exchange's clock, epoch ms."""
        return at_ns // 1_000_000 + int(self.offset_ms)

    def of(self, found: Judged) -> str:
        """Name the likeliest cause of a difference, in words."""
        match found.verdict:
            case Verdict.LATE:
                return self._of_late(found)
            case Verdict.UNJUDGED:
                if found.live is not None and found.live.early:
                    return "the start: it was said before the first frame, with which a replay begins"
                return "the recording ends here"
            case Verdict.ADDED:
                return self._of_run(found.close_ms) or self._of_records(found.close_ms) or "not said live, or unknown"
            case _:
                return self._of_change(found)

    def _of_change(self, found: Judged) -> str:
        if (open_ms := self._corrected_before(found.symbol, found.close_ms)) is not None:
            return f"corrected bar: the exchange said otherwise of {iso(open_ms)} later"
        if self._recorded and dict(self._recorded) != dict(self._settings):
            differing = [name for name in self._settings if self._recorded.get(name) != self._settings[name]]
            return f"other {' and '.join(differing) or 'settings'}: those of the run are not those here"
        live, final = found.live, found.final
        if live is not None and final is not None and live.statement.fit != final.fit:
            return f"refit adopted at another close: fit {live.statement.fit} live, {final.fit} here"
        why = self._of_run(found.close_ms) or self._of_records(found.close_ms)
        if why is not None:
            return why
        alike = live is not None and final is not None and live.statement.input_hash == final.input_hash
        if alike and found.aspect is Aspect.READING:
            return "none: the input is the same, what was recorded as said is not what it gives"
        return self._of_others(found) or "none: nothing in the recording explains it"

    def _of_others(self, found: Judged) -> str | None:
        """A bar of another symbol, which the market's part of forecasts and regimes rests on, too."""
        if found.final is None:
            return None
        for symbol in self._corrected:
            if (open_ms := self._corrected_before(symbol, found.close_ms)) is not None:
                return f"corrected bar of the market: the exchange said otherwise of {symbol} {iso(open_ms)} later"
        return None

    def _corrected_before(self, symbol: str, close_ms: int) -> int | None:
        """The open of the last minute before a close that was corrected; found by halving, as there may be many."""
        opens = self._corrected.get(symbol, [])
        found = bisect_left(opens, close_ms)
        return opens[found - 1] if found else None

    def _of_run(self, close_ms: int) -> str | None:
        """A restart, after which what was learnt before is another."""
        begun = [at_ms for at_ms in self._runs[1:] if at_ms <= close_ms + _MINUTE_MS]
        return f"restart at {iso(begun[-1])}" if begun else None

    def _of_records(self, close_ms: int) -> str | None:
        dropped = [at_ms for at_ms in self._dropped if at_ms <= close_ms + _MINUTE_MS]
        if dropped:
            return f"records are missing from the recording since {iso(dropped[-1])}"
        closed = [at_ms for at_ms in self._closed if 0 <= close_ms + _PATIENCE_MS - at_ms <= _STREAM_MS]
        return f"book gap: a stream was closed at {iso(closed[-1])}" if closed else None

    def _of_late(self, found: Judged) -> str:
        said_ms = found.close_ms if found.live is None else found.live.said_ms
        begun = [at_ms for at_ms in self._runs if 0 <= said_ms - at_ms <= _STARTING_MS]
        if begun:
            return "the start: this close was over before the first pass"
        open_ms = found.close_ms - _MINUTE_MS
        came_ms = next((at for opened, at in self._confirmed.get(found.symbol, ()) if opened == open_ms), None)
        if came_ms is None:
            fetched = self._fetched.get(found.symbol, 0) >= found.close_ms
            return "repaired gap: its bar was fetched" if fetched else "its bar did not come by the stream"
        if came_ms - found.close_ms > _PATIENCE_MS:
            return f"late bar: it came {(came_ms - found.close_ms) / 1000:.1f} s after its close"
        return "a late pass: its bar was there"
