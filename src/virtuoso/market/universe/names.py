"""Names of instruments as people write them: which one is meant, or which look like it."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from virtuoso.model.instrument import Instrument

_NEAR, _ALIKE = 3, 0.6
_PERPETUAL = re.compile(r"(?<=.)(?:[-_/ ]?(?:PERP|PERPETUAL|SWAP)|\.P)$")
"""How other places mark a perpetual: `BTC-PERP`, `BTCUSDT.P`, `BTC-USDT-SWAP`."""
_MULTIPLE = re.compile(r"^10{2,}(?=\D)|(?<=\D)10{2,}$")
"""So many of a coin are one unit of a contract: `1000PEPE`, `SHIB1000`."""


def named(name: str, instruments: Sequence[Instrument]) -> Instrument | None:
    """The instrument of this symbol or unified name (`BTC/USDT:USDT`), in any case."""
    wanted = name.strip().upper()
    by_name = {i.unified.upper(): i for i in instruments} | {i.symbol.upper(): i for i in instruments}
    return by_name.get(wanted)


def resolved(name: str, instruments: Sequence[Instrument]) -> Instrument | None:
    """The only instrument that `name` can mean, or `None`.

    It may be written with other separators, as a pair (`BTC/USDT`) or a coin (`BTC`), and be marked as a perpetual.
    """
    found = _candidates(name, instruments)
    return found[0] if len(found) == 1 else None


def meant(name: str, instruments: Sequence[Instrument]) -> tuple[str, ...]:
    """Symbols that `name` may mean, the likeliest first, at most three.

    A symbol or unified name in other letters, or with other separators, stands alone; else come the contracts of a
    coin of that name, then what is spelt alike.
    """
    found = [instrument.symbol for instrument in _candidates(name, instruments)]
    wanted = _plain(name)
    if len(found) == 1 or not wanted:
        return tuple(found)
    dated = sorted(i.symbol for i in instruments if i.dated and i.base.upper() == wanted)
    return tuple(dict.fromkeys([*found, *dated, *_alike(wanted, instruments)]))[:_NEAR]


def _candidates(name: str, instruments: Sequence[Instrument]) -> list[Instrument]:
    """What `name` says: the one of that name, else perpetuals of that pair, else those of that coin; by symbol."""
    if (found := named(name, instruments)) is not None:
        return [found]
    wanted, lasting = _plain(name), [i for i in instruments if not i.dated]
    unmarked = _plain(_PERPETUAL.sub("", name.strip().upper()))
    groups = (
        [i for i in instruments if _plain(i.symbol) == wanted],
        [i for i in lasting if unmarked in {_plain(i.unified), _plain(i.symbol)}],
        [i for i in lasting if unmarked in {i.base.upper(), _MULTIPLE.sub("", i.base.upper())}],
    )
    return sorted(next((group for group in groups if group), []), key=lambda i: i.symbol)


def _alike(wanted: str, instruments: Sequence[Instrument]) -> list[str]:
    """Symbols of pairs or coins that are spelt like `wanted`."""
    perpetual_last = sorted(instruments, key=lambda i: not i.dated)
    quote = max((q for q in {i.quote.upper() for i in instruments} if wanted.endswith(q)), key=len, default="")
    if quote:  # what all symbols end with makes none of them alike
        known = {i.base.upper(): i.symbol for i in perpetual_last if i.quote.upper() == quote}
    else:
        known = {i.base.upper(): i.symbol for i in perpetual_last}
        known |= {_plain(i.unified): i.symbol for i in perpetual_last} | {
            _plain(i.symbol): i.symbol for i in instruments
        }
    return [known[each] for each in get_close_matches(wanted.removesuffix(quote), known, _NEAR, _ALIKE)]


def _plain(name: str) -> str:
    """Capital letters without separators; what follows a colon, the coin that settles, is no part of a symbol."""
    pair = name.strip().upper().partition(":")[0]
    return "".join(letter for letter in pair if letter not in "/-_. ")
