"""Names of instruments as people write them: which one is meant, or which look like it."""

from collections.abc import Sequence
from difflib import get_close_matches

from virtuoso.model.instrument import Instrument

_NEAR, _ALIKE = 3, 0.6


def named(name: str, instruments: Sequence[Instrument]) -> Instrument | None:
    """The instrument of this symbol or unified name (`BTC/USDT:USDT`), in any case."""
    wanted = name.strip().upper()
    by_name = {i.unified.upper(): i for i in instruments} | {i.symbol.upper(): i for i in instruments}
    return by_name.get(wanted)


def meant(name: str, instruments: Sequence[Instrument]) -> tuple[str, ...]:
    """Symbols that `name` may mean, the likeliest first, at most three.

    A symbol or unified name in other letters, or with other separators, stands alone; else come the contracts of a
    coin of that name, then what is spelt alike.
    """
    if (found := named(name, instruments)) is not None:
        return (found.symbol,)
    wanted = _plain(name)
    perpetual_last = sorted(instruments, key=lambda i: not i.dated)
    by_name = {_plain(i.unified): i.symbol for i in perpetual_last} | {_plain(i.symbol): i.symbol for i in instruments}
    if wanted in by_name:
        return (by_name[wanted],)
    of_coin = sorted((i.dated, i.symbol) for i in instruments if i.base.upper() == wanted)
    quote = max((q for q in {i.quote.upper() for i in instruments} if wanted.endswith(q)), key=len, default="")
    if quote:  # what all symbols end with makes none of them alike
        coins = {i.base.upper(): i.symbol for i in perpetual_last if i.quote.upper() == quote}
        alike = [coins[coin] for coin in get_close_matches(wanted.removesuffix(quote), coins, _NEAR, _ALIKE)]
    else:
        alike = [by_name[each] for each in get_close_matches(wanted, by_name, _NEAR, _ALIKE)]
    return tuple(dict.fromkeys([*(symbol for _, symbol in of_coin), *alike]))[:_NEAR]


def _plain(name: str) -> str:
    """Capital letters without separators; what follows a colon, the coin that settles, is no part of a symbol."""
    pair = name.strip().upper().partition(":")[0]
    return "".join(letter for letter in pair if letter not in "/-_ ")
