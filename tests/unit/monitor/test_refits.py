"""A fit is made beside the cycle and holds from a fixed close; what is kept of it comes back as it was."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from virtuoso.analysis.forecast.features import SPANS
from virtuoso.analysis.forecast.fits.fit import Fit, fitted
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.training import TrainingPool, TrainingSet
from virtuoso.model.timeframe import DAY_MS
from virtuoso.monitor.cycle.refits import Fitting, Refits, fitted_apart
from virtuoso.monitor.persistence.arrays import read, written

MIDNIGHT = 1_748_476_800_000
MINUTE = 60_000


class Taking:
    """An outlook, as far as fits go there."""

    def __init__(self) -> None:
        self.adopted: list[tuple[str, int]] = []

    def adopt(self, fit: Fit, from_ms: int) -> None:
        self.adopted.append((fit.version, (from_ms - MIDNIGHT) // MINUTE))


def training() -> TrainingSet:
    return TrainingPool(MINUTE).known(MIDNIGHT)


@asynccontextmanager
async def begun(fitting: Fitting | None, close: int = 0) -> AsyncIterator[tuple[Refits, Taking, list[tuple[int, int]]]]:
    """Refits of which one was asked for so many minutes after midnight, what was adopted, and what was put off."""
    outlook, late = Taking(), list[tuple[int, int]]()
    engine: Any = SimpleNamespace(outlook=outlook)
    with ThreadPoolExecutor(1) as worker:
        refits = Refits(engine, worker, fitting, lambda known, at: late.append((known, (at - MIDNIGHT) // MINUTE)))
        refits.begin(training(), MIDNIGHT + close * MINUTE)
        yield refits, outlook, late
        await refits.stop()


async def settled(fitting: Fitting | None, *closes: int, begin: int = 0) -> list[list[tuple[str, int]]]:
    """What was adopted after each of the closes."""
    found = []
    async with begun(fitting, begin) as (refits, outlook, _):
        for close in closes:
            await asyncio.sleep(0)
            await refits.settle(MIDNIGHT + close * MINUTE)
            found.append(list(outlook.adopted))
    return found


def lived(days: int = 3, a_day: int = 200) -> TrainingSet:
    """Made-up samples of the days before midnight."""
    rng, m = np.random.default_rng(5), days * a_day
    volatility = rng.normal(-7.0, 0.3, (SPANS, m))
    realised = volatility[:3] + np.log([[15.0], [60.0], [240.0]]) / 2 + rng.normal(0.0, 0.2, (3, m))
    returns = np.exp(realised[:2]) * rng.standard_normal((2, m))
    return TrainingSet(
        until_ms=MIDNIGHT, close_ms=MIDNIGHT - np.arange(m, 0, -1) * (days * DAY_MS // m), volatility=volatility,
        market=rng.normal(0.0, 0.2, m), trend=rng.normal(0.0, 1e-3, (3, m)), threshold=np.full((2, m), 2e-3),
        cost_bp=np.full(m, 12.0), realised=realised, returns=returns,
    )  # fmt: skip


async def test_what_was_lived_is_shrunk_to_the_shipped_fit_wherever_it_is_fitted() -> None:
    wanted, alone = fitted(lived(), SHIPPED), fitted(lived())
    assert wanted is not None
    assert alone is not None
    assert wanted.version != alone.version
    apart = await fitted_apart(lived())
    assert apart is not None
    assert apart.version == wanted.version
    outlook = Taking()
    engine: Any = SimpleNamespace(outlook=outlook)
    with ThreadPoolExecutor(1) as worker:
        refits = Refits(engine, worker, None)
        refits.begin(lived(), MIDNIGHT)
        await refits.settle(MIDNIGHT + 4 * MINUTE)
    assert outlook.adopted == [(wanted.version, 5)]


async def at_once(_: TrainingSet) -> Fit:
    return SHIPPED


async def test_a_fit_is_decided_on_a_minute_before_the_close_that_is_stated() -> None:
    once = [(SHIPPED.version, 5)]
    assert await settled(at_once, 1, 3, 4, 5) == [[], [], once, once]


@pytest.mark.parametrize(("asked", "holds"), [(0, 5), (3, 5), (4, 10), (5, 10), (8, 10), (9, 15), (724, 730)])
async def test_one_that_was_missed_holds_from_the_next_close_that_is_stated(asked: int, holds: int) -> None:
    assert await settled(at_once, asked + 1, holds - 1, begin=asked) == [
        [(SHIPPED.version, holds)] if asked + 1 == holds - 1 else [], [(SHIPPED.version, holds)],
    ]  # fmt: skip


async def test_a_fit_that_fails_or_has_too_little_leaves_the_one_before() -> None:
    async def failing(_: TrainingSet) -> Fit:
        raise ValueError("no fit")

    assert await settled(failing, 4) == [[]]
    assert await settled(None, 4) == [[]], "nothing is known: too little"


async def test_a_fit_that_is_late_holds_from_the_next_stated_close_in_a_replay_too() -> None:
    there = asyncio.Event()

    async def late(_: TrainingSet) -> Fit:
        await there.wait()
        return SHIPPED

    async with begun(late) as (refits, outlook, put_off):
        for close in (1, 4, 5, 6):
            await refits.settle(MIDNIGHT + close * MINUTE)
        assert (outlook.adopted, put_off) == ([], [(MIDNIGHT, 10)])
        there.set()
        for close in (7, 8, 9, 10):
            await asyncio.sleep(0)
            await refits.settle(MIDNIGHT + close * MINUTE)
        assert (outlook.adopted, put_off) == ([(SHIPPED.version, 10)], [(MIDNIGHT, 10)])
    async with begun(at_once) as (replayed, outlook, put_off):
        await asyncio.sleep(0)
        await replayed.settle(MIDNIGHT + 4 * MINUTE)
        await replayed.put_off(MIDNIGHT - 1, MIDNIGHT + 20 * MINUTE)  # of another fit
        await replayed.put_off(MIDNIGHT, MIDNIGHT + 10 * MINUTE)
        assert (outlook.adopted, put_off) == ([(SHIPPED.version, 5), (SHIPPED.version, 10)], [])


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
