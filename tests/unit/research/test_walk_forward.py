"""Walking forward joins every forecast with what followed it, whatever the length of blocks, in bounded memory."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tests.support.forecasts import FIRST_MS, bars, pieces

from virtuoso.analysis.forecast.fits.fit import Fit, fitted
from virtuoso.analysis.forecast.outcomes import following
from virtuoso.analysis.forecast.training import TrainingSet
from virtuoso.market.panel import BarBlock
from virtuoso.model.timeframe import Timeframe
from virtuoso.research.forecasting.walk import ForecastBlock, WalkForward
from virtuoso.research.seams import Seam

M5 = Timeframe.M5
DAY = 288
SYMBOLS = ("AUSDT", "BUSDT", "CUSDT", "DUSDT")


@pytest.fixture(scope="module")
def history() -> BarBlock:
    return bars(4 * DAY + 50, len(SYMBOLS), seed=5, holes=2, timeframe=M5, bp=14.0)


def walked(history: BarBlock, lengths: list[int], start: Fit | None = None) -> list[ForecastBlock]:
    return list(WalkForward(SYMBOLS, M5, start=start).blocks(pieces(history, lengths)))


def joined(blocks: list[ForecastBlock]) -> dict[str, np.ndarray]:
    return {
        "close_ms": np.concatenate([b.forecasts.close_ms for b in blocks]),
        "volatility": np.concatenate([b.forecasts.volatility[15] for b in blocks]),
        "realised": np.concatenate([b.realised for b in blocks], axis=1),
        **{
            name: np.concatenate([getattr(b.outcomes, name) for b in blocks], axis=1)
            for name in ("close", "high", "low")
        },
    }


def test_every_close_comes_out_once_with_what_followed_it(history: BarBlock) -> None:
    found = joined(walked(history, [48] * 26))
    assert np.array_equal(found["close_ms"], history.open_ms + M5.ms)
    expected = following(history, (3, 12, 48))
    for name in ("close", "high", "low"):
        assert found[name] == pytest.approx(getattr(expected, name), abs=1e-6, nan_ok=True), name
    again = joined(walked(history, [7] * 200))
    assert all(np.array_equal(again[name], values, equal_nan=True) for name, values in found.items())


def test_a_fit_holds_from_five_minutes_past_midnight(history: BarBlock) -> None:
    blocks = walked(history, [48] * 26)
    versions = {b.forecasts.version: int(b.forecasts.close_ms[0]) for b in reversed(blocks)}
    del versions[None]
    assert {(close_ms - FIRST_MS) % Timeframe.D1.ms for close_ms in versions.values()} == {M5.ms}
    assert len(versions) >= 2


def test_a_fit_that_has_seen_the_set_is_left_aside(history: BarBlock) -> None:
    walk = WalkForward(SYMBOLS, M5)
    list(walk.blocks([history]))
    fit = fitted(walk.forecaster.training_set(FIRST_MS + 4 * DAY * M5.ms))
    assert fit is not None
    assert walked(history, [300], fit)[0].forecasts.version is None
    before = replace(fit, last_ms=FIRST_MS - 1)
    assert walked(history, [300], before)[0].forecasts.version == before.version


@pytest.fixture(scope="module")
def training(history: BarBlock) -> TrainingSet:
    walk = WalkForward(SYMBOLS, M5)
    list(walk.blocks([history]))
    return walk.forecaster.training_set(FIRST_MS + 4 * DAY * M5.ms)


def fit_to(training: TrainingSet, prior: Fit | None = None) -> Fit:
    found = fitted(training, prior)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["volatility", "spread", "table", "large", "beyond", "direction"])
def test_each_part_of_a_fit_is_shrunk_to_that_of_its_prior(training: TrainingSet, name: str) -> None:
    same = replace(fit_to(training), last_ms=int(training.close_ms[0]) - 1)
    wanted = getattr(same, name) + 0.5
    before, after = (getattr(fit_to(training, prior), name) for prior in (same, replace(same, **{name: wanted})))
    assert np.abs(after - wanted).mean() < 0.98 * np.abs(before - wanted).mean()


def test_a_prior_that_saw_the_samples_or_lacks_a_part_is_left_aside(training: TrainingSet) -> None:
    alone = fit_to(training)
    other = replace(alone, large=alone.large + 1.0, last_ms=int(training.close_ms[0]) - 1)
    assert fit_to(training, other).version != alone.version
    for unfit in (replace(other, last_ms=other.last_ms + 1), replace(other, spread=other.spread * np.nan)):
        assert fit_to(training, unfit).version == alone.version
    late = replace(training, close_ms=np.append(training.close_ms[1:], training.close_ms[0]))  # one that came apart
    between = replace(other, last_ms=int(training.close_ms[0]))
    assert fit_to(late, between).version == fit_to(late).version


def test_a_fit_to_many_days_leaves_its_prior_behind(training: TrainingSet) -> None:
    """The same samples, as if each were of another day: what the prior is worth is divided by the days."""
    alone = fit_to(training)
    prior = replace(alone, large=alone.large + 1.0, spread=alone.spread + 1.0, last_ms=int(training.close_ms[0]) - 1)
    many = replace(training, close_ms=training.close_ms + np.arange(training.close_ms.size) * Timeframe.D1.ms)
    few_off, many_off = (
        sum(
            np.abs(getattr(fit_to(known, prior), name) - getattr(fit_to(known), name)).sum()
            for name in ("large", "spread")
        )
        for known in (training, many)
    )
    assert many_off < 0.1 * few_off


def test_no_more_waits_than_the_longest_horizon_and_a_block(history: BarBlock) -> None:
    read: list[int] = []

    def counted() -> Iterator[BarBlock]:
        for block in pieces(history, [26] * 47):
            read.append(block.open_ms.size)
            yield block

    given = 0
    for block in WalkForward(SYMBOLS, M5).blocks(counted()):
        given += block.forecasts.close_ms.size
        assert sum(read) - given <= 48 + 2 * 26 or sum(read) == history.open_ms.size
    assert given == history.open_ms.size


def test_the_cost_of_bars_is_taken_where_none_is_given(history: BarBlock) -> None:
    blocks = list(WalkForward(SYMBOLS, M5, cost_bp=None).blocks([history]))
    cost = np.concatenate([b.forecasts.cost_bp for b in blocks])
    assert (cost[20:, 1:] > 11.0).all()
    assert np.nanmax(cost) < 60.0


def test_a_symbol_begins_anew_where_its_contract_became_another(history: BarBlock) -> None:
    seam = Seam(SYMBOLS[1], 1, int(history.open_ms[700]), 3)
    found = joined(list(WalkForward(SYMBOLS, M5).blocks([history], [seam])))
    without = joined(walked(history, [history.open_ms.size]))
    assert np.isnan(found["close"][0, 697:699, 1]).all()
    assert np.isfinite(found["close"][0, [696, 699], 1]).all()
    assert np.array_equal(found["close"][:, :, 2], without["close"][:, :, 2], equal_nan=True)
