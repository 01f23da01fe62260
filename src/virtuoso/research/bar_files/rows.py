"""Checks rows of bars: what cannot be a bar is reported and left out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.bounds.ranges import LEAST_PRICE, MOST_AMOUNT, MOST_PRICE
from virtuoso.market.panel import Floats, Ints
from virtuoso.research.bar_files.columns import Bools, numbers, shown, symbols
from virtuoso.research.bar_files.hints import NUMBERS, OPTIONAL, PRICES, REQUIRED, SYMBOL, TIME
from virtuoso.research.bar_files.part import Part, Source
from virtuoso.research.bar_files.problems import DataError, Problems
from virtuoso.research.bar_files.times import Instants

MOST_SYMBOLS = 10_000
_TOLERANCE = 1e-9
"""Taker-buy volume may exceed volume by this share: exchanges round both."""

_NOT_UTF8 = "\ufffd"
"""What stands where a CSV held bytes that are no UTF-8."""

Describe = Callable[[int], str]
"""What is wrong with row i of a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Good rows [m], in the order of the file; `minute` since the epoch, `symbol` a code of `Symbols`.

    `values` holds an array for each of `NUMBERS` that the file has; `nan` only in optional ones.
    """

    origin: Ints
    minute: Ints
    symbol: NDArray[np.uint16]
    values: dict[str, Floats]


class Timed(NamedTuple):
    """The rows of a part whose time and symbol are known, good or not [m]."""

    second: Ints
    symbol: NDArray[np.uint16]
    off: Bools


class Symbols:
    """A code for each symbol, in the order in which they came; −1 for what is none.

    Attributes:
        names: by code.
        files: the first file of each, by code.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.files: list[Path] = []
        self._codes: dict[str, int] = {"": -1}

    def codes(self, names: list[str], path: Path) -> Ints:
        """The code of each name, −1 of an empty one and of one that was not UTF-8.

        Raises:
            DataError: there are more than `MOST_SYMBOLS`.
        """
        for name in names:
            if name not in self._codes and _NOT_UTF8 not in name:
                self._codes[name] = len(self.names)
                self.names.append(name)
                self.files.append(path)
        if len(self.names) > MOST_SYMBOLS:
            raise DataError(path, f"has over {MOST_SYMBOLS:,} symbols; is the column {SYMBOL} the right one?")
        return np.array([self._codes.get(name, -1) for name in names], dtype=np.int64)


def checked(source: Source, part: Part, base: int, known: Symbols, problems: Problems) -> tuple[Rows, Timed]:
    """Return the good rows of a part; the others are added to `problems`, one problem each.

    Args:
        source: the file of the part.
        part: the rows.
        base: what is added to a row's number to make it its origin.
        known: the codes of the symbols, which grow.
        problems: where bad rows are told.

    Raises:
        DataError: a column holds another kind of thing.
    """
    path, names = source.path, source.names
    origin = part.number + base
    instants = source.times.read(part.columns[TIME])
    code = _codes(source, part, known)
    values: dict[str, Floats] = {}
    unparsed: dict[str, Bools] = {}
    for key in NUMBERS:
        if key in names:
            values[key], unparsed[key] = numbers(path, names[key], part.columns[key])
    good = np.ones(origin.size, np.bool_)
    for wrong, describe in _faults(part, names[TIME], instants, code, values, unparsed):
        new = wrong & good
        if new.any():
            rows = np.flatnonzero(new)
            problems.add(origin[rows], partial(_describe, describe, rows))
            good &= ~new
    for line, text in part.malformed:
        problems.add(np.array([line + base]), [text].__getitem__)
    timed = ~instants.unknown & (code >= 0)
    symbol = code.astype(np.uint16)
    return (
        Rows(
            origin=origin[good],
            minute=instants.second[good] // 60,
            symbol=symbol[good],
            values={key: array[good] for key, array in values.items()},
        ),
        Timed(instants.second[timed], symbol[timed], instants.off[timed]),
    )


def _codes(source: Source, part: Part, known: Symbols) -> Ints:
    """The code [m] of each row's symbol, −1 where there is none."""
    if SYMBOL not in part.columns:
        return np.repeat(known.codes([source.recognised.symbol or ""], source.path), part.number.size)
    different, index = symbols(source.path, source.names[SYMBOL], part.columns[SYMBOL])
    if source.recognised.layout.pairs:
        different = [name.replace("/", "") for name in different]
    return known.codes([*different, ""], source.path)[index]


def _describe(describe: Describe, rows: Ints, i: int) -> str:
    return describe(int(rows[i]))


def _faults(
    part: Part, time: str, instants: Instants, code: Ints, values: dict[str, Floats], unparsed: dict[str, Bools]
) -> list[tuple[Bools, Describe]]:
    """List everything that a row can be wrong in: where it is, and the words for it. The first counts."""

    def told(key: str, form: str) -> Describe:
        """What stands in the file, which may be nothing, in the words of `form`."""
        name = time if key == TIME else key

        def text(row: int) -> str:
            stands = shown(part.columns[key], row)
            return f"{name} {form.format(stands) if stands else 'is missing'}"

        return text

    def quoted(form: str, *keys: str) -> Describe:
        return lambda row: form.format(*(f"{values[key][row]:.15g}" for key in keys))

    faults: list[tuple[Bools, Describe]] = [
        (
            instants.unknown,
            told(TIME, "{} is no time: epoch s, ms, µs or ns since 2001, or ISO 8601 with a zone, is needed"),
        ),
        (instants.off, told(TIME, "{} is not on a minute")),
        (code < 0, told(SYMBOL, "{} is not UTF-8")),
    ]
    faults += [(wrong, told(key, "{} is not a number")) for key, wrong in unparsed.items()]
    faults += [(np.isnan(values[key]), told(key, "is nan")) for key in REQUIRED]
    faults += [(np.isinf(array), quoted(f"{key} {{}} is not finite", key)) for key, array in values.items()]
    faults += [(values[key] <= 0, quoted(f"{key} {{}} is not positive", key)) for key in PRICES]
    faults += [
        (
            (values[key] < LEAST_PRICE) | (values[key] > MOST_PRICE),
            quoted(f"{key} {{}} is no price, which is {LEAST_PRICE:g} to {MOST_PRICE:g}", key),
        )
        for key in PRICES
    ]
    opened, high, low, close = (values[key] for key in PRICES)
    bounds = ("high", "open", "close")
    faults += [
        (high < np.maximum(opened, close), quoted("high {} is below open {} or close {}", *bounds)),
        (low > np.minimum(opened, close), quoted("low {} is above open {} or close {}", "low", "open", "close")),
    ]
    amounts = ("volume", *(key for key in OPTIONAL if key in values))
    faults += [(values[key] < 0, quoted(f"{key} {{}} is negative", key)) for key in amounts]
    faults.append((values["volume"] > MOST_AMOUNT, quoted(f"volume {{}} is more than {MOST_AMOUNT:g}", "volume")))
    if "taker_buy_volume" in values:
        bought, volume = values["taker_buy_volume"], values["volume"]
        more = bought > volume * (1 + _TOLERANCE)
        faults.append((more, quoted("taker_buy_volume {} is more than volume {}", "taker_buy_volume", "volume")))
    return faults
