"""What a validation says: sections of tables and checks, each with a verdict and its evidence."""

from enum import StrEnum

import msgspec

from virtuoso.operations.validate.samples import SampleFile


class Verdict(StrEnum):
    """The verdicts that a check can end with."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    OBSERVED = "observation"
    UNKNOWN = "unknown"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the traceability matrix."""

    criterion: str
    test: str
    verdict: Verdict
    evidence: str
    """What was seen, with figures; why nothing is known where it is `unknown`."""
    mend: str | None = None
    """What to look at first."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of plain texts under titles; an unknown cell is a dash."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str | None = None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One section of the report, with its checks."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    checks: tuple[Check, ...] = ()


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that a summary states; `None` is not known. They are cross-checked like everybody's.

    Attributes:
        source: whose numbers they are.
        window_s: how long was watched, as stated, seconds.
        elapsed_s: from the beginning to the end, as the times say it, seconds.
        cycles: how many passes were counted.
        interval_s: mean time from one pass to the next, seconds.
        wanted_s: the same as configured or as meant.
        skipped: passes that were due and left out because the one before took too long.
        available_pct: share of routes, or of their answers, that were good, percent.
        processes: how many processes of `role` there are.
        listed: how many of them are listed one by one.
        fetches: rounds of requests to the exchange, as (symbols, seconds).
        round_trip_ms: the shortest answer of the exchange that was measured.
        errors: errors of the log.
    """

    source: str
    window_s: float | None = None
    elapsed_s: float | None = None
    cycles: int | None = None
    interval_s: float | None = None
    wanted_s: float | None = None
    skipped: int = 0
    available_pct: float | None = None
    processes: int | None = None
    pids: tuple[int, ...] = ()
    role: str | None = None
    symbols: int | None = None
    fetches: tuple[tuple[int, float], ...] = ()
    round_trip_ms: float | None = None
    errors: int | None = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of raw samples that the report rests on."""

    name: str
    lines: int
    bytes: int
    sha256: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report; `passed` is its decision."""

    url: str
    began: str
    ended: str
    seconds: float
    window_s: float | None
    partial: bool
    by: str
    passed: bool
    decision: str
    figures: Figures
    metrics: tuple[tuple[str, str], ...]
    measures: dict[str, float]
    """What a later validation compares itself with."""
    sections: tuple[Section, ...]
    requests: tuple[str, ...]
    samples: tuple[File, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks, in the order of the sections."""
        return tuple(check for section in self.sections for check in section.checks)


def files(found: tuple[SampleFile, ...]) -> tuple[File, ...]:
    """The files of samples as the report lists them."""
    return tuple(File(name=each.name, lines=each.lines, bytes=each.size, sha256=each.sha256) for each in found)
