"""What forecasts have learnt is kept four times an hour, where a fit is new, and at the end; samples once a day."""

from types import SimpleNamespace
from typing import Any

import pytest

from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.outlook import Outlook
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.persistence.arrays import FIT, NAMES, RECENT, SAMPLES
from virtuoso.monitor.persistence.results import Results

MIDNIGHT, MINUTE = 1_748_476_800_000, 60_000


class Keeping:
    """A committer, as far as it is asked here."""

    keeps = True

    def __init__(self) -> None:
        self.kept: list[tuple[int, set[str]]] = []

    def close(self, state: Any, _: Any, __: Any, ___: Any = (), outlook: Any = None) -> None:
        self.kept.append((state.close_ms // MINUTE, set(outlook)))


@pytest.fixture
def keeping() -> Keeping:
    return Keeping()


@pytest.fixture
def results(keeping: Keeping) -> Results:
    committer: Any = keeping
    nothing: Any = SimpleNamespace()
    made = Results(nothing, committer, None, "bybit linear", nothing)
    made._checkpoints = {"S0USDT": SimpleNamespace()}  # type: ignore[dict-item]
    return made


def passed(results: Results, engine: Any, close_ms: int) -> None:
    """The publication of a pass over a close, as the cycle does it, and another one without a new close."""
    nothing: Any = SimpleNamespace(new=())
    for _ in range(2):
        kept = results.outlook(close_ms, engine) if results.keeps_outlook(close_ms, engine) else {}
        results.published(close_ms, nothing, nothing, nothing, kept)


def test_a_quarter_of_an_hour_is_lost_at_most_and_samples_are_written_once_a_day(
    results: Results, keeping: Keeping
) -> None:
    engine: Any = SimpleNamespace(outlook=Outlook(Timeframe.M1, None, SHIPPED))
    first = MIDNIGHT // MINUTE - 40
    closes = [first, *range(first + 1, first + 44), first + 75]  # between the last two it could not analyse
    for close in closes:
        passed(results, engine, close * MINUTE)
    assert [close for close, _ in keeping.kept] == closes
    kept = {close - first: names for close, names in keeping.kept if names}
    assert kept == {
        0: {SAMPLES, RECENT}, 10: {RECENT}, 25: {RECENT}, 40: {SAMPLES, RECENT}, 75: {RECENT},
    }  # fmt: skip
    engine.outlook.adopt(SHIPPED, MIDNIGHT)
    engine.outlook.resume(SHIPPED, None, None)
    passed(results, engine, (first + 76) * MINUTE)
    results.ending(results.outlook((first + 76) * MINUTE, engine))
    fit = {FIT, f"{FIT} {SHIPPED.version}"}  # to go on from, and to be looked up
    assert keeping.kept[-2:] == [(first + 76, {*fit, RECENT}), (first + 76, {RECENT})]
    assert set(NAMES) == {FIT, SAMPLES, RECENT}


def test_nothing_is_kept_without_a_database_or_forecasts_or_before_a_close(results: Results, keeping: Keeping) -> None:
    without: Any = SimpleNamespace(outlook=None)
    assert not results.keeps_outlook(MIDNIGHT, without)
    assert results.outlook(MIDNIGHT, without) == {}
    engine: Any = SimpleNamespace(outlook=Outlook(Timeframe.M1, None, SHIPPED))
    results.ending(results.outlook(MIDNIGHT, engine))
    assert keeping.kept == []
    keeping.keeps = False
    assert not results.keeps_outlook(MIDNIGHT, engine)
    assert results.outlook(MIDNIGHT, engine) == {}
