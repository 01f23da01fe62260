"""What was measured: samples by participant, the ratios between them, and whether a target is met."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any


@dataclass(frozen=True)
class Series:
    """Samples of one participant, one a round; smaller is better unless the unit is a rate."""

    name: str
    unit: str
    samples: Sequence[float]

    @property
    def median(self) -> float:
        """Median of the samples."""
        return median(self.samples)

    @property
    def best(self) -> float:
        """The sample least disturbed: the smallest time, the greatest rate."""
        return max(self.samples) if self.unit.endswith("/s") else min(self.samples)

    @property
    def spread(self) -> float:
        """|median / best − 1|: the noise of this run."""
        return abs(self.median / self.best - 1.0)

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "name": self.name,
            "unit": self.unit,
            "samples": list(self.samples),
            "min": min(self.samples),
            "median": self.median,
            "best": self.best,
        }


def by_rounds(over: Series, under: Series) -> list[float]:
    """The ratio of two participants in each round: they took turns, so that what disturbed one disturbed both.

    One that had several turns in each round counts by their mean.
    """
    rounds = min(len(over.samples), len(under.samples))
    means = [_means(each.samples, rounds) for each in (over, under)]
    return [one / other for one, other in zip(*means, strict=True)]


def _means(samples: Sequence[float], rounds: int) -> list[float]:
    """Of each round.

    Raises:
        ValueError: not every round had as many turns.
    """
    turns, rest = divmod(len(samples), rounds)
    if rest:
        raise ValueError(f"{len(samples)} samples are no whole number of turns in {rounds} rounds")
    return [fmean(samples[at : at + turns]) for at in range(0, len(samples), turns)]


@dataclass(frozen=True)
class Ratio:
    """A ratio to a peer, round by round; `sense` says which way it should be, as a `Target` does."""

    sense: str
    rounds: tuple[float, ...]


@dataclass(frozen=True)
class Target:
    """A figure to be met: by the medians, with the best samples shown beside it. `sense` is `≤` or `≥`.

    `rounds` are the ratios to a peer round by round, by which runs are compared; a figure without a peer has none.
    """

    what: str
    sense: str
    bound: float
    median: float
    best: float
    unit: str = "×"
    rounds: Sequence[float] = ()

    @classmethod
    def ratio(cls, what: str, sense: str, bound: float, over: Series, under: Series) -> "Target":
        """`over / under`, of medians and of best samples."""
        median, best = over.median / under.median, over.best / under.best
        return cls(what, sense, bound, median, best, rounds=by_rounds(over, under))

    @classmethod
    def value(cls, what: str, sense: str, bound: float, series: Series) -> "Target":
        """The series itself."""
        return cls(what, sense, bound, series.median, series.best, series.unit)

    @property
    def met(self) -> bool:
        """Whether the median meets the bound."""
        return self.median <= self.bound if self.sense == "≤" else self.median >= self.bound

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {**self.__dict__, "rounds": list(self.rounds), "met": self.met}


@dataclass
class Section:
    """One part of the benchmark."""

    name: str
    title: str
    series: list[Series] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {
            "name": self.name,
            "title": self.title,
            "series": [series.as_dict() for series in self.series],
            "targets": [target.as_dict() for target in self.targets],
            "notes": self.notes,
            "versions": self.versions,
        }
