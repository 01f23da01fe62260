"""Finds whale trades: a taker's order as large as the symbol sees but once in hours."""

from collections.abc import Sequence
from math import inf

from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.sizes import Sizes
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import WhaleTradeParameters
from virtuoso.model.market import Side, Trade
from virtuoso.model.text.numbers import PLAIN, Denomination

KIND = "whale_trade"
_HOUR_S = 3_600.0
_HALF_LIFE_S = 6 * _HOUR_S
_AGAIN_MS = 10_000
_Order = tuple[int, Side, float, float, int]
"""Time, side, quote value, size and number of trades."""


class WhaleTrades:
    """Judges a symbol's orders by quote value.

    A whale's come once in `once_in_hours` on average; none is judged before `min_trades`, and it is over `quiet`
    seconds after the last. The trades of one taker side and one millisecond in one message are one order: a large order
    meets many small ones.
    """

    __slots__ = (
        "_again_ms", "_denomination", "_findings", "_limit", "_min_trades", "_newest_ms", "_once_in_s", "_pending",
        "_quiet_ms", "_settled_ms", "_sizes", "_symbol",
    )  # fmt: skip

    def __init__(
        self, symbol: str, parameters: WhaleTradeParameters, findings: Findings, denomination: Denomination = PLAIN
    ) -> None:
        self._symbol = symbol
        self._denomination = denomination
        self._once_in_s = parameters.once_in_hours * _HOUR_S
        self._min_trades = parameters.min_trades
        self._quiet_ms = int(parameters.quiet * 1_000)
        self._findings = findings
        self._sizes = Sizes(_HALF_LIFE_S)
        self._limit = inf
        self._pending = self._sizes.pending
        self._settled_ms = self._again_ms = 0
        self._newest_ms = -1

    @property
    def limit(self) -> float:
        """Quote value from which an order is a whale's; infinite while too little is known."""
        return self._limit

    def learn(self, trades: Sequence[Trade]) -> None:
        """Learn from trades before the start, oldest first, without judging them."""
        for at_ms, _, value, _, _ in _orders(trades):
            self._newest_ms = max(self._newest_ms, at_ms)
            self._sizes.add(value, at_ms)

    def take(self, trades: Sequence[Trade], now_ns: int) -> None:
        """Judge the trades of one message, oldest first."""
        if len(trades) == 1:  # most messages
            (trade,) = trades
            value = trade.price * trade.size
            if value >= self._limit:
                self._judge(_orders(trades), now_ns)
            self._pending.append(value)
        elif trades:
            self._take_many(trades, now_ns)
            trade = trades[-1]
        else:
            return
        at_ms = self._newest_ms = trade.event_ms
        if not self._settled_ms <= at_ms < self._again_ms or self._sizes.is_full:
            self._settle(at_ms)

    def take_fetched(self, trades: Sequence[Trade], now_ns: int) -> None:
        """Judge trades that were asked for, none of which came before; those before the newest known are old news."""
        if self._newest_ms < 0:
            self.learn(trades)
        else:
            self.take([trade for trade in trades if trade.event_ms >= self._newest_ms], now_ns)

    def _take_many(self, trades: Sequence[Trade], now_ns: int) -> None:
        """Judge many orders by their sums alone; the rest of an order is only worked out when one is large."""
        at_ms, side, value, largest = -1, None, 0.0, 0.0
        for trade in trades:
            if trade.side is not side or trade.event_ms != at_ms:
                self._pending.append(value)
                if value > largest:
                    largest = value
                at_ms, side, value = trade.event_ms, trade.side, 0.0
            value += trade.price * trade.size
        if value >= self._limit or largest >= self._limit:
            self._judge(_orders(trades), now_ns)
        self._pending.append(value)

    def _judge(self, orders: Sequence[_Order], now_ns: int) -> None:
        for order in orders:
            if self._limit <= order[2] < inf:
                self._found(order, now_ns)

    def _settle(self, at_ms: int) -> None:
        """Find the threshold anew, every ten seconds of event time, and after many trades."""
        self._settled_ms, self._again_ms = at_ms, at_ms + _AGAIN_MS
        self._sizes.advance(at_ms)
        level = self._sizes.level(self._once_in_s) if self._sizes.count >= self._min_trades else None
        self._limit = inf if level is None else level

    def _found(self, order: _Order, now_ns: int) -> None:
        at_ms, side, value, size, fills = order
        direction = "up" if side is Side.BUY else "down"
        denomination = self._denomination
        self._findings.found(
            KIND,
            Severity.INFO,
            f"{self._symbol}: a taker {'bought' if side is Side.BUY else 'sold'} for {denomination.amount(value)} "
            f"at once, at {denomination.price(value / size)}",
            now_ns,
            symbol=self._symbol,
            side=side,
            value=value,
            details={
                "side": side,
                "direction": direction,
                "value": value,
                "size": size,
                "price": value / size,
                "fills": fills,
                "threshold": self._limit,
                "unit": "quote",
                "once_in_hours": self._once_in_s / _HOUR_S,
                "event_ms": at_ms,
            },
            quiet_ms=self._quiet_ms,
        )


def _orders(trades: Sequence[Trade]) -> list[_Order]:
    """Join trades to the orders behind them, oldest first."""
    found: list[_Order] = []
    at_ms, side, value, size, fills = -1, Side.BUY, 0.0, 0.0, 0
    for trade in trades:
        if trade.event_ms != at_ms or trade.side is not side:
            if fills:
                found.append((at_ms, side, value, size, fills))
            at_ms, side, value, size, fills = trade.event_ms, trade.side, 0.0, 0.0, 0
        value += trade.price * trade.size
        size += trade.size
        fills += 1
    if fills:
        found.append((at_ms, side, value, size, fills))
    return found
