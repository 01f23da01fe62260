"""Every reading without a label has one cause, told by a slow walk through the readings of each symbol."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.research.seams import Seam
from virtuoso.research.withheld import Cause, Withheld

BAR = 60_000


def block(begin: int, present: np.ndarray, labelled: np.ndarray) -> Any:
    band = np.where(labelled, np.int8(0), np.int8(2))
    return SimpleNamespace(close_ms=(begin + 1 + np.arange(len(present))) * BAR, present=present, band=band)


def slow(present: np.ndarray, labelled: np.ndarray, anew: np.ndarray) -> tuple[dict[str, int], int, int]:
    counts, gaps, longest = dict.fromkeys(map(str, Cause), 0), 0, 0
    for j in range(present.shape[1]):
        begun = seam = known = gap = False
        run = 0
        for t in range(len(present)):
            if anew[t, j]:
                seam, known = True, False
            if not present[t, j]:
                gap, run = gap or begun, run + 1
                continue
            if begun and run:
                gaps, longest = gaps + 1, max(longest, run)
            begun, run = True, 0
            if labelled[t, j]:
                known, gap = True, False
            elif not known:
                counts[Cause.AFTER_SEAM if seam else Cause.WARMING_UP] += 1
            else:
                counts[Cause.AFTER_GAP if gap else Cause.LITTLE_EVIDENCE] += 1
    return counts, gaps, longest


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), cuts=st.sets(st.integers(1, 39), max_size=4))
def test_causes_and_gaps_are_those_of_a_slow_walk_however_blocks_are_cut(seed: int, cuts: set[int]) -> None:
    rng = np.random.default_rng(seed)
    present, labelled = rng.random((40, 3)) > 0.15, rng.random((40, 3)) > 0.5
    anew = rng.random((40, 3)) > 0.97
    seams = [Seam("X", int(j), (1 + int(t)) * BAR - BAR, 3) for t, j in np.argwhere(anew)]
    counted = Withheld(3, BAR)
    edges = [0, *sorted(cuts), 40]
    for a, b in pairwise(edges):
        counted.add(block(a, present[a:b], labelled[a:b]), seams)
    counts, gaps, longest = slow(present, labelled, anew)
    document = counted.document()
    assert {cause: document[cause] for cause in counts} == counts
    assert document["readings"] == sum(counts.values())
    assert document["gaps"] == {"count": gaps, "longest_bars": longest}
    assert set(document["why"]) == {cause for cause, count in counts.items() if count}


def test_one_missing_bar_withholds_what_follows_and_says_so() -> None:
    present = np.ones((10, 1), np.bool_)
    present[4] = False
    labelled = np.arange(10)[:, None] < 4
    counted = Withheld(1, BAR)
    counted.add(block(0, present, labelled))
    document = counted.document()
    assert (document["readings"], document["after_gap"], document["gaps"]["count"]) == (5, 5, 1)
    assert document["why"].keys() == {"after_gap"}


def test_nothing_is_withheld_where_all_have_labels() -> None:
    counted = Withheld(2, BAR)
    counted.add(block(0, np.ones((5, 2), np.bool_), np.ones((5, 2), np.bool_)))
    assert counted.document()["readings"] == 0
    assert counted.document()["why"] == pytest.approx({})
