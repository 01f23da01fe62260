"""Numbers as people read them: no exponent, no digit lost, no two levels alike."""

from decimal import Decimal
from math import inf, nan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from virtuoso.model.text.numbers import Denomination, amount_text, number_text, price_text

DIGITS = 15
steps = st.builds(
    lambda mantissa, exponent: float(f"{mantissa}e{exponent}"), st.sampled_from([1, 2, 25, 5]), st.integers(-12, 2)
)


@st.composite
def prices(draw: st.DrawFn) -> tuple[float, float, Decimal]:
    """A price from 1e-10 to 1e8 of at most fifteen digits, its tick, and the price exactly."""
    step = draw(steps)
    exact = Decimal(repr(step)) * draw(st.integers(1, 10**DIGITS - 1))
    assume(Decimal("1e-10") <= exact <= Decimal("1e8") and len(exact.normalize().as_tuple().digits) <= DIGITS)
    return float(exact), step, exact


def read(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


@given(prices())
def test_no_digit_of_a_price_is_lost(price: tuple[float, float, Decimal]) -> None:
    value, step, exact = price
    for text in (price_text(value, step), price_text(value), price_text(-value, step).removeprefix("-")):
        assert "e" not in text.lower()
        assert read(text) == exact


@given(st.floats())
def test_any_double_is_a_short_text(value: float) -> None:
    for text in (price_text(value), price_text(value, value), number_text(value), amount_text(value, None)):
        assert text
        assert len(text) <= 40 + len(" quote units")
        assert "e" not in text.split()[0]


@given(prices(), st.integers(1, 50))
def test_two_levels_never_read_alike(price: tuple[float, float, Decimal], apart: int) -> None:
    value, step, exact = price
    other = exact + Decimal(repr(step)) * apart
    assume(float(other) != value and len(other.normalize().as_tuple().digits) <= DIGITS)
    assert price_text(value, step) != price_text(float(other), step)


@given(prices(), st.floats(0.01, 0.99))
def test_a_price_between_two_ticks_is_told_to_a_twentieth_of_a_basis_point(
    price: tuple[float, float, Decimal], share: float
) -> None:
    value, step, _ = price
    between = value + share * step
    assert abs(float(read(price_text(between, step))) - between) <= 5.1e-6 * between


@given(st.floats(1e-15, 9e17) | st.floats(-9e17, -1e-15))
def test_no_number_has_an_exponent_or_reads_as_zero(value: float) -> None:
    for text in (price_text(value), price_text(value, 0.5), number_text(value), number_text(value, 3)):
        assert set(text) <= set("0123456789.,-")
        assert read(text) != 0
        assert len(text) <= 40
    amount, currency = amount_text(value, "USDT").split()
    assert currency == "USDT"
    assert read(amount) != 0


@pytest.mark.parametrize(
    ("price", "step", "text"),
    [
        (65114.2, 0.1, "65,114.2"), (65114.0, 0.1, "65,114.0"), (2.659e-05, 1e-08, "0.00002659"),
        (65114.2381, 0.1, "65,114.2"), (0.00031234567, 0.0001, "0.000312346"), (0.3, None, "0.3"),
        (0.1 + 0.2, 0.01, "0.30"), (1e8, 1e-10, "100,000,000.000000"), (12345.0, 5.0, "12,345"),
        (1.0, -1.0, "1"), (1.0, nan, "1"), (nan, 0.1, "—"), (inf, 0.1, "—"), (None, 0.1, "—"), (0.0, 0.01, "0.00"),
    ],
)  # fmt: skip
def test_prices(price: float | None, step: float | None, text: str) -> None:
    assert price_text(price, step) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (1_204_511.4, "1,204,511 USDT"), (999.7, "1,000 USDT"), (512.5, "512.50 USDT"), (3.14159, "3.142 USDT"),
        (0.00234567, "0.002346 USDT"), (0.0, "0.00 USDT"), (-1500.0, "-1,500 USDT"), (None, "—"),
    ],
)  # fmt: skip
def test_amounts_have_their_currency(amount: float | None, text: str) -> None:
    assert amount_text(amount, "USDT") == text
    assert amount_text(1.5, None) == "1.500 quote units"


def test_a_denomination_counts_in_its_steps_and_currencies() -> None:
    btc = Denomination(tick_size=0.1, lot_size=0.001, quote="USDT", base="BTC")
    assert (btc.price(104_000.0), btc.size(0.125), btc.amount(13_000.0)) == ("104,000.0", "0.125 BTC", "13,000 USDT")
    assert Denomination().size(0.5) == "0.5"


@pytest.mark.parametrize(
    ("value", "text"), [(1234567.0, "1,234,567"), (0.000012345678, "0.0000123457"), (12.5, "12.5"), (-0.0, "0")]
)
def test_other_numbers(value: float, text: str) -> None:
    assert number_text(value) == text
