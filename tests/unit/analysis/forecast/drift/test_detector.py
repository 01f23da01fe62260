"""A mean that leaves its band is found soon, one that stays inside is left alone as long as was promised."""

import numpy as np
import pytest

from virtuoso.analysis.forecast.drift.detector import DriftDetector

STEPS = 2_000.0


def first_alarm(detector: DriftDetector, values: np.ndarray) -> int | None:
    return next((k for k, x in enumerate(values.tolist(), 1) if detector.step(x)), None)


@pytest.mark.parametrize("mean", [0.12, 0.28])
def test_at_the_very_end_of_its_band_false_alarms_are_as_rare_as_promised(mean: float) -> None:
    """By step t an alarm has come with probability t/STEPS at most: of 60 runs of 400 steps 12 on average at most."""
    rng = np.random.default_rng(1)
    runs = [first_alarm(DriftDetector(0.12, 0.28, STEPS), rng.beta(mean, 1 - mean, 400)) for _ in range(60)]
    assert sum(alarm is not None for alarm in runs) <= 18  # 12 and two standard deviations


def test_inside_its_band_nothing_is_found_however_the_values_hang_together() -> None:
    rng = np.random.default_rng(2)
    for _ in range(10):
        detector = DriftDetector(0.12, 0.28, 35_040.0)
        assert first_alarm(detector, (rng.uniform(size=1_000) < 0.2).astype(float)) is None


@pytest.mark.parametrize(("mean", "within"), [(0.52, 100), (0.02, 300)])
def test_far_outside_it_is_found_soon_whenever_it_begins(mean: float, within: int) -> None:
    rng = np.random.default_rng(3)
    for _ in range(10):
        detector = DriftDetector(0.12, 0.28, 35_040.0)
        for x in rng.beta(2.0, 8.0, 300).tolist():
            assert not detector.step(x)
        assert first_alarm(detector, rng.beta(2 * mean, 2 * (1 - mean), within)) is not None


def test_it_is_back_once_it_is_surely_inside_again_and_not_before() -> None:
    rng = np.random.default_rng(4)
    detector = DriftDetector(0.12, 0.28, 35_040.0)
    assert first_alarm(detector, np.ones(50)) is not None
    assert all(detector.step(x) for x in rng.beta(0.8, 0.8, 500).tolist()), "still outside"
    back = [not detector.step(x) for x in rng.beta(2.0, 8.0, 400).tolist()]
    assert 10 < back.index(True) < 250
    assert all(back[back.index(True) :])


def test_weeks_outside_at_one_end_do_not_speak_for_the_other() -> None:
    detector = DriftDetector(0.12, 0.28, 35_040.0)
    assert first_alarm(detector, np.zeros(3_000)) is not None
    for _ in range(3_000):
        detector.step(0.0)
    assert all(detector.step(0.6) for _ in range(300)), "it went from far too wide to far too narrow"
    assert np.isfinite(detector.state).all()


def test_without_an_end_nothing_is_wrong_on_that_side() -> None:
    detector = DriftDetector(0.0, 0.52, 1_000.0)
    assert not any(detector.step(0.0) for _ in range(500))
    assert first_alarm(detector, np.full(200, 0.8)) is not None
    for _ in range(300):
        detector.step(0.3)
    assert not detector.withdrawn


def test_a_restart_goes_on_with_the_same_evidence() -> None:
    rng = np.random.default_rng(5)
    values = np.concatenate([rng.beta(2.0, 8.0, 50), rng.beta(5.0, 5.0, 60), rng.beta(2.0, 8.0, 200)])
    whole, halves = DriftDetector(0.12, 0.28, 500.0), DriftDetector(0.12, 0.28, 500.0)
    for x in values.tolist():
        again = DriftDetector(0.12, 0.28, 500.0)
        again.load(halves.state)
        halves = again
        assert whole.step(x) == halves.step(x)
    with pytest.raises(ValueError, match="another make"):
        whole.load(np.ones(3))
