"""The repaint audit: everything that was said live against the same computed on final data."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from virtuoso.model.signal import Statement
from virtuoso.playback.causes import Causes
from virtuoso.playback.comparison import MOST_FINDINGS, Aspect, Comparison, Judged, Verdict
from virtuoso.playback.final_bars import FinalBars
from virtuoso.playback.replay import Replay
from virtuoso.recording.records import Record, Said
from virtuoso.wiring.monitor import MonitorParts

FAILING = (Verdict.CHANGED, Verdict.VANISHED)
"""What no audit may find."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not the same, and why."""

    judged: Judged
    cause: str


@dataclass(slots=True)
class Audit:
    """What an audit found, counted by aspect and cause.

    Attributes:
        counts: by aspect and verdict.
        causes: how often each cause led to each verdict; its first words name it.
        findings: the first thousand that are not the same, those that fail first.
        closes: how many closes were judged.
        statements: how many statements the recording holds of the symbols that were judged.
        corrected: bars of which the exchange said otherwise later.
    """

    counts: Counter[tuple[Aspect, Verdict]] = field(default_factory=Counter)
    causes: Counter[tuple[Verdict, str]] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    closes: int = 0
    statements: int = 0
    corrected: int = 0

    @property
    def repainted(self) -> int:
        """How much of what was said changed or vanished; `findings` may hold fewer."""
        return sum(self.counts[aspect, verdict] for aspect in Aspect for verdict in FAILING)


def audited(
    records: Callable[[str], Iterable[Record]], parts: MonitorParts, settings: Mapping[str, Any],
    symbols: frozenset[str] = frozenset(),
) -> Audit:  # fmt: skip
    """Go through a recording twice: once for its final bars, once through the kernel by them.

    Args:
        records: the recording's records from the beginning, for what is named; asked for twice.
        parts: of the monitor that said it.
        settings: what a recording by these settings would say of them.
        symbols: those that are judged; all where there are none.

    Raises:
        RecordingError: it cannot be read.
    """
    bars = FinalBars()
    for record in records("reading what the exchange said last"):
        bars.learn(record)
    return _Auditor(bars, Causes(bars, settings), symbols).run(records("playing it by final bars"), parts)


class _Auditor:
    def __init__(self, bars: FinalBars, causes: Causes, symbols: frozenset[str]) -> None:
        self._bars, self._causes, self._symbols = bars, causes, symbols
        self._found = Audit(corrected=len(bars.corrected))
        self._comparison = Comparison(self._note)

    def run(self, records: Iterable[Record], parts: MonitorParts) -> Audit:
        player = Replay(parts, self._say)
        asyncio.run(player.play(self._without_said(self._bars.final(records))))
        self._comparison.finish()
        found = self._found
        found.counts, found.closes = self._comparison.counts, self._comparison.closes
        found.findings.sort(key=lambda each: (each.judged.verdict not in FAILING, each.judged.close_ms))
        return found

    def _without_said(self, records: Iterable[Record]) -> Iterator[Record]:
        """What went over the wire; what was said is taken out on the way."""
        for record in records:
            self._causes.follow(record)
            if isinstance(record, Said):
                said = self._wanted(record.statements)
                self._found.statements += len(said)
                said_ms = self._causes.by_exchange(record.at_ns)
                self._comparison.said(said_ms, record.close_ms, said, early=self._causes.early)
            else:
                yield record

    def _say(self, close_ms: int, statements: tuple[Statement, ...]) -> None:
        self._comparison.say(close_ms, self._wanted(statements))

    def _wanted(self, statements: Iterable[Statement]) -> list[Statement]:
        return [each for each in statements if not self._symbols or each.symbol in self._symbols]

    def _note(self, judged: Judged) -> None:
        cause = self._causes.of(judged)
        self._found.causes[judged.verdict, cause.partition(":")[0]] += 1
        fails, findings = judged.verdict in FAILING, self._found.findings
        if len(findings) < MOST_FINDINGS:
            findings.append(Finding(judged, cause))
        elif fails and (mild := next((f for f in findings if f.judged.verdict not in FAILING), None)) is not None:
            findings.remove(mild)
            findings.append(Finding(judged, cause))
