"""The document of how long the passes of the monitor took, over hours."""

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
