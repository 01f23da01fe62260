"""Sparklines, bars and numbers of a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.cli.terminal import drawing
from virtuoso.model.quality import DataSource

finite = st.floats(-1e9, 1e9)


def test_a_sparkline_runs_from_the_least_to_the_greatest() -> None:
    assert drawing.sparkline([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], 20) == "▁▂▃▄▅▆▇█"
    assert drawing.sparkline([8.0, 1.0, 4.5], 20) == "█▁▅"


def test_a_sparkline_keeps_the_last_values() -> None:
    assert drawing.sparkline([100.0, 1.0, 2.0], 2) == "▁█"
    assert drawing.sparkline([1.0, 2.0], 0) == ""
    assert drawing.sparkline([], 5) == ""


def test_a_constant_price_is_a_line_in_the_middle() -> None:
    assert drawing.sparkline([5.0, 5.0, 5.0], 9) == "▄▄▄"


@given(st.lists(finite, min_size=1, max_size=80), st.integers(1, 100))
def test_a_sparkline_has_a_block_a_value_and_never_reverses_two(values: list[float], width: int) -> None:
    drawn = drawing.sparkline(values, width)
    shown = values[-width:]
    assert len(drawn) == len(shown)
    for i, one in enumerate(shown):
        for j, other in enumerate(shown):
            if one < other:
                assert drawn[i] <= drawn[j]


@pytest.mark.parametrize(
    ("value", "drawn"),
    [
        (0.0, "    │    "), (1.0, "    │████"), (-1.0, "████│    "), (0.5, "    │██  "), (-0.5, "  ██│    "),
        (0.125, "    │▌   "), (-0.375, "  ▐█│    "), (7.0, "    │████"),
    ],
)  # fmt: skip
def test_a_bar_reaches_from_the_middle_by_half_characters(value: float, drawn: str) -> None:
    assert drawing.signed_bar(value, 4) == drawn


@given(st.floats(-1, 1), st.integers(1, 30))
def test_bars_of_opposite_values_mirror_each_other(value: float, side: int) -> None:
    bar = drawing.signed_bar(value, side)
    assert len(bar) == 2 * side + 1
    assert bar[::-1].translate(str.maketrans("▐▌", "▌▐")) == drawing.signed_bar(-value, side)


def test_an_unknown_value_has_no_bar_and_no_middle() -> None:
    assert drawing.drawn(None, 3).plain == " " * 7
    assert drawing.of_score(None) is None
    assert drawing.of_score(75.0) == 0.5


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert drawing.number(-0.004, 2, signed=True) == "0.00"
    assert drawing.number(0.006, 2, signed=True) == "+0.01"
    assert drawing.number(-1234.5, 1) == "-1,234.5"
    assert drawing.number(None, 1) == "—"


def test_raw_values_keep_their_digits_at_any_magnitude() -> None:
    assert [drawing.raw(v) for v in (0.0000123456, 0.5, 123.456, 1234567.8, None)] == [
        "0.00001235", "0.5", "123.5", "1,234,568", "—",
    ]  # fmt: skip


def test_names_become_words_and_initials() -> None:
    assert [drawing.words(name) for name in ("order_flow", "cmf", "di_difference", "vwap_distance")] == [
        "order flow", "CMF", "DI difference", "VWAP distance",
    ]  # fmt: skip
    assert [drawing.initials(name) for name in ("order_flow", "volume")] == ["OF", "VO"]


def test_what_is_not_the_live_market_says_so() -> None:
    assert drawing.source(DataSource.LIVE).plain == "live"
    assert drawing.source(DataSource.REPLAY).plain == "REPLAY: not the live market"
    assert drawing.source(None).plain == "source unknown"
