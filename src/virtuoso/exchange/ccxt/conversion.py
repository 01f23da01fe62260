"""ccxt's unified structures made into ours. What ccxt leaves open is settled here, never guessed.

*Units.* ccxt gives the amounts of books and trades of contract markets in contracts, those of bars, tickers and open
interest in whatever the exchange uses. The former are multiplied by `contractSize`. For the latter the item itself
decides: its value over (amount · price) is 1 if the amount counts coins, and `contractSize` if it counts contracts.

*Nonsense.* A price that is not positive, an amount that is negative, a time that is none are unknown (`None`), or what
they belong to is refused: a trade, a ratio. A bar, and a ticker's last price, keep theirs (`nan` for what is no number)
for the market to refuse, as it refuses those of streams: what is missing there matters.

*Turnover.* ccxt drops a bar's turnover. Where the exchange's own answer carries it, it is kept if it proves to be worth
the volume, of the page and of each bar; else it is `nan`: volume times a typical price would be an invention.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import UNSET

from virtuoso.model.errors import MalformedMessage, NotOffered
from virtuoso.model.instrument import Instrument, InstrumentId, Kind
from virtuoso.model.market import AccountRatio, Bar, FundingRate, Levels, OpenInterest, Side, TickerUpdate, Trade
from virtuoso.model.timeframe import DAY_MS, Timeframe
from virtuoso.model.units import turnover_bounds

_T = TypeVar("_T")

_LONGEST_INTERVAL_MS = 8 * DAY_MS
"""A settlement further ahead than that is none."""

UNPARSABLE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)
"""What code that reads a surprising answer raises."""
_TICK_SIZE, _DECIMALS = 4, 2
"""ccxt's `precisionMode`s that name a step; the third, significant digits, names none."""


def name_of(market: Any) -> str:
    """A market's name: the exchange's own, or ccxt's where that is a mere number (hyperliquid)."""
    own = str(market["id"])
    return own if any(letter.isalpha() for letter in own) else str(market["symbol"])


def instrument(exchange: str, kind: Kind, market: Any, rate: Any, mode: int) -> Instrument:
    """A market; `rate` is its funding rate or interval, `{}` if not known."""
    interval_h = hours(rate.get("interval")) if market["swap"] else None
    return Instrument(
        id=InstrumentId(exchange, kind, name_of(market)),
        unified=market["symbol"],
        base=market["base"],
        quote=market["quote"],
        settle=market["settle"] or market["quote"],
        status={True: "Trading", False: "Closed"}.get(market["active"], "Unknown"),
        perpetual=bool(market["swap"]),
        tick_size=_step(market["precision"]["price"], mode),
        lot_size=_step(market["precision"]["amount"], mode) * contract_size(market),
        launch_ms=_time(market.get("created")),
        funding_interval_min=None if interval_h is None else round(60 * interval_h),
    )


def ticker(market: Any, item: Any, rate: Any, interest: Any, now_ms: float) -> TickerUpdate:
    """A ticker with its funding rate and open interest; what is not offered stays `UNSET`, what is empty is `None`."""
    size, last, change = contract_size(market), positive(item["last"]), _finite(item["percentage"])
    said = _finite(item["last"])
    rate, of_rate = (rate, True) if rate else ({}, False)
    mark = positive(item.get("markPrice")) or positive(rate.get("markPrice"))
    settles = (_time(rate.get("fundingTimestamp")), _time(rate.get("nextFundingTimestamp")))
    due = [at for at in settles if at is not None and now_ms < at <= now_ms + _LONGEST_INTERVAL_MS]
    held_value = _amount(interest["openInterestValue"]) if interest else None
    return TickerUpdate(
        last=None if item["last"] is None else math.nan if said is None else said,
        mark=mark,
        index=positive(item.get("indexPrice")) or positive(rate.get("indexPrice")),
        bid=positive(item["bid"]),
        bid_size=_coins(item["bidVolume"], size),
        ask=positive(item["ask"]),
        ask_size=_coins(item["askVolume"], size),
        previous_24h=positive(item["open"]),
        change_24h=None if change is None else change / 100,
        high_24h=positive(item["high"]),
        low_24h=positive(item["low"]),
        volume_24h=in_base(_amount(item["baseVolume"]), _amount(item["quoteVolume"]), last, size),
        turnover_24h=_amount(item["quoteVolume"]),
        open_interest=(
            in_base(_amount(interest["openInterestAmount"]), held_value, mark or last, size) if interest else UNSET
        ),
        open_interest_value=held_value if interest else UNSET,
        funding_rate=_finite(rate.get("fundingRate")) if of_rate else UNSET,
        next_funding_ms=min(due, default=None) if of_rate else UNSET,
        funding_interval_h=hours(rate.get("interval")) if of_rate else UNSET,
    )


def bars(exchange: str, size: float, timeframe: Timeframe, items: Sequence[Any], now_ms: float) -> list[Bar]:
    """A page of `[open_ms, open, high, low, close, volume, turnover or None]`.

    The unit of the volumes, and whether the turnover is one, are decided by the whole page together.

    Raises:
        NotOffered: one contract is not one coin, and nothing tells which of them the volumes count.
        MalformedMessage: not aligned in UTC, or the turnover contradicts both units.
    """
    found = []
    for at, *values, turnover in sorted(items, key=lambda item: item[0]):
        if not timeframe.closes_at(at):
            raise MalformedMessage(f"{exchange}'s {timeframe} bar at {at} does not open on a multiple of it in UTC")
        numbers = [_finite(value) for value in values]
        found.append((at, [math.nan if value is None else value for value in numbers], turnover))
    traded = [(values, turnover) for _, values, turnover in found if values[4] > 0 and values[3] > 0]
    volume = math.fsum(values[4] for values, _ in traded)
    at_close = math.fsum(values[4] * values[3] for values, _ in traded)
    known = all(turnover is not None for _, turnover in traded)
    worth = math.fsum(turnover for _, turnover in traded) if known else None
    unit = _unit(volume, worth, at_close / volume if volume else None, size)
    if unit is None and size != 1 and traded:
        if known:
            raise MalformedMessage(f"{exchange}'s bars are worth neither their volume in coins nor in contracts")
        raise NotOffered(f"{exchange}'s bars do not tell whether their volume counts contracts or coins")
    has_turnover = not traded or unit is not None

    def bar(at: int, values: list[float], turnover: float | None) -> Bar:
        opened, high, low, close, amount = values
        paid = (turnover or 0.0) if has_turnover and (turnover is not None or amount == 0) else math.nan
        amount *= unit or 1.0
        least, most = turnover_bounds(low, high, amount)
        paid = paid if least <= paid <= most else math.nan
        return Bar(at, opened, high, low, close, amount, paid, at + timeframe.ms <= now_ms)

    return [bar(*item) for item in found]


def trade(item: Any, size: float) -> Trade:
    """Make a trade of an item, its size in coins; raises `MalformedMessage` at an impossible price, size or time."""
    side = {"buy": Side.BUY, "sell": Side.SELL}.get(item["side"])
    if side is None:
        raise MalformedMessage(f"a trade without the taker's side: {item['side']!r}")
    price, amount = above_zero(item["price"], "a trade's price"), above_zero(item["amount"], "a trade's amount")
    return Trade(event_ms(item), price, amount * size, side, str(item["id"] or ""))


def account_ratio(item: Any) -> AccountRatio:
    """Convert a long/short ratio to the shares of long and short accounts, which add up to 1."""
    ratio = above_zero(item["longShortRatio"], "longShortRatio")
    return AccountRatio(event_ms(item), ratio / (1 + ratio), 1 / (1 + ratio))


def funding_rate(item: Any) -> FundingRate:
    """Convert an item of ccxt's to a settled funding rate (a fraction)."""
    return FundingRate(event_ms(item), number(item["fundingRate"], "fundingRate"))


def open_interest(exchange: str, item: Any, price: float | None, size: float) -> OpenInterest:
    """Convert an item of open interest into coins.

    Raises:
        NotOffered: it is given in another unit alone.
    """
    amount = in_base(item["openInterestAmount"], item["openInterestValue"], price, size)
    if amount is None:
        raise NotOffered(f"{exchange} offers no open interest history in coins through ccxt")
    return OpenInterest(event_ms(item), amount)


def levels(items: Sequence[Sequence[Any]], size: float) -> Levels:
    """Make one side of a book; its items may carry more than price and size."""
    return [(above_zero(item[0], "a price"), number(item[1], "a size") * size) for item in items]


def made(items: Sequence[Any], make: Callable[[Any], _T], refused: Counter[str]) -> list[_T]:
    """Convert items; one that cannot be read is left out and counted in `refused`.

    Raises:
        MalformedMessage: none of them can be.
    """
    found, error = list[_T](), None
    for item in items:
        try:
            found.append(make(item))
        except (MalformedMessage, *UNPARSABLE) as wrong:
            refused["(whole item)"] += 1
            error = wrong
    if error is not None and not found:
        raise MalformedMessage(f"no item of ccxt can be read: {type(error).__name__} {error}") from error
    return found


def contract_size(market: Any) -> float:
    """Base units in one contract; 1 for spot."""
    return number(market["contractSize"], "contractSize") if market.get("contract") else 1.0


def in_base(amount: float | None, value: float | None, price: float | None, size: float) -> float | None:
    """`amount` in base units; `None` if it is not known, or not known whether it counts contracts or coins."""
    if not amount or size == 1:
        return amount
    unit = _unit(amount, value, price, size)
    return None if unit is None else amount * unit


def _unit(amount: float | None, value: float | None, price: float | None, size: float) -> float | None:
    """What makes `amount` base units: 1 or `size`, whichever its `value` in quote units shows within a factor of 2."""
    if not amount or not value or not price:
        return None
    off = {unit: abs(math.log(value / (amount * unit * price))) for unit in (1.0, size)}
    unit = min(off, key=off.__getitem__)
    return unit if off[unit] < math.log(2) else None


def hours(interval: Any) -> float | None:
    """A funding interval like `8h` in hours."""
    return positive(interval[:-1]) if isinstance(interval, str) and interval.endswith("h") else None


def event_ms(item: Any) -> int:
    """Return the time of an item (epoch ms).

    Raises:
        MalformedMessage: it is none, or in another unit.
    """
    if (at := _time(item["timestamp"])) is None:
        raise MalformedMessage(f"a time is {item['timestamp']!r}")
    return at


def positive(value: Any) -> float | None:
    """A number above zero; `None` for what is none."""
    known = _finite(value)
    return known if known is not None and known > 0 else None


def above_zero(value: Any, what: str) -> float:
    """Read a number that must be above zero.

    Raises:
        MalformedMessage: it is none.
    """
    if (known := positive(value)) is None:
        raise MalformedMessage(f"{what} is {value!r}")
    return known


def _amount(value: Any) -> float | None:
    known = _finite(value)
    return known if known is not None and known >= 0 else None


def _coins(contracts: Any, size: float) -> float | None:
    known = _amount(contracts)
    return None if known is None else known * size


def _finite(value: Any) -> float | None:
    try:
        known = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return known if math.isfinite(known) else None


def _time(value: Any) -> int | None:
    """Epoch ms from 2001 to 2286; `None` for what is none, or counted in another unit."""
    known = _finite(value)
    return int(known) if known is not None and 1e12 <= known < 1e13 else None


def number(value: Any, what: str) -> float:
    """Read a number that must be finite.

    Raises:
        MalformedMessage: it is none.
    """
    try:
        found = float(value)
    except (TypeError, ValueError) as error:
        raise MalformedMessage(f"{what} is {value!r}") from error
    if not math.isfinite(found):
        raise MalformedMessage(f"{what} is {value!r}")
    return found


def column(item: Any, columns: Sequence[int | str]) -> float | None:
    """The number in the one of `columns` that fits a bar's raw item: an index into a list, or a key of an object."""
    for at in columns:
        if isinstance(item, dict) if isinstance(at, str) else isinstance(item, list) and at < len(item):
            try:
                return number(item[at], "turnover")
            except (LookupError, MalformedMessage):
                return None
    return None


def _step(precision: Any, mode: int) -> float:
    if precision is None or mode not in (_TICK_SIZE, _DECIMALS):
        raise MalformedMessage("no step of price or quantity is known")
    return float(precision) if mode == _TICK_SIZE else 10.0 ** -int(precision)
