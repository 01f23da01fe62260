"""A fit is made beside the cycle and holds from a fixed close; what is kept of it comes back as it was."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from virtuoso.analysis.forecast.fits.fit import Fit
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.training import TrainingPool, TrainingSet
from virtuoso.monitor.cycle.refits import Refits, fitted_apart
from virtuoso.monitor.persistence.arrays import read, written

MIDNIGHT = 1_748_476_800_000
MINUTE = 60_000


class Taking:
    """An outlook, as far as fits go there."""

    def __init__(self) -> None:
        self.adopted: list[tuple[str, int]] = []

    def adopt(self, fit: Fit, known_ms: int) -> None:
        self.adopted.append((fit.version, known_ms))


def training() -> TrainingSet:
    return TrainingPool(MINUTE).known(MIDNIGHT)


async def settled(fitting: Any, *closes: int, asked: int = 0) -> list[list[tuple[str, int]]]:
    """What was adopted after each of the closes, of a fit asked for `asked` minutes after midnight."""
    outlook, found = Taking(), []
    engine: Any = SimpleNamespace(outlook=outlook)
    with ThreadPoolExecutor(1) as worker:
        refits = Refits(engine, worker, fitting)
        refits.begin(training(), MIDNIGHT + asked * MINUTE)
        for close in closes:
            await refits.settle(MIDNIGHT + close * MINUTE)
            found.append(list(outlook.adopted))
        await refits.stop()
    return found


async def test_a_fit_is_adopted_before_the_close_five_minutes_later_and_not_earlier() -> None:
    async def fitting(_: TrainingSet) -> Fit:
        return SHIPPED

    once = [(SHIPPED.version, MIDNIGHT)]
    assert await settled(fitting, 1, 4, 5, 6) == [[], [], once, once]


async def test_a_fit_that_was_missed_is_adopted_before_the_next_close() -> None:
    async def fitting(_: TrainingSet) -> Fit:
        return SHIPPED

    with structlog.testing.capture_logs() as logs:
        assert await settled(fitting, 601, asked=600) == [[(SHIPPED.version, MIDNIGHT)]]
    assert [entry["event"] for entry in logs] == ["refit begun that was missed", "fit adopted"]


async def test_a_fit_that_fails_or_has_too_little_leaves_the_one_before() -> None:
    async def failing(_: TrainingSet) -> Fit:
        raise ValueError("no fit")

    assert await settled(failing, 5) == [[]]
    assert await settled(None, 5) == [[]], "nothing is known: too little"


async def test_a_fit_that_is_late_holds_once_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("virtuoso.monitor.cycle.refits._SETTLE_S", 0.0)
    there = asyncio.Event()

    async def fitting(_: TrainingSet) -> Fit:
        await there.wait()
        return SHIPPED

    outlook = Taking()
    engine: Any = SimpleNamespace(outlook=outlook)
    with ThreadPoolExecutor(1) as worker:
        refits = Refits(engine, worker, fitting)
        refits.begin(training(), MIDNIGHT)
        await refits.settle(MIDNIGHT + 5 * MINUTE)
        assert outlook.adopted == []
        there.set()
        monkeypatch.setattr("virtuoso.monitor.cycle.refits._SETTLE_S", 5.0)
        await refits.settle(MIDNIGHT + 6 * MINUTE)
    assert outlook.adopted == [(SHIPPED.version, MIDNIGHT)]


async def test_a_process_of_its_own_says_what_the_worker_says() -> None:
    assert await fitted_apart(training()) is None


def test_the_shipped_fit_comes_back_as_it_was() -> None:
    assert Fit.of(read(written(SHIPPED.arrays()))).version == SHIPPED.version


@given(
    st.dictionaries(
        st.text(max_size=5), arrays(np.float64, st.tuples(st.integers(0, 3), st.integers(0, 4))), max_size=3
    )
)
def test_arrays_come_back_to_the_last_bit(kept: dict[str, np.ndarray]) -> None:
    found = read(written(kept))
    assert {name: (a.shape, a.tobytes()) for name, a in found.items()} == {
        name: (a.shape, a.tobytes()) for name, a in kept.items()
    }


@pytest.mark.parametrize("text", ["", "[]", '{"a": [[2], "AA=="]}', '{"a": [[3], "eJwDAAAAAAE="]}', '{"a": 1}'])
def test_what_is_no_text_of_arrays_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read(text)
