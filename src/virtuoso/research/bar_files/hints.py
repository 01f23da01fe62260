"""Holds what the user says of files that do not say it themselves: `--symbol`, `--columns` and `--zone`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from virtuoso.model.errors import UsageError

TIME, SYMBOL = "time", "symbol"
PRICES = ("open", "high", "low", "close")
REQUIRED = (*PRICES, "volume")
OPTIONAL = ("taker_buy_volume", "turnover")
NUMBERS = (*REQUIRED, *OPTIONAL)
KEYS = (TIME, SYMBOL, *NUMBERS)
"""What a bar is made of; a layout says which column of a file is which."""

_OFFSET = re.compile(r"[+-]([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the user said once for all files of a run.

    Attributes:
        symbol: that of files without a column of symbols; `None`: the one in the file's name.
        columns: key (`KEYS`) → the column's name in the files, or its number from 1.
        zone: the zone of times that name none, as `zone_of` returns it; `None`: the layout's own, if it has one.
    """

    symbol: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None


def columns_of(text: str) -> dict[str, str]:
    """Read columns written as `time=start_at,close=last`.

    Raises:
        UsageError: it is not of that form, or names what a bar does not have.
    """
    columns: dict[str, str] = {}
    for pair in text.split(","):
        key, equals, name = (part.strip() for part in pair.partition("="))
        if not (key and equals and name):
            raise UsageError(f"--columns: {pair.strip()!r} is no KEY=NAME; write time=start_at,close=last")
        if key not in KEYS:
            raise UsageError(f"--columns: there is no key {key!r}; keys are {', '.join(KEYS)}: of bars, not of trades")
        if key in columns:
            raise UsageError(f"--columns: {key} is given twice")
        columns[key] = name
    return columns


def zone_of(text: str) -> str:
    """Read a time zone: `UTC`, `+03:00`, `Europe/Berlin`.

    Raises:
        UsageError: there is no such zone.
    """
    if _OFFSET.fullmatch(text):
        return text
    try:
        return str(ZoneInfo(text))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"--zone: there is no zone {text!r}; write UTC, +03:00 or Europe/Berlin") from error
