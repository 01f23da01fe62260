"""The tool that makes the shipped fit leaves out what has seen the demo's days, and writes what it found."""

import numpy as np
import pytest
from tools.fit_forecasts import EMBARGO_MS, MEMORY_MS, joined, module, purged

from virtuoso.analysis.forecast.fits.fit import Fit
from virtuoso.analysis.forecast.fits.shipped import SHIPPED
from virtuoso.analysis.forecast.training import TrainingSet

DAY_MS = 86_400_000


def training(days: int, first: int = 0) -> TrainingSet:
    close_ms = DAY_MS * first + np.arange(days * 24, dtype=np.int64) * DAY_MS // 24
    m = close_ms.size
    return TrainingSet(
        until_ms=int(close_ms[-1]), close_ms=close_ms, volatility=np.zeros((6, m)), market=np.zeros(m),
        trend=np.zeros((3, m)), threshold=np.zeros((2, m)), cost_bp=np.zeros(m), realised=np.zeros((3, m)),
        returns=np.tile(np.arange(m, dtype=float), (2, 1)),
    )  # fmt: skip


def test_nothing_that_has_seen_the_days_left_out_is_kept() -> None:
    whole = training(40)
    kept = purged(whole, 10 * DAY_MS, 14 * DAY_MS)
    assert kept.close_ms[kept.close_ms < 14 * DAY_MS].max() <= 10 * DAY_MS - EMBARGO_MS
    assert kept.close_ms[kept.close_ms > 10 * DAY_MS].min() > 14 * DAY_MS + MEMORY_MS
    assert np.array_equal(kept.returns[0], kept.close_ms / (DAY_MS // 24))


def test_sets_are_put_together_and_an_empty_one_does_not_count_as_seen() -> None:
    late = purged(training(5, first=100), 99 * DAY_MS, 106 * DAY_MS)
    assert late.close_ms.size == 0
    both = joined([training(3), late])
    assert both.until_ms == 3 * DAY_MS - DAY_MS // 24
    assert both.realised.shape == (3, 72)


def test_the_written_module_holds_the_fit() -> None:
    names: dict[str, Fit] = {}
    exec(module(SHIPPED, ["a", "b"]), names)
    assert names["SHIPPED"].version == SHIPPED.version
    assert max(map(len, module(SHIPPED, ["a"]).splitlines())) <= 120
    with pytest.raises(ValueError, match="another version"):
        Fit.of({})
