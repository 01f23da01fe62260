"""The universe: which symbols are watched, and for each that is not, why."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from virtuoso.market.universe.names import meant
from virtuoso.model.instrument import Instrument
from virtuoso.model.text.numbers import amount_text
from virtuoso.model.timeframe import DAY_MS

NOT_LISTED: Final = "included by configuration, but the exchange lists nothing readable of this name"
_QUOTES, _REASONS = 8, 3
_NUMBER = re.compile(r"\d[\d.,]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseRules:
    """What is watched: the `size` symbols of highest 24 h turnover (quote units) that pass every filter.

    The first `detailed` of them have book and trades too, the others tickers and bars alone. `include` symbols come
    first, whatever their rank, turnover or age; `exclude` are patterns such as `*PERP` or `1000*`. A symbol already
    watched (or detailed) stays while its rank is within `size · hysteresis` (≥ 1).
    """

    size: int = 15
    detailed: int = 50
    quote: str = "USDT"
    min_turnover_24h: float = 0.0
    min_age_days: float = 0.0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hysteresis: float = 1.2


@dataclass(frozen=True, slots=True)
class Universe:
    """The symbols watched, by turnover, the reason for each one left out, and which have book and trades too."""

    symbols: tuple[str, ...]
    left_out: Mapping[str, str]
    detailed: frozenset[str] = frozenset()


def select(
    instruments: Sequence[Instrument],
    turnovers: Mapping[str, float],
    previous: Universe,
    rules: UniverseRules,
    now_ms: int,
) -> Universe:
    """Choose the universe at exchange time `now_ms`, given the one so far and what is listed (see `Listings`)."""
    left_out: dict[str, str] = {}
    ranked: list[tuple[float, str]] = []
    for instrument in instruments:
        turnover = turnovers.get(instrument.symbol)
        reason = _rejection(instrument, turnover, rules, now_ms, watched=instrument.symbol in previous.symbols)
        if reason is None:
            ranked.append((turnover or 0.0, instrument.symbol))
        else:
            left_out[instrument.symbol] = reason
    order = [symbol for _, symbol in sorted(ranked, reverse=True)]
    rank = {symbol: i for i, symbol in enumerate(order, 1)}
    included = set(rules.include) & rank.keys()

    def first(size: int, incumbents: Collection[str]) -> list[str]:
        def claim(symbol: str) -> tuple[bool, bool, int]:
            stays = symbol in incumbents and rank[symbol] <= size * rules.hysteresis
            return symbol not in included, not stays, rank[symbol]

        return sorted(order, key=claim)[: max(size, len(included))]

    chosen = set(first(rules.size, previous.symbols))
    for symbol in order:
        if symbol not in chosen:
            left_out[symbol] = _outranked(rank[symbol], rules.size)
    for symbol in rules.include:
        if symbol not in chosen and symbol not in left_out:
            left_out[symbol] = NOT_LISTED
    detailed = frozenset(first(rules.detailed, previous.detailed)) & chosen
    return Universe(tuple(symbol for symbol in order if symbol in chosen), left_out, detailed)


def _outranked(rank: int, size: int) -> str:
    if rank > size:
        return f"rank {rank} by 24 h turnover is past the universe's size of {size}"
    return f"rank {rank} by 24 h turnover, but its place is kept for a symbol already watched or always included"


def _rejection(
    instrument: Instrument, turnover: float | None, rules: UniverseRules, now_ms: int, *, watched: bool
) -> str | None:
    symbol = instrument.symbol
    if instrument.status != "Trading":
        return f"status is {instrument.status}"
    for pattern in rules.exclude:
        if fnmatchcase(symbol, pattern):
            return f"excluded by pattern {pattern}"
    if symbol in rules.include:
        return None
    if instrument.dated:
        return "not a perpetual"
    if instrument.quote != rules.quote:
        return f"quoted in {instrument.quote}, not {rules.quote}"
    if rules.min_age_days > 0 and not (watched and instrument.launch_ms is None):
        if instrument.launch_ms is None:
            return "age unknown"
        age = (now_ms - instrument.launch_ms) / DAY_MS
        if age < rules.min_age_days:
            return f"listed {age:.1f} days ago, less than {rules.min_age_days:g}"
    if turnover is None:
        return None if watched else "24 h turnover unknown"
    if turnover < rules.min_turnover_24h:
        least = amount_text(rules.min_turnover_24h, instrument.quote)
        return f"24 h turnover {amount_text(turnover, instrument.quote)} below {least}"
    return None


def unknown_includes(universe: Universe, rules: UniverseRules, instruments: Sequence[Instrument]) -> dict[str, str]:
    """By name, what is wrong with each always watched symbol that the exchange does not list."""
    found = {}
    for name in rules.include:
        if universe.left_out.get(name) == NOT_LISTED:
            said = f"universe.include names {name}, and the exchange lists nothing readable of this name"
            found[name] = said + _hint(meant(name, instruments))
    return found


def why_empty(universe: Universe, rules: UniverseRules, instruments: Sequence[Instrument]) -> str | None:
    """Why nothing is watched, in one line; `None` while something is."""
    if universe.symbols:
        return None
    quotes = sorted({instrument.quote for instrument in instruments})
    if quotes and rules.quote not in quotes:
        like = [quote for quote in quotes if quote.upper() == rules.quote.upper()]
        hint = _hint(like) if like else f"; it has {', '.join(quotes[:_QUOTES])}"
        return f"nothing is watched: no instrument is quoted in universe.quote = {rules.quote}{hint}"
    alike: dict[str, list[str]] = {}
    for reason in universe.left_out.values():
        alike.setdefault(_NUMBER.sub("", reason), []).append(reason)
    most = sorted(alike.values(), key=len, reverse=True)[:_REASONS]
    why = "; ".join(f"{len(same)} × {'' if len(set(same)) == 1 else 'e.g. '}{same[0]}" for same in most)
    return f"nothing is watched: of {len(instruments)} instruments none passes: {why or 'nothing is listed'}"


def _hint(symbols: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(symbols)}?" if symbols else ""
