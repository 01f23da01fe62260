"""Conditions that can never be true are refused with the bound that forbids it; what can be true is never refused."""

import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import combinations_with_replacement, product
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.alerts.rules.expression import Calculator
from virtuoso.alerts.rules.expression import parse as parsed
from virtuoso.alerts.rules.interval import Interval, arithmetic
from virtuoso.alerts.rules.mistakes import Mistaken, RulesError
from virtuoso.alerts.rules.parse import parse
from virtuoso.alerts.rules.possible import refuse_impossible, refuse_unknown
from virtuoso.alerts.rules.values import CATALOGUE, Type


def refused(condition: str, *, small_letters: bool = False, more: str = "") -> str | None:
    """What is said of a rule with this condition; `None` where it is taken."""
    file = ("r.yaml", f"rules: [{{name: r, when: '{condition}'{more}}}]")
    try:
        parse([file], small_letters=small_letters)
    except RulesError as error:
        (mistake,) = error.mistakes
        return mistake.text
    return None


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("score > 101", "score > 101 is never true: score is 0 to 100"),
        ("confidence > 50", "confidence > 50 is never true: confidence is 0 to 1"),
        ("-score > 0", "-score > 0 is never true: -score is -100 to 0, as score is 0 to 100"),
        ("price / 0 > 1", "price / 0 is never known: it divides by zero"),
        ("funding_rate % 0 == 1", "funding_rate % 0 is never known: it divides by zero"),
        ("abs(score - 50) > 50",
         "abs(score - 50) > 50 is never true: abs(score - 50) is 0 to 50, as score is 0 to 100"),
        ("1 / confidence < 1",
         "1 / confidence < 1 is never true: 1 / confidence is at least 1, as confidence is 0 to 1"),
        ("change_24h < -100", "change_24h < -100 is never true: change_24h is at least -100"),
        ("price < 0", "price < 0 is never true: price is at least 0"),
        ("not score <= 100", "score <= 100 is never false: score is 0 to 100"),
        ("not (score >= 0 or price > 1)", "score >= 0 is never false: score is 0 to 100"),
        ("score > 80 and score < 20", "score > 80 and score < 20: no score is all of that"),
        ("score > 80 and not (score >= 20)", "score > 80 and not score >= 20: no score is all of that"),
        ("score > 80 and score * 2 < 100",
         "score * 2 < 100 is never true: score * 2 is 160 to 200, as score is 80 to 100"),
        ("50 > score > 60", "50 > score > 60: no score is all of that"),
        ("score > 101 or confidence > 2",
         "score > 101 is never true: score is 0 to 100; confidence > 2 is never true: confidence is 0 to 1"),
        ("signal == \"BUY\" and signal == \"SELL\"", "signal == 'BUY' and signal == 'SELL': no signal is all of that"),
        ("symbol == \"btcusdt\"", "symbol is never 'btcusdt': it has no small letters; did you mean 'BTCUSDT'?"),
        ("symbol in (\"BTCUSDT\", \"ethusdt\")",
         "symbol is never 'ethusdt': it has no small letters; did you mean 'ETHUSDT'?"),
        ("\"btc\" in symbol", "symbol is never 'btc': it has no small letters; did you mean 'BTC'?"),
    ],
)  # fmt: skip
def test_what_can_never_be_true_is_refused_with_the_bound(condition: str, said: str) -> None:
    assert refused(condition.replace("'", "''")) == said


@pytest.mark.parametrize(
    "condition",
    [
        "score > 75", "score >= 100", "score > 101 or confidence > 0.2", "abs(score - 50) >= 50", "score % 10 >= 9",
        "score / confidence > 1000000", "symbol == \"BTCUSDT\"", "\"币安\" in symbol", "signal == \"BUY\"",
        "score > 80 and (score < 20 or price > 1)", "volatility > 2 * avg_volatility", "not (score > 60 and price > 1)",
        "round(confidence, 1) == 1", "market_change_24h < -5",
    ],
)  # fmt: skip
def test_what_may_be_true_is_taken(condition: str) -> None:
    assert refused(condition) is None


def test_an_exchange_with_small_letters_may_be_asked_for_them() -> None:
    assert refused('symbol == "kPEPE/USDC:USDC"', small_letters=True) is None


def test_a_measure_without_a_result_is_refused() -> None:
    assert refused("score > 75", more=", value: score / 0") == "score / 0 is never known: it divides by zero"


NAMES = ("score", "confidence", "market_avg_correlation_btc", "change_24h", "price", "funding_rate")
NUMBERS = st.sampled_from(["0", "1", "2", "50", "100", "0.5", "101"])
SUMS = st.recursive(
    st.one_of(st.sampled_from(NAMES), NUMBERS),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner),
        st.builds("(-{})".format, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("{}({})".format, st.sampled_from(["abs", "round"]), inner),
    ),
    max_leaves=4,
)
ORDERS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
COMPARED = st.builds("({} {} {})".format, SUMS, ORDERS, SUMS)
WORDS = st.builds(
    "({} {} {!r})".format, st.sampled_from(["signal"]), st.sampled_from(["==", "!="]),
    st.sampled_from(CATALOGUE["signal"].choices),
)  # fmt: skip
CONDITIONS = st.recursive(
    st.one_of(COMPARED, WORDS, st.builds("({} {} {} {} {})".format, SUMS, ORDERS, SUMS, ORDERS, SUMS)),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=4,
)


@st.composite
def values(draw: st.DrawFn) -> Mapping[str, Any]:
    """A value of each name within its range, its bounds among them."""
    found: dict[str, Any] = {"signal": draw(st.sampled_from(CATALOGUE["signal"].choices))}
    for name in NAMES:
        low, high = max(CATALOGUE[name].low, -1e6), min(CATALOGUE[name].high, 1e6)
        found[name] = draw(st.sampled_from([low, high, 50.0 if low <= 50 <= high else 0.5]) | st.floats(low, high))
    return found


@given(condition=CONDITIONS, moments=st.lists(values(), min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
def test_what_was_ever_true_is_never_refused(condition: str, moments: list[Mapping[str, Any]]) -> None:
    with suppress(Mistaken):  # too large
        expression = parsed(condition, Type.CONDITION)
        if any(Calculator().of(expression, moment) is True for moment in moments):
            try:
                refuse_impossible(expression.tree)
            except Mistaken as mistaken:
                raise AssertionError(f"{condition} was true: {mistaken}") from mistaken


@given(number=SUMS, moment=values())
@settings(max_examples=200, deadline=None)
def test_what_ever_had_a_result_is_never_unknown(number: str, moment: Mapping[str, Any]) -> None:
    expression = parsed(number, Type.NUMBER)
    if Calculator().of(expression, moment) is not None:
        refuse_unknown(expression.tree)


OPERATIONS: Mapping[str, Callable[..., float]] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv, "Mod": operator.mod,
    "min": min, "max": max,
}  # fmt: skip
ENDS = (-inf, -3.0, -1.0, 0.0, 0.5, 2.0, inf)
POINTS = (-100.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0, 100.0)
WITHIN = [
    (number, Interval(low, high)) for low, high in combinations_with_replacement(ENDS, 2) for number in POINTS
    if low <= number <= high
]  # fmt: skip
"""Numbers, each with an interval that holds it."""


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_numbers_make_lies_within_what_their_intervals_make(name: str) -> None:
    for (a, one), (b, other) in product(WITHIN, WITHIN):
        if b == 0 and name in {"Div", "Mod"}:
            continue
        found = arithmetic(name, (one, other), f"{one} {name} {other}")
        assert found.low <= OPERATIONS[name](a, b) <= found.high, (a, b, one, other)
