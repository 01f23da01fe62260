"""Label hysteresis."""

import numpy as np
import pytest

from virtuoso.analysis.signals import BRIDGE_BARS, BUY, HOLD, SELL, UNKNOWN, LabelRule, Labels


def _labels(scores: list[float], allowed: list[bool] | None = None, **rule: float) -> list[int]:
    labels = Labels(LabelRule(**rule))
    labels.memory.reserve(1)
    allowed = allowed or [True] * len(scores)
    return [
        int(labels.step(slice(0, 1), np.array([score]), np.array([may]), close_ms).label[0])
        for close_ms, (score, may) in enumerate(zip(scores, allowed, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([69.9, 70.0, 71.0], [HOLD, BUY, BUY]),
        ([30.1, 30.0, 29.0], [HOLD, SELL, SELL]),
        ([72, 66, 65, 65, 65, 64.9], [BUY] * 5 + [HOLD]),  # 65 is still within the margin
        ([72, 50, 50, 50], [BUY, BUY, BUY, HOLD]),  # held for three bars, then left
        ([72, 20, 20, 20], [BUY, BUY, BUY, SELL]),
        ([28, 34, 35, 35.1], [SELL, SELL, SELL, HOLD]),
        ([72, 72, 72, 72, 69], [BUY] * 5),
        ([72, 72, 72, 72, 64, 66, 70], [BUY, BUY, BUY, BUY, HOLD, HOLD, BUY]),
        ([float("nan"), 72, float("nan"), 72], [UNKNOWN, BUY, UNKNOWN, BUY]),
    ],
)
def test_entered_at_the_threshold_and_left_past_the_margin(scores: list[float], expected: list[int]) -> None:
    assert _labels(scores) == expected


def test_withheld_at_once_when_not_allowed() -> None:
    assert _labels([72, 72, 72], [True, False, True]) == [BUY, UNKNOWN, BUY]


@pytest.mark.parametrize("gap", range(1, 9))
def test_a_short_unknown_gap_is_bridged_and_a_long_one_ends_the_label(gap: int) -> None:
    """BUY is served as unknown at once; what stands is BUY for `BRIDGE_BARS` closes, and with it its margin."""
    labels, row = Labels(LabelRule()), slice(0, 1)
    labels.memory.reserve(1)
    scores, allowed = [72.0] * 4 + [72.0] * gap + [66.0], [True] * 4 + [False] * gap + [True]
    steps = [
        labels.step(row, np.array([score]), np.array([may]), 60_000 * i)
        for i, (score, may) in enumerate(zip(scores, allowed, strict=True), 1)
    ]
    bridged = gap < BRIDGE_BARS
    assert [int(s.label[0]) for s in steps] == [BUY] * 4 + [UNKNOWN] * gap + [BUY if bridged else HOLD]
    stood = min(gap, BRIDGE_BARS)
    standing = [BUY] * (4 + stood) + [UNKNOWN] * (gap - stood) + [BUY if bridged else HOLD]
    assert [int(s.bridged[0]) for s in steps] == standing


def test_mirrored_scores_give_mirrored_labels() -> None:
    scores = np.random.default_rng(2).normal(50, 15, 500)
    there, back = _labels(list(scores)), _labels(list(100 - scores))
    assert there == [-label for label in back]
    assert set(there) == {SELL, HOLD, BUY}


def test_rows_are_independent_and_a_reset_row_begins_anew() -> None:
    labels = Labels(LabelRule())
    labels.memory.reserve(2)
    both = slice(0, 2)
    assert labels.step(both, np.array([72.0, 72.0]), np.array([True, True]), 1).label.tolist() == [BUY, BUY]
    labels.memory.reset(slice(0, 1))
    assert labels.step(both, np.array([66.0, 66.0]), np.array([True, True]), 2).label.tolist() == [HOLD, BUY]


def test_a_close_decides_once() -> None:
    labels, row, may = Labels(LabelRule()), slice(0, 1), np.array([True])
    labels.memory.reserve(1)
    assert labels.step(row, np.array([72.0]), may, 60_000).label.tolist() == [BUY]
    again = labels.step(row, np.array([10.0]), may, 60_000)
    assert (again.label.tolist(), again.held.tolist()) == ([BUY], [0.0])
    assert labels.checkpoint(row)[:, 0].tolist() == [BUY, 0.0, 60_000.0]
    withheld = labels.step(row, np.array([10.0]), ~may, 60_000)
    assert (withheld.label.tolist(), withheld.bridged.tolist()) == ([UNKNOWN], [BUY])


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_restart_between_two_closes_changes_nothing(cut: int) -> None:
    scores = [72, 50, 66, 50, 50, 28, 20, 60, 60, 60]
    whole = _labels([float(score) for score in scores])
    first = Labels(LabelRule())
    first.memory.reserve(1)
    may, row, seen = np.array([True]), slice(0, 1), []
    labels = first
    for close_ms, score in enumerate(scores, 1):
        if close_ms == cut + 1:
            labels = Labels(LabelRule())
            labels.memory.reserve(1)
            labels.resume(0, *first.checkpoint(row)[:, 0].tolist(), cut)
            shown = labels.step(row, np.array([1.0]), may, cut)  # what is seen of the last close is not judged again
            assert shown.label.tolist() == seen[-1:]
        seen += labels.step(row, np.array([float(score)]), may, close_ms).label.tolist()
    assert seen == whole


@pytest.mark.parametrize("rule", [{"buy": 40.0, "sell": 60.0}, {"hold_bars": -1}, {"min_coverage": 1.5}])
def test_impossible_rules_are_refused(rule: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be|overlap"):
        LabelRule(**rule)
