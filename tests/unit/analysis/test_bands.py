"""Label hysteresis."""

import numpy as np
import pytest

from virtuoso.analysis.bands import BALANCED, BRIDGE_BARS, DOWN, UNKNOWN, UP, BandRule, Bands


def _bands(scores: list[float], allowed: list[bool] | None = None, **rule: float) -> list[int]:
    bands = Bands(BandRule(**rule))
    bands.memory.reserve(1)
    allowed = allowed or [True] * len(scores)
    return [
        int(bands.step(slice(0, 1), np.array([score]), np.array([may]), close_ms).band[0])
        for close_ms, (score, may) in enumerate(zip(scores, allowed, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([69.9, 70.0, 71.0], [BALANCED, UP, UP]),
        ([30.1, 30.0, 29.0], [BALANCED, DOWN, DOWN]),
        ([72, 66, 65, 65, 65, 64.9], [UP] * 5 + [BALANCED]),  # 65 is still within the margin
        ([72, 50, 50, 50], [UP, UP, UP, BALANCED]),  # held for three bars, then left
        ([72, 20, 20, 20], [UP, UP, UP, DOWN]),
        ([28, 34, 35, 35.1], [DOWN, DOWN, DOWN, BALANCED]),
        ([72, 72, 72, 72, 69], [UP] * 5),
        ([72, 72, 72, 72, 64, 66, 70], [UP, UP, UP, UP, BALANCED, BALANCED, UP]),
        ([float("nan"), 72, float("nan"), 72], [UNKNOWN, UP, UNKNOWN, UP]),
    ],
)
def test_entered_at_the_threshold_and_left_past_the_margin(scores: list[float], expected: list[int]) -> None:
    assert _bands(scores) == expected


def test_withheld_at_once_when_not_allowed() -> None:
    assert _bands([72, 72, 72], [True, False, True]) == [UP, UNKNOWN, UP]


@pytest.mark.parametrize("gap", range(1, 9))
def test_a_short_unknown_gap_is_bridged_and_a_long_one_ends_the_label(gap: int) -> None:
    """UP is served as unknown at once; what stands is UP for `BRIDGE_BARS` closes, and with it its margin."""
    bands, row = Bands(BandRule()), slice(0, 1)
    bands.memory.reserve(1)
    scores, allowed = [72.0] * 4 + [72.0] * gap + [66.0], [True] * 4 + [False] * gap + [True]
    steps = [
        bands.step(row, np.array([score]), np.array([may]), 60_000 * i)
        for i, (score, may) in enumerate(zip(scores, allowed, strict=True), 1)
    ]
    bridged = gap < BRIDGE_BARS
    assert [int(s.band[0]) for s in steps] == [UP] * 4 + [UNKNOWN] * gap + [UP if bridged else BALANCED]
    stood = min(gap, BRIDGE_BARS)
    standing = [UP] * (4 + stood) + [UNKNOWN] * (gap - stood) + [UP if bridged else BALANCED]
    assert [int(s.bridged[0]) for s in steps] == standing


def test_mirrored_scores_give_mirrored_bands() -> None:
    scores = np.random.default_rng(2).normal(50, 15, 500)
    there, back = _bands(list(scores)), _bands(list(100 - scores))
    assert there == [-band for band in back]
    assert set(there) == {DOWN, BALANCED, UP}


def test_rows_are_independent_and_a_reset_row_begins_anew() -> None:
    bands = Bands(BandRule())
    bands.memory.reserve(2)
    both = slice(0, 2)
    assert bands.step(both, np.array([72.0, 72.0]), np.array([True, True]), 1).band.tolist() == [UP, UP]
    bands.memory.reset(slice(0, 1))
    assert bands.step(both, np.array([66.0, 66.0]), np.array([True, True]), 2).band.tolist() == [BALANCED, UP]


def test_a_close_decides_once() -> None:
    bands, row, may = Bands(BandRule()), slice(0, 1), np.array([True])
    bands.memory.reserve(1)
    assert bands.step(row, np.array([72.0]), may, 60_000).band.tolist() == [UP]
    again = bands.step(row, np.array([10.0]), may, 60_000)
    assert (again.band.tolist(), again.held.tolist()) == ([UP], [0.0])
    assert bands.checkpoint(row)[:, 0].tolist() == [UP, 0.0, 60_000.0]
    withheld = bands.step(row, np.array([10.0]), ~may, 60_000)
    assert (withheld.band.tolist(), withheld.bridged.tolist()) == ([UNKNOWN], [UP])


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_restart_between_two_closes_changes_nothing(cut: int) -> None:
    scores = [72, 50, 66, 50, 50, 28, 20, 60, 60, 60]
    whole = _bands([float(score) for score in scores])
    first = Bands(BandRule())
    first.memory.reserve(1)
    may, row, seen = np.array([True]), slice(0, 1), []
    bands = first
    for close_ms, score in enumerate(scores, 1):
        if close_ms == cut + 1:
            bands = Bands(BandRule())
            bands.memory.reserve(1)
            bands.resume(0, *first.checkpoint(row)[:, 0].tolist(), cut)
            shown = bands.step(row, np.array([1.0]), may, cut)  # what is seen of the last close is not judged again
            assert shown.band.tolist() == seen[-1:]
        seen += bands.step(row, np.array([float(score)]), may, close_ms).band.tolist()
    assert seen == whole


@pytest.mark.parametrize("rule", [{"up": 40.0, "down": 60.0}, {"hold_bars": -1}, {"min_coverage": 1.5}])
def test_impossible_rules_are_refused(rule: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be|overlap"):
        BandRule(**rule)
