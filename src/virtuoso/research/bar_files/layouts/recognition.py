"""Recognises the layout of a file and its columns, by its line of names or by what its cells look like."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from virtuoso.research.bar_files.hints import OPTIONAL, PRICES, REQUIRED, SYMBOL, TIME, Hints
from virtuoso.research.bar_files.layouts.file_names import symbol_of
from virtuoso.research.bar_files.layouts.table import CLOCK, LAYOUTS, MAKER, OWN, PRICE, SIDE, SIZE, Layout
from virtuoso.research.bar_files.problems import DataError

_SHOWN_NAMES = 20
_RIVALS = ("ts", "open_time")
"""Times of a bar of which nobody can tell which is meant when both are there."""
_SIZES = frozenset({"amount", "size", "qty", "quantity"})
_TRADES_NEED = (
    "they are read as public.bybit.com, Binance Vision and freqtrade write them, with the side of the taker "
    "(price, size and side; or price, qty and is_buyer_maker); sum others up to bars"
)
_COIN = re.compile(r"volume_([a-z0-9]+)")
_NEEDED = (
    f"needed are a time (ts or open_time), {', '.join(REQUIRED)} (and if there: {SYMBOL}, {', '.join(OPTIONAL)}); "
    "name columns of another kind with --columns time=…,close=…"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a file of bars was recognised as.

    Attributes:
        layout: its layout.
        columns: key → number of the column, from 0.
        symbol: that of all rows, when no column tells it.
        zone: the zone of times that name none; `None` when there is none.
    """

    layout: Layout
    columns: Mapping[str, int]
    symbol: str | None
    zone: str | None


def by_names(path: Path, names: Sequence[str], form: str, hints: Hints, row: Sequence[str] = ()) -> Recognised:
    """Recognise a file by the names of its columns.

    Args:
        path: the file, whose name may tell the symbol.
        names: of its columns, in order.
        form: "CSV", "JSON", "feather" or "Parquet".
        hints: what the user says of it.
        row: cells of the first row, if they are known.

    Raises:
        DataError: a column is missing, there twice, or nothing tells the symbol.
    """
    plain_names = [plain(name) for name in names]
    layout = next(layout for layout in LAYOUTS if _fits(layout, plain_names, form, path, hints))
    if hints.columns:
        layout = replace(layout, named={**OWN.named, **layout.named})
    columns = _given(path, names, hints)
    if TIME not in columns and layout is OWN and all(rival in plain_names for rival in _RIVALS):
        raise DataError(
            path, f"has the columns {' and '.join(_RIVALS)}; keep one for the time, or say --columns time=…"
        )
    for key, wanted in layout.named.items():
        found = next((name for name in wanted if name in plain_names), None)
        if key in columns or found is None or (key == CLOCK and TIME in hints.columns):
            continue
        if plain_names.count(found) > 1:
            raise DataError(path, f"has the column {found} twice; keep one")
        columns[key] = plain_names.index(found)
    symbol = _symbol(path, columns, hints)
    for key, i in _coin_volumes(plain_names, symbol or _cell(row, columns.get(SYMBOL))):
        columns.setdefault(key, i)
    _check(path, layout, columns, [name.strip() for name in names])
    return _recognised(path, layout, columns, symbol, hints)


def by_cells(path: Path, row: Sequence[str], kinds: str, form: str, hints: Hints) -> Recognised:
    """Recognise a file without a line of names, by its first row and the kinds of its cells.

    Raises:
        DataError: it is of no layout that is known without names, or nothing tells the symbol.
    """
    columns: dict[str, int] = {}
    if hints.columns:
        layout = replace(OWN, title="columns as given")
        columns = _given(path, [str(i) for i in range(1, len(row) + 1)], hints)
    else:
        found = (one for one in LAYOUTS if one.row and (not one.formats or form in one.formats))
        named = hints.symbol or symbol_of(path) or ""
        layout = next(
            (one for one in found if re.fullmatch(one.row, kinds) and re.fullmatch(one.symbols or ".*", named)), OWN
        )
        columns = {key: i for i, key in enumerate(layout.order) if key and i < len(row)}
    missing = [key for key in (TIME, *REQUIRED) if key not in columns]
    if layout.trades or not missing:
        return _recognised(path, layout, columns, _symbol(path, columns, hints), hints)
    if hints.columns:
        raise DataError(path, f"has no line of column names, and --columns does not say which is {', '.join(missing)}")
    told = ", ".join(cut(cell.strip()) for cell in row[:_SHOWN_NAMES])
    cure = "--columns time=1,open=2,high=3,low=4,close=5,volume=6"
    raise DataError(
        path,
        f"has no line of column names, and no layout known without one; say which column is which, as {cure}: {told}",
    )


def plain(name: str) -> str:
    """Write a column's name as the table of layouts does: `<TICKVOL>` tickvol, `Volume (BTC)` volume_btc."""
    return re.sub(r"[^\w]+", "_", name.strip().strip("<>")).strip("_").lower()


def cut(text: str, width: int = 40) -> str:
    """Cut a text to `width`, for a message."""
    return text if len(text) <= width else f"{text[:width]}…"


def _fits(layout: Layout, names: list[str], form: str, path: Path, hints: Hints) -> bool:
    if layout is OWN:
        return True
    symbol = hints.symbol or symbol_of(path) or ""
    return (
        bool(layout.marks)
        and not (layout.trades and hints.columns)  # which name columns of bars
        and layout.marks <= set(names)
        and tuple(names[: len(layout.begins)]) == layout.begins
        and (not layout.formats or form in layout.formats)
        and re.fullmatch(layout.symbols or ".*", symbol) is not None
        and re.fullmatch(layout.files or ".*", path.name) is not None
    )


def _given(path: Path, names: Sequence[str], hints: Hints) -> dict[str, int]:
    """Find the columns that the user names, by name or number."""
    stripped = [name.strip() for name in names]
    columns: dict[str, int] = {}
    for key, name in hints.columns.items():
        if stripped.count(name) == 1:
            columns[key] = stripped.index(name)
        elif name.isascii() and name.isdigit() and 0 < int(name) <= len(stripped):
            columns[key] = int(name) - 1
        else:
            what = "has the column {!r} twice" if name in stripped else "has no column {!r}"
            raise DataError(path, f"{what.format(name)}, which --columns names for {key}. It has {_told(stripped)}")
    return columns


def _symbol(path: Path, columns: Mapping[str, int], hints: Hints) -> str | None:
    return None if SYMBOL in columns else hints.symbol or symbol_of(path)


def _recognised(path: Path, layout: Layout, columns: Mapping[str, int], symbol: str | None, hints: Hints) -> Recognised:
    if symbol is None and SYMBOL not in columns:
        raise DataError(path, "has no column symbol, and its name tells no symbol; give it with --symbol BTCUSDT")
    return Recognised(layout=layout, columns=columns, symbol=symbol, zone=hints.zone or layout.zone)


def _cell(row: Sequence[str], i: int | None) -> str:
    return row[i] if i is not None and i < len(row) else ""


def _coin_volumes(names: list[str], symbol: str) -> Iterator[tuple[str, int]]:
    """Find volume and turnover among columns named by the coins of the symbol, as `Volume BTC` and `Volume USDT`."""
    letters = re.sub(r"[^a-z0-9]", "", symbol.lower())
    for i, name in enumerate(names):
        coin = _COIN.fullmatch(name)
        if coin and letters.startswith(coin[1]):
            yield "volume", i
        elif coin and letters.endswith(coin[1]):
            yield "turnover", i


def _check(path: Path, layout: Layout, columns: Mapping[str, int], names: list[str]) -> None:
    if layout.trades:
        missing = [key for key in (TIME, PRICE, SIZE) if key not in columns]
        if missing or not {SIDE, MAKER} & set(columns):
            raise DataError(path, f"is of {layout.title}, but lacks {', '.join(missing) or 'the taker side'}")
        return
    missing = [key for key in (TIME, *REQUIRED) if key not in columns]
    if {*PRICES} <= set(missing) and "price" in (plain_names := set(map(plain, names))) and plain_names & _SIZES:
        raise DataError(path, f"has no bars; if these are trades, of columns {_told(names)}, {_TRADES_NEED}")
    if missing == ["volume"] and not any("vol" in plain(name) for name in names):
        raise DataError(path, f"has no volume ({layout.title}); {layout.lacking}")
    if missing:
        unused = [name for i, name in enumerate(names) if i not in columns.values()]
        lacks = "; ".join(_lack(key, unused) for key in missing)
        raise DataError(path, f"{lacks}. It has {_told(names)}; {_NEEDED}")


def _told(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN_NAMES:,} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(repr(cut(name)) for name in names[:_SHOWN_NAMES]) + more


def _lack(key: str, unused: list[str]) -> str:
    wanted = _RIVALS if key == TIME else (key,)
    spelt = {plain(name): name for name in unused}
    near = [hit for name in wanted for hit in difflib.get_close_matches(name, spelt, n=1)]
    nearest = f" (nearest is {cut(spelt[near[0]])!r})" if near else ""
    return f"column {' or '.join(wanted)} is missing{nearest}"
