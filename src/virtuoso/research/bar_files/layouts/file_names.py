"""Finds the symbol in a file's name: `BTCUSDT-1m-2025-01-01.csv`, `BTC_USDT_USDT-1m-futures.feather`."""

import re
from itertools import pairwise
from pathlib import Path

_MONEY = "USDT|USDC|FDUSD|BUSD|TUSD|USDE|USD1|USD|DAI|EUR|GBP|TRY|BRL|JPY|KRW|AUD"
_COINS = "BTC|ETH|BNB"
_WHOLE = re.compile(rf"[^\W_]+?({_MONEY}|{_COINS}|PERP)", re.IGNORECASE)
_HALVES = (re.compile(_MONEY, re.IGNORECASE), re.compile(_COINS))
"""What the second of two words can be; money first, since a coin can be the first of them."""
_EXCHANGES = {
    "binance", "bybit", "okx", "kraken", "coinbase", "bitstamp", "gemini", "bitfinex", "kucoin", "bitget", "htx",
}  # fmt: skip
_GLUED_DATE = re.compile(r"(?<=[A-Z])(?=\d{4}-\d\d-\d\d)")
_CONTRACT = re.compile(r"(_PERP|_\d{6}|-\d\d?[A-Z]{3}\d\d)(?![^\W_])")
_SUFFIXES = re.compile(r"(\.(csv|tsv|json|feather|arrow|parquet|gz|zst|zip))+$", re.IGNORECASE)


def symbol_of(path: Path) -> str | None:
    """Find the symbol in the name of a file, in capitals; `None` when there is none.

    Two words of which the second is a currency are one (`BTC_USDT`, of freqtrade), and so is a word that ends in a
    currency (`BTCUSDT`), with the contract after it (`BTCUSD_PERP`). An exchange's name is no part of it.
    """
    stem = _GLUED_DATE.sub("-", _SUFFIXES.sub("", path.name))
    words = [word for word in re.finditer(r"[^\W_]+", stem) if word.group().lower() not in _EXCHANGES]
    for half in _HALVES:
        for base, quote in pairwise(words):
            joined = stem[base.end() : quote.start()] in {"_", "-"} and not base.group().isdigit()
            if joined and half.fullmatch(quote.group()):
                return f"{base.group()}{quote.group()}".upper()
    for word in words:
        if _WHOLE.fullmatch(word.group()):
            contract = _CONTRACT.match(stem, word.end())
            return f"{word.group()}{contract.group() if contract else ''}".upper()
    return None
