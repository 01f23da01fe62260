"""How often a condition was true, and the parts of it that never were: told apart as a reader would."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from virtuoso.alerts.rules import expression
from virtuoso.alerts.rules.expression import Calculator
from virtuoso.alerts.rules.mistakes import RulesError
from virtuoso.alerts.rules.observed import Never, Observation, Observed
from virtuoso.alerts.rules.parse import parse
from virtuoso.alerts.rules.values import Type

MARKET = ("market_change_24h", "market_dispersion", "market_symbols")


def observed(when: str, *moments: dict[str, Any], every_ms: int = 1_000) -> Observation:
    made = Observed(parse([("r", f"rules:\n  - name: it\n    when: {when}\n")]))
    for i, values in enumerate(moments):
        of_symbols = {} if set(values) & set(MARKET) else {"X": values}
        made.step(i * every_ms, of_symbols, {} if of_symbols else values, {})
    (found,) = made.observations()
    return found


def parts(found: Observation) -> list[tuple[str, bool, bool]]:
    return [(part.text, part.wanted, part.apart) for part in found.never]


def test_the_comparison_that_never_held_is_named_with_what_its_sides_were() -> None:
    found = observed(
        "signal == 'BUY' and score > 75 and agreement > 0.5",
        {"signal": "BUY", "score": 31.2, "agreement": 0.7}, {"signal": "SELL", "score": 68.9, "agreement": 0.2},
    )  # fmt: skip
    assert (found.judged, found.held, found.unknown) == (2, 0, 0)
    assert parts(found) == [("score > 75", True, False)]
    (side,) = found.never[0].sides
    assert (side.text, side.low, side.high) == ("score", 31.2, 68.9)


def test_texts_and_what_is_always_unknown_are_told() -> None:
    found = observed(
        "signal in ('BUY', 'SELL') and score_percentile > 95",
        {"signal": "HOLD", "score_percentile": None}, {"signal": None},
    )  # fmt: skip
    assert (found.judged, found.held, found.unknown) == (2, 0, 1)
    text, unknown = found.never
    assert (text.text, text.sides[0].texts) == ("signal in ('BUY', 'SELL')", {"HOLD"})
    assert (unknown.text, unknown.sides[0].low, unknown.sides[0].texts) == ("score_percentile > 95", None, set())


def test_parts_that_held_but_never_at_once_are_told_as_that() -> None:
    found = observed("score > 70 and agreement > 0.5", {"score": 80, "agreement": 0}, {"score": 0, "agreement": 1})
    assert parts(found) == [("score > 70 and agreement > 0.5", True, True)]
    found = observed("(score > 70 and agreement > 0.5) or price > 9", {"score": 80, "agreement": 0, "price": 1},
                     {"score": 0, "agreement": 1, "price": 2})  # fmt: skip
    assert parts(found) == [("score > 70 and agreement > 0.5", True, True), ("price > 9", True, False)]


def test_after_not_it_is_what_was_never_false() -> None:
    found = observed(
        "not (score < 70 or agreement < 0.9)", {"score": 80, "agreement": 0.5}, {"score": 9, "agreement": 0.5}
    )
    assert parts(found) == [("agreement < 0.9", False, False)]
    assert parts(observed("not score < 70", {"score": 9})) == [("score < 70", False, False)]


def test_what_held_is_counted_with_its_longest_time_of_one_symbol() -> None:
    moments = [{"score": score} for score in (80, 80, 60, 80, 80, 80, None, 80)]
    found = observed("score > 70", *moments)
    assert (found.judged, found.held, found.unknown, found.longest_ms, found.never) == (8, 6, 1, 2_000, ())


CONDITIONS = st.recursive(
    st.sampled_from([f"{name} > {limit}" for name in MARKET for limit in (0, 1)]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" and ".join).map("({})".format),
        st.tuples(inner, inner).map(" or ".join).map("({})".format),
        inner.map("not ({})".format),
    ),
    max_leaves=6,
)
MOMENTS = st.lists(st.fixed_dictionaries(dict.fromkeys(MARKET, st.sampled_from([None, -1, 0.5, 2]))), min_size=1)


@given(CONDITIONS, MOMENTS)
def test_it_counts_as_the_rules_are_judged_and_always_has_a_reason(when: str, moments: list[dict[str, Any]]) -> None:
    try:
        found, calculator = observed(when, *moments), Calculator()
    except RulesError:  # it can never be true: a rule of it is refused
        assume(False)
    judged = [calculator.of(found.rule.when, values) for values in moments]
    assert (found.held, found.unknown) == (judged.count(True), judged.count(None))
    assert bool(found.never) is (not found.held)
    for part in found.never:
        assert not any(truth is part.wanted for truth in truths(part, moments)), "it was as needed at times"


def truths(part: Never, moments: list[dict[str, Any]]) -> list[bool | None]:
    condition = expression.parse(part.text, Type.CONDITION)
    return [Calculator().of(condition, values) for values in moments]


@pytest.mark.parametrize("when", ["market_symbols > 1 + 1", "0 < market_symbols < 5 % 3"])
def test_only_sides_that_name_a_value_are_watched(when: str) -> None:
    (part,) = observed(when, {"market_symbols": -1}).never
    assert [side.text for side in part.sides] == ["market_symbols"]
