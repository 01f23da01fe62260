"""What all judges share: checks made short, numbers as texts, percentiles."""

from collections.abc import Iterable, Sequence
from math import ceil

from virtuoso.model.text.duration import written
from virtuoso.model.text.numbers import UNKNOWN, number_text
from virtuoso.operations.validate.report import Check, Verdict

_MOST_NAMED = 8


class Judge:
    """Makes the checks of one criterion."""

    def __init__(self, criterion: str) -> None:
        self._criterion = criterion
        self.checks: list[Check] = []

    def holds(self, test: str, good: bool | None, evidence: str, mend: str | None = None) -> None:
        """Note that a test passed or failed; `None` is that nobody can tell, and `evidence` says why."""
        verdict = Verdict.UNKNOWN if good is None else Verdict.PASS if good else Verdict.FAIL
        self._add(test, verdict, evidence, None if good else mend)

    def observed(self, test: str, evidence: str, mend: str | None = None) -> None:
        """Note something that fails nothing, and that somebody should know."""
        self._add(test, Verdict.OBSERVED, evidence, mend)

    def unknown(self, test: str, why: str) -> None:
        """Note that something could not be looked at."""
        self._add(test, Verdict.UNKNOWN, why, None)

    def _add(self, test: str, verdict: Verdict, evidence: str, mend: str | None) -> None:
        self.checks.append(Check(criterion=self._criterion, test=test, verdict=verdict, evidence=evidence, mend=mend))


def seconds(value: float | None) -> str:
    """A duration for people, to the second from a minute on."""
    if value is None:
        return UNKNOWN
    return written(round(value)) if value >= 60 else f"{number_text(value, 3)} s"


def ms(value: float | None) -> str:
    """Write milliseconds for people; *unknown* where there is no value."""
    return UNKNOWN if value is None else f"{number_text(value, 3)} ms"


def percent(value: float | None) -> str:
    """A share in percent, never 100 where something is missing from it."""
    if value is None:
        return UNKNOWN
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{'99.99' if shown == '100' and value < 100 else shown} %"


def rank(values: Iterable[float], share: float) -> float | None:
    """The value at a share of the sorted ones, by nearest rank; `None` of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


def naming(names: Iterable[str]) -> str:
    """Names in a row, cut where there are many."""
    found = list(dict.fromkeys(names))
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(found[:_MOST_NAMED]) + more


def mean(values: Sequence[float]) -> float | None:
    """Work out the mean of values; `None` where there are none."""
    return sum(values) / len(values) if values else None
