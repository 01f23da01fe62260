"""Symbols in queries: names of any script, and nothing that is no name."""

import pytest
from pydantic import TypeAdapter, ValidationError

from virtuoso.web.parameters import SymbolName

NAME = TypeAdapter(SymbolName)


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT", "币安人生USDT", "BTC/USDT:USDT", "BTC-26DEC25", "1000000MOGUSDT", "é", None]
)
def test_any_name_of_an_exchange_is_taken(symbol: str | None) -> None:
    assert NAME.validate_python(symbol) == symbol


@pytest.mark.parametrize("symbol", ["", "A" * 41, "BTC\nUSDT", "BTC\x00", "\x7f", "BTC\u2028"])
def test_what_is_no_name_is_refused(symbol: str) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(symbol)
