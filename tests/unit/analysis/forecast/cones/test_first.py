"""Which level is touched first: against the other series of the same law, simulated paths, and what must hold."""

from math import erfc, exp, pi, sin, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.analysis.forecast.cones.first import first_touch

distances = st.floats(0.01, 6.0)


def touched(distance: float) -> float:
    return erfc(distance / sqrt(2.0))


def at(u: float, v: float) -> tuple[float, float]:
    stop, target = first_touch(np.array([touched(u)]), np.array([touched(v)]))
    return float(stop[0]), float(target[0])


def by_sines(u: float, v: float) -> float:
    """P(v before −u, by time 1), by eigenfunctions instead of images."""
    w = u + v
    terms = (2 / (n * pi) * (-1) ** n * sin(n * pi * u / w) * exp(-((n * pi / w) ** 2) / 2) for n in range(1, 200))
    return u / w + sum(terms)


@given(distances, distances)
def test_images_and_eigenfunctions_agree(u: float, v: float) -> None:
    assert at(u, v) == pytest.approx((by_sines(v, u), by_sines(u, v)), abs=1e-9)


@given(distances, distances)
def test_first_is_rarer_than_touched_and_the_two_exclude_each_other(u: float, v: float) -> None:
    stop, target = at(u, v)
    assert 0.0 <= stop <= touched(u) + 1e-12
    assert 0.0 <= target <= touched(v) + 1e-12
    assert stop + target <= 1.0 + 1e-12


@pytest.mark.parametrize(("u", "v"), [(0.7, 1.4), (1.5, 0.5), (0.4, 0.4)])
def test_simulated_paths_part_as_said(u: float, v: float) -> None:
    steps, paths = 400, 10_000
    path = np.cumsum(np.random.default_rng(3).standard_normal((paths, steps)) / sqrt(steps), axis=1)
    shift = 0.5826 / sqrt(steps)  # looked at in steps, levels are as if so far away (Broadie, Glasserman & Kou 1997)
    up, down = (np.where(hit.any(axis=1), hit.argmax(axis=1), steps) for hit in (path >= v - shift, path <= shift - u))
    stop, target = at(u, v)
    first = np.stack([down < up, up < down])
    assert first.mean(axis=1) == pytest.approx([stop, target], abs=0.016)
    # what touches neither does not end at 0 on average: it brings what the levels take
    rest = np.where(first.any(axis=0), 0.0, path[:, -1])
    assert rest.mean() == pytest.approx(u * stop - v * target, abs=0.02)


def test_a_level_at_the_entry_is_touched_at_once_and_the_unknown_stays_unknown() -> None:
    stop, target = first_touch(np.array([1.0, np.nan, 0.3, 0.0]), np.array([0.2, 0.2, np.nan, 0.2]))
    assert stop == pytest.approx([1.0, np.nan, np.nan, 0.0], nan_ok=True)
    assert target == pytest.approx([0.0, np.nan, np.nan, 0.2], nan_ok=True)
