"""Figures from sums of days against those of research from every reading, which are made another way."""

import numpy as np
import pytest
from tests.support.lived import CLOSE_MS, came, statements

from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN, TAILS
from virtuoso.analysis.lived.came import Came
from virtuoso.analysis.lived.performance import FEWEST, FEWEST_CLAIMS, group_rows, horizon_quality
from virtuoso.analysis.lived.statements import Statements
from virtuoso.analysis.lived.sums import GroupSums
from virtuoso.analysis.quality.blocks import Blocks
from virtuoso.analysis.quality.figures import Figure
from virtuoso.model.catalogue.lived import SIGNAL
from virtuoso.model.documents import LivedFigure
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.judging import cones, probabilities

SYMBOLS, DAYS, A_DAY = 3, 8, 24
Parts = list[tuple[Statements, Came]]


@pytest.fixture(scope="module")
def parts() -> Parts:
    rng = np.random.default_rng(2)
    closes = [CLOSE_MS + day * DAY_MS + k * (DAY_MS // A_DAY) for day in range(DAYS) for k in range(A_DAY)]
    said = [statements(rng, SYMBOLS, close_ms=close) for close in closes]
    return [(each, came(rng, each, 60, missing=k % 2)) for k, each in enumerate(said)]


def by_day(parts: Parts) -> dict[int, GroupSums]:
    days: dict[int, GroupSums] = {}
    for said, after in parts:
        days.setdefault(said.close_ms // DAY_MS, GroupSums()).add(said, after)
    return days


def same(found: LivedFigure, other: Figure) -> None:
    assert (found.n, found.days) == (other.n, other.days)
    for a, b in ((found.value, other.value), (found.low, other.lower), (found.high, other.upper)):
        assert a == pytest.approx(b, rel=1e-7, abs=1e-9)


def test_the_figures_are_those_of_research(parts: Parts) -> None:
    found = horizon_quality(60, by_day(parts), {})
    blocks = Blocks(np.array([said.close_ms for said, _ in parts]), 60)
    returned = np.stack([after["closed"] for _, after in parts])

    def of(name: str) -> np.ndarray:
        return np.stack([said[name] for said, _ in parts])

    large = np.where(np.isfinite(returned), np.abs(returned) > of("large_move_threshold_60"), np.nan)
    p, base = of("large_move_60"), of("large_move_base_60")
    judged = probabilities.quality(p, large, base, base, blocks)
    same(found.large_move.skill, judged.skill)
    same(found.large_move.log_skill, judged.log_skill)
    same(found.large_move.calibration_error, judged.calibration_error)
    same(found.large_move.came, judged.rate)
    assert found.large_move.skill.n_eff == pytest.approx(judged.skill.n_eff, rel=1e-6)
    quantiles = np.stack([of(f"cone_60_{i}") for i in range(6)])
    bands = cones.bands(quantiles, returned, TAILS, np.ones(returned.shape, dtype=bool), blocks)
    for mine, theirs in zip(found.cone.bands, bands, strict=True):
        same(mine.inside, theirs.inside)
        same(mine.below, theirs.below)
        same(mine.above, theirs.above)
    loss = 1e4 * np.nanmean(cones.pinball(quantiles, returned, TAILS))
    assert found.cone.pinball_bp.value == pytest.approx(loss, rel=1e-7)
    assert found.readings == np.isfinite(returned).sum()
    assert found.unknown == np.isnan(returned).sum()


def test_claims_are_those_that_were_kept_as_such_with_rivals_at_their_moments(parts: Parts) -> None:
    rng = np.random.default_rng(8)
    claims = []
    for day in range(10):
        for k in range(4):
            said = statements(rng, 2, close_ms=CLOSE_MS + day * DAY_MS + k * 3_600_000, kind=SIGNAL, label=1.0)
            claims.append((said, came(rng, said, 60)))
    found = horizon_quality(60, by_day(parts), by_day(claims)).claims
    returned = np.concatenate([after["closed"] for _, after in claims])
    cost = np.concatenate([1e-4 * (said["cost_bp"] + said["funding_bp_60"]) for said, _ in claims])
    mean = np.concatenate([1e-4 * said["cost_bp"] for said, _ in claims])
    assert found.made.net_bp.value == pytest.approx(1e4 * np.mean(returned - cost), rel=1e-6)
    assert found.made.net_twice_cost_bp.value == pytest.approx(1e4 * np.mean(returned - 2 * cost), rel=1e-6)
    assert found.made.hit.value == pytest.approx(np.mean(returned > cost))
    rivals = {rival.rule: rival for rival in found.rivals}
    follow = np.sign(np.concatenate([said["past_60"] for said, _ in claims]))
    for rule, side in (("always_long", 1.0), ("momentum", follow), ("reversal", -follow), ("random", 0.0)):
        assert rivals[rule].net_bp.value == pytest.approx(1e4 * np.mean(side * returned - mean), rel=1e-6)
        assert rivals[rule].hit.n == 80


@pytest.mark.parametrize("minutes", OUTCOME_HORIZONS_MIN)
def test_too_few_are_unknown_with_their_number(minutes: int) -> None:
    rng = np.random.default_rng(1)
    said = statements(rng, FEWEST - 1, label=0.0)
    few = {0: GroupSums()}
    few[0].add(said, came(rng, said, minutes))
    found = horizon_quality(minutes, few, few)
    assert (found.cone.bands[0].inside.value, found.cone.bands[0].inside.n) == (None, 99 if minutes < 1_440 else 0)
    assert found.any_time[0].net_bp.value is None
    more = statements(rng, 1, label=0.0)
    few[0].add(more, came(rng, more, minutes))
    again = horizon_quality(minutes, few, few).any_time[0].net_bp
    assert again.value is not None
    assert (again.low, again.high) == (None, None), "one day has no interval"
    assert horizon_quality(minutes, few, few).claims.made.hit.n < FEWEST_CLAIMS


def test_groups_have_rows_and_symbols_only_up_to_an_hour(parts: Parts) -> None:
    days = by_day(parts)
    rows = list(group_rows(60, days, {}))
    assert {row.by for row in rows} == {"symbol", "hour", "label", "regime"}
    assert sum(row.readings for row in rows if row.by == "symbol") == horizon_quality(60, days, {}).readings
    assert {row.by for row in group_rows(240, days, {})} == {"hour", "label", "regime"}
