"""Times the passes, stage by stage; a pass that took longer than its budget is explained."""

import gc
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from heapq import nlargest
from math import inf
from typing import Any

from virtuoso.model.alerts.incident import Details
from virtuoso.model.clock import iso
from virtuoso.model.documents import PassExplained, StageExplained
from virtuoso.model.text.numbers import number_text
from virtuoso.operations.latency import STAGES, Latencies
from virtuoso.operations.metrics import Durations
from virtuoso.operations.sampling import Sampler, Samples

_KEPT = 500
"""As many as the durations of stages are of."""
_SYMBOLS, _PLACES = 5, 8


@dataclass(slots=True)
class _Pass:
    """What is noted of the pass that goes on. Parts are added on the worker too; one of them at a time."""

    began_s: float
    cpu_s: float
    sampler: Sampler | None
    stages: dict[str, float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)
    parts: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))
    stage: str = ""
    fetched: Mapping[str, float] = field(default_factory=dict)
    alone: list[str] = field(default_factory=list)
    collected_s: float = 0.0
    _collecting_s: float = 0.0

    def collection(self, phase: str, _: Mapping[str, Any]) -> None:
        """Called by the garbage collector."""
        now_s = time.perf_counter()
        if phase == "start":
            self._collecting_s = now_s
        elif self._collecting_s:
            self.collected_s += now_s - self._collecting_s


class PassTimes:
    """Used by the cycle: `begin`, each stage `timed`, `end`.

    Attributes:
        stages: how long each stage took of late, and the `total`.
        slow: the latest pass that took longer than its budget; `None` before one did.
        passed: called with each pass that is over.
    """

    def __init__(self, latency: Latencies) -> None:
        self.stages: dict[str, Durations] = defaultdict(Durations)
        self.slow: PassExplained | None = None
        self.passed: Callable[[PassExplained], None] = lambda _: None
        self._latency = latency
        self._recent: deque[PassExplained] = deque(maxlen=_KEPT)
        self._now = _Pass(0.0, 0.0, None)

    @property
    def slowest(self) -> PassExplained | None:
        """The slowest of the latest 500 passes; `None` before the first."""
        return max(self._recent, key=lambda each: each.took_ms, default=None)

    def latest(self, passes: int) -> tuple[PassExplained, ...]:
        """So many of the latest 500, oldest first."""
        return tuple(self._recent)[max(0, len(self._recent) - passes) :]

    def begin(self, budget_s: float) -> None:
        """A pass begins; what the process does is looked at once half its budget is used up."""
        sampler = None
        if budget_s < inf:
            with suppress(RuntimeError):  # no thread can be had: the pass goes on, and nobody looks
                sampler = Sampler(budget_s / 2)
        self._leave()
        self._now = _Pass(time.perf_counter(), time.process_time(), sampler)
        gc.callbacks.append(self._now.collection)

    def _leave(self) -> Samples | None:
        """Stop looking at the pass that goes on; one that begins meanwhile takes its place."""
        one = self._now
        if one.collection in gc.callbacks:
            gc.callbacks.remove(one.collection)
        return None if one.sampler is None else one.sampler.end()

    @asynccontextmanager
    async def timed(self, stage: str) -> AsyncIterator[None]:
        """Around a stage of the pass; stages follow each other."""
        began = time.perf_counter()
        self._now.stage = stage
        try:
            yield
        finally:
            seconds = time.perf_counter() - began
            self._now.stages[stage], self._now.began[stage] = seconds, began - self._now.began_s
            if stage in STAGES:
                self._latency.add(stage, seconds)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Around a part of the stage that goes on, which may be waited for."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.took(name, time.perf_counter() - began)

    def took(self, name: str, seconds: float) -> None:
        """A part of the stage that goes on took so long."""
        self._now.parts[self._now.stage][name] += seconds

    def fetched(self, seconds: Mapping[str, float]) -> None:
        """Bars of symbols were fetched, each in so many seconds."""
        self._now.fetched = seconds

    def alone(self, symbol: str) -> None:
        """A symbol was analysed by itself."""
        self._now.alone.append(symbol)

    def end(self, budget_s: float, now_ms: int, *, ok: bool) -> PassExplained:
        """The pass is over: what it took, and why."""
        one = self._now
        seconds = time.perf_counter() - one.began_s
        seen = self._leave()
        where = () if seen is None else seen.where(_PLACES)
        usual = {stage: times.p50 for stage, each in self.stages.items() if (times := each.times())}
        for stage, took_s in (*one.stages.items(), ("total", seconds)):
            self.stages[stage].add(took_s * 1e3)
        fetched = nlargest(_SYMBOLS, one.fetched.items(), key=lambda each: each[1])
        found = PassExplained(
            ended=iso(now_ms) or "",
            ok=ok,
            took_ms=_ms(seconds),
            budget_ms=None if budget_s == inf else _ms(budget_s),
            stages={
                stage: StageExplained(
                    began_ms=_ms(one.began[stage]),
                    ms=_ms(took_s),
                    usual_ms=usual.get(stage),
                    parts={name: _ms(part_s) for name, part_s in one.parts.get(stage, {}).items()},
                )
                for stage, took_s in one.stages.items()
            },
            fetched={symbol: _ms(took_s) for symbol, took_s in fetched},
            alone=tuple(one.alone[:_SYMBOLS]),
            cpu_ms=_ms(time.process_time() - one.cpu_s),
            collections_ms=_ms(one.collected_s),
            where=where,
        )
        self._recent.append(found)
        self.passed(found)
        if seconds >= budget_s:
            self.slow = found
        return found


def why_slow(one: PassExplained) -> tuple[str, Details]:
    """What took the time of a pass, in words and as details of its incident."""
    stage, found = max(one.stages.items(), key=lambda item: item[1].ms, default=("", None))
    details: Details = {"cpu_s": one.cpu_ms / 1e3, "collections_s": one.collections_ms / 1e3}
    if found is None:
        return "no stage was reached", details
    said = f"{stage} took {_s(found.ms)}"
    details |= {"stage": stage, "stage_s": found.ms / 1e3}
    if found.usual_ms is not None:
        said += f" (usually {_s(found.usual_ms)})"
        details |= {"usual_s": found.usual_ms / 1e3}
    if found.parts:
        part, ms = max(found.parts.items(), key=lambda item: item[1])
        said += f", {_s(ms)} of it {part}"
        details |= {"part": part, "part_s": ms / 1e3}
    symbols = [f"{symbol} {_s(ms)}" for symbol, ms in one.fetched.items()] if stage == "refresh" else one.alone
    if symbols:
        said += f"; {'slowest' if stage == 'refresh' else 'analysed alone'}: {', '.join(symbols)}"
        details |= {"symbols": ", ".join(symbols)}
    said += f"; {_s(one.cpu_ms)} of processor time"
    if one.where:
        at = ", ".join(f"{each.at} ({each.share:.0%} of {each.thread})" for each in one.where[:2])
        said += f"; seen most often: {at}"
        details |= {"where": at}
    return said, details


def _ms(seconds: float) -> float:
    return round(seconds * 1e3, 3)


def _s(ms: float) -> str:
    return f"{number_text(ms / 1e3, 2)} s"
