"""Documents of how long the passes of the monitor took: over hours, and one of them explained."""

import msgspec


class PassTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long passes took, stage by stage: one of them, or what is usual of several."""

    total: float | None
    """The whole pass, ms; `null` where it is not known."""
    refresh: float | None
    """Its first stage, fetching what is missing, ms; `null` where it was not reached."""
    analyse: float | None
    """Its second stage, scoring the closed bars, ms; `null` where it was not reached."""
    decide: float | None
    """Its third stage, judging what is told, ms; `null` where it was not reached."""
    publish: float | None
    """Its last stage, publishing documents, ms; `null` where it was not reached."""


class PassGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The passes that ended within a stretch of time."""

    since: str
    """When the stretch began, ISO 8601 in UTC."""
    count: int
    """How many passes ended in it."""
    failed: int
    """How many of them failed."""
    slowest: float | None
    """How long the longest of them took, ms; `null` where it is not known of any."""
    median: PassTimes
    """The median of them, stage by stage."""


class SlowPass(msgspec.Struct, frozen=True, kw_only=True):
    """One of the passes that took longest."""

    ended: str
    """When it ended, ISO 8601 in UTC."""
    ok: bool
    """Whether it succeeded."""
    symbols: int
    """How many symbols had a reading after it."""
    times: PassTimes
    """How long it took, stage by stage: they follow each other."""


class StageExplained(msgspec.Struct, frozen=True, kw_only=True):
    """Tells how long a stage of one pass took, how long it usually takes, and which parts of it took how long."""

    began_ms: float
    """When it began, ms after the pass did."""
    ms: float
    """How long it took, ms."""
    usual_ms: float | None
    """The median of the latest 500 before it, ms; `null` where it was the first."""
    parts: dict[str, float]
    """What of it was measured apart, ms by name: `fit` and `worker` are waited for, `week`, `rewarm`, `factors`,
    `forecast`, `documents` are done."""


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a thread of the process was seen."""

    thread: str
    """Its name: `MainThread` is the event loop's, `analysis_0` the worker's."""
    at: str
    """The function that it was in, as `module:function`, and behind `>` what that had called; or `nothing to do`."""
    share: float
    """How often, of all looks, 0–1."""


class PassExplained(msgspec.Struct, frozen=True, kw_only=True):
    """One pass, and what took its time."""

    ended: str
    """When it ended, ISO 8601 in UTC."""
    ok: bool
    """Whether it succeeded."""
    took_ms: float
    """How long it took, ms."""
    budget_ms: float | None
    """From when on a pass is slow (`monitoring.alerts.slow_cycle`), ms; `null` where none is."""
    stages: dict[str, StageExplained]
    """Its stages, in their order."""
    fetched: dict[str, float]
    """The symbols whose missing bars took longest to fetch, five at most, ms."""
    alone: tuple[str, ...]
    """Symbols that were analysed one by one, five at most."""
    cpu_ms: float
    """Processor time that the whole process took meanwhile, ms: far less than `took_ms` means that it waited, or that
    others had the processor."""
    collections_ms: float
    """How much of it the garbage collector took, ms."""
    where: tuple[Whereabouts, ...]
    """Where threads were seen most often, looked at every 20 ms from half the budget on; nothing where it was over by
    then."""


class MonitoringHistory(msgspec.Struct, frozen=True, kw_only=True):
    """`/api/monitoring/history`: how long the passes of the last hours took, as it was kept."""

    step_s: int
    """Length of a stretch, seconds."""
    groups: tuple[PassGroup, ...]
    """The stretches in which passes ended, oldest first; those without are left out, as while the monitor was away."""
    slowest: tuple[SlowPass, ...]
    """The passes that took longest, five at most, the longest first."""
    reason: str | None = None
    """Why there is nothing: no time series is kept, or it does not answer; `null` otherwise."""
