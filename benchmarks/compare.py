"""Say which ratios became worse since the baseline: `python -m benchmarks.compare [RESULT] [--baseline FILE] [--keep]`.

It measures nothing: it reads the result of `benchmarks.run`. A ratio became worse where the whole 99 % interval of its
change lies beyond 5 %. Exit code 0: none did. 1: some did. 2: nothing can be said.
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt
from pathlib import Path
from statistics import fmean, variance

from benchmarks.baseline import KEPT, Unusable, keep, read_kept, read_result
from benchmarks.figures import Ratio
from benchmarks.run import RESULT

TOLERANCE = 1.05
CONFIDENCE = 0.99
LEAST_ROUNDS = 3
WORSE = "**worse**"


@dataclass(frozen=True)
class Change:
    """By what factor a ratio became worse (less than 1: better), with its interval; `why` nothing can be said of it."""

    what: str
    factor: float = 1.0
    low: float = 1.0
    high: float = 1.0
    why: str | None = None

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.why is not None:
            return f"not compared: {self.why}"
        if self.low > TOLERANCE:
            return WORSE
        return "better" if self.high < 1.0 / TOLERANCE else "as before"


def changes(before: Mapping[str, Ratio], now: Mapping[str, Ratio]) -> list[Change]:
    """Of each ratio that either run has."""
    return [_change(what, before.get(what), now.get(what)) for what in dict.fromkeys((*before, *now))]


def _change(what: str, before: Ratio | None, now: Ratio | None) -> Change:
    if before is None or now is None:
        return Change(what, why="not in the baseline" if before is None else "not in this run")
    if before.sense != now.sense:
        return Change(what, why=f"it should be {before.sense} in the baseline, and {now.sense} now")
    fewest = min(len(before.rounds), len(now.rounds))
    if fewest < LEAST_ROUNDS:
        return Change(what, why=f"{fewest} rounds; it takes {LEAST_ROUNDS}")
    logs = [[log(value) for value in each.rounds] for each in (before, now)]
    worse = fmean(logs[1]) - fmean(logs[0])
    half = _half_width(*logs)
    if now.sense == "≥":  # less is worse
        worse = -worse
    return Change(what, exp(worse), exp(worse - half), exp(worse + half))


def _half_width(before: list[float], now: list[float]) -> float:
    """Of the interval of the difference of the means (Welch 1947): neither run need be as noisy as the other."""
    of_before, of_now = variance(before) / len(before), variance(now) / len(now)
    both = of_before + of_now
    if both == 0.0:
        return 0.0
    freedom = both**2 / (of_before**2 / (len(before) - 1) + of_now**2 / (len(now) - 1))
    from scipy.stats import t as student  # takes most of a second to load

    return float(student.ppf(0.5 + CONFIDENCE / 2, freedom)) * sqrt(both)


def as_markdown(found: list[Change]) -> str:
    """A table, the worst first."""
    rows = ["| ratio | worse by | 99 % interval | |", "| --- | --- | --- | --- |"]
    for change in sorted(found, key=lambda change: (change.why is not None, -change.factor)):
        span = "" if change.why else f"{change.low - 1:+.1%} … {change.high - 1:+.1%}"
        by = "" if change.why else f"{change.factor - 1:+.1%}"
        rows.append(f"| {change.what} | {by} | {span} | {change.verdict} |")
    return "\n".join(rows)


def judge(result: Path, baseline: Path) -> int:
    """Print how the ratios of a run changed; 1 where one became worse.

    Raises:
        Unusable: nothing can be said.
    """
    machine, _, now = read_result(result)
    before_on, before = read_kept(baseline)
    found = changes(before, now)
    print(as_markdown(found))
    if before_on["processor"] != machine["processor"]:
        raise Unusable(
            f"the baseline is of another processor ({before_on['processor']}; this is {machine['processor']}), "
            "on which ratios are others too: keep one of this by --keep"
        )
    if all(change.why is not None for change in found):
        raise Unusable("the run and the baseline have no ratio that can be compared")
    return int(any(change.verdict == WORSE for change in found))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.partition("\n")[0])
    parser.add_argument("result", type=Path, nargs="?", default=RESULT, help=f"of benchmarks.run (default {RESULT})")
    parser.add_argument("--baseline", type=Path, metavar="FILE", default=KEPT, help=f"default {KEPT.name}, beside this")
    parser.add_argument("--keep", action="store_true", help="let this run be the baseline from now on")
    options = parser.parse_args(arguments)
    try:
        if not options.keep:
            return judge(options.result, options.baseline)
        keep(*read_result(options.result), options.baseline)
        print(f"kept in {options.baseline}")
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
