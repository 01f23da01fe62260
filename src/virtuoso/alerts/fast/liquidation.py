"""Finds liquidations: a large one, a cascade of them in one symbol, and cascades in several symbols at once.

Sides are the *position's*: `Buy` says that longs were liquidated, which sells into the market.
"""

from collections.abc import Sequence
from math import exp, inf, log

from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.sizes import Sizes
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import CascadeParameters, LiquidationParameters
from virtuoso.model.market import Liquidation, Side
from virtuoso.model.text.numbers import PLAIN, Denomination, number_text

SINGLE, CASCADE = "liquidation", "liquidation_cascade"
_HOUR_S = 3_600.0
_HALF_LIFE_S = 24 * _HOUR_S
_USUAL_MS = 6 * 3_600_000.0
_LEAST_SECOND = 1_000


class _Flow:
    """Sums what was liquidated of one side, decaying: over the window, and over the six hours it is compared with."""

    __slots__ = ("_at_ms", "_long", "_window_ms", "count", "value")

    def __init__(self, window_ms: int) -> None:
        self._window_ms = float(window_ms)
        self._at_ms: int | None = None
        self._long = 0.0
        self.value = self.count = 0.0

    def add(self, at_ms: int, value: float) -> float:
        """Add a liquidation; returns the baseline of `self.value` before it, in quote units."""
        past_ms = 0 if self._at_ms is None else max(0, at_ms - self._at_ms)
        fade = exp(-past_ms / self._window_ms)
        self._long *= exp(-past_ms / _USUAL_MS)
        baseline = (self._long - self.value * fade) * self._window_ms / _USUAL_MS
        self.value = self.value * fade + value
        self.count = self.count * fade + 1.0
        self._long += value
        self._at_ms = at_ms
        return max(0.0, baseline)


class MarketCascade:
    """Counts the symbols under forced selling (or buying) at the same time."""

    def __init__(self, symbols: int, findings: Findings) -> None:
        self._wanted = symbols
        self._findings = findings
        self._until_ms: dict[Side, dict[str, int]] = {Side.BUY: {}, Side.SELL: {}}

    def elevated(self, symbol: str, side: Side, event_ms: int, for_ms: int, now_ns: int) -> None:
        """Count a symbol with at least half a cascade of this side, for `for_ms`."""
        among = self._until_ms[side]
        among[symbol] = event_ms + for_ms
        for gone in [name for name, until_ms in among.items() if until_ms <= event_ms]:
            del among[gone]
        if len(among) < self._wanted:
            return
        names = list(among)
        positions = "longs" if side is Side.BUY else "shorts"
        self._findings.found(
            CASCADE,
            Severity.CRITICAL,
            f"{positions} are liquidated in {len(names)} symbols at once: {', '.join(names[:5])}",
            now_ns,
            symbol=None,
            side=side,
            value=float(len(names)),
            details={
                "scope": "market", "side": side, "direction": _direction(side), "symbols": len(names),
                "leader": names[0], "followers": ", ".join(names[1:]), "threshold": self._wanted, "unit": "symbols",
                "event_ms": event_ms,
            },
            quiet_ms=for_ms,
        )  # fmt: skip

    def forget(self, symbol: str) -> None:
        """Stop counting a symbol that is no longer watched."""
        for among in self._until_ms.values():
            among.pop(symbol, None)


class Liquidations:
    """Judges a symbol's liquidations against its usual turnover of a minute and its own history of them.

    A single one is worth `share_of_minute`; once `min_count` were seen, it must also be one that comes but once in
    `once_in_hours` on average. It is over `quiet` seconds after the last.

    A cascade is `min_count` of one side within about `window` that are worth `share_of_minute` together, and
    `times_usual` what is usually liquidated in that time. `symbols` with at least half of all this at once are a
    cascade of the market.
    """

    __slots__ = (
        "_cascade", "_denomination", "_findings", "_flows", "_market", "_once_in_s", "_parameters", "_quiet_ms",
        "_sizes", "_symbol", "_window_ms", "turnover",
    )  # fmt: skip

    def __init__(
        self,
        symbol: str,
        parameters: LiquidationParameters,
        cascade: CascadeParameters,
        findings: Findings,
        market: MarketCascade,
        denomination: Denomination = PLAIN,
    ) -> None:
        self._symbol = symbol
        self._denomination = denomination
        self._parameters = parameters
        self._once_in_s = parameters.once_in_hours * _HOUR_S
        self._quiet_ms = int(parameters.quiet * 1_000)
        self._cascade = cascade
        self._window_ms = int(cascade.window * 1_000)
        self._findings = findings
        self._market = market
        self._sizes = Sizes(_HALF_LIFE_S)
        self._flows = {Side.BUY: _Flow(self._window_ms), Side.SELL: _Flow(self._window_ms)}
        self.turnover: float | None = None
        """Quote value of a usual minute; nothing is found while it is unknown."""

    def take(self, liquidations: Sequence[Liquidation], now_ns: int) -> None:
        """Judge the liquidations of one message, oldest first."""
        for one in liquidations:
            value = one.price * one.size
            if not 0.0 < value < inf:
                continue
            if self.turnover is not None:
                self._single(one, value, self.turnover, now_ns)
                self._cascaded(one, value, self.turnover, now_ns)
            self._sizes.add(value, one.event_ms)

    def _single(self, one: Liquidation, value: float, turnover: float, now_ns: int) -> None:
        limit = self._parameters.share_of_minute * turnover
        if value < limit:
            return
        known = self._sizes.count >= self._parameters.min_count
        limit = max(limit, self._sizes.level(self._once_in_s) or 0.0) if known else limit
        if value < limit:
            return
        self._findings.found(
            SINGLE,
            Severity.INFO,
            f"{self._symbol}: a {_position(one.side)} of {self._denomination.amount(value)} was liquidated "
            f"at {self._denomination.price(one.price)}",
            now_ns,
            symbol=self._symbol,
            side=one.side,
            value=value,
            details={
                "side": one.side, "direction": _direction(one.side), "value": value, "size": one.size,
                "price": one.price, "threshold": limit, "unit": "quote", "minutes_of_turnover": value / turnover,
                "event_ms": one.event_ms,
            },
            quiet_ms=self._quiet_ms,
        )  # fmt: skip

    def _cascaded(self, one: Liquidation, value: float, turnover: float, now_ns: int) -> None:
        cascade, flow = self._cascade, self._flows[one.side]
        baseline = flow.add(one.event_ms, value)
        limit = max(cascade.share_of_minute * turnover, cascade.times_usual * baseline)
        if flow.value < limit / 2 or flow.count < cascade.min_count / 2:
            return
        # Without another one the sum is down to half the limit by then.
        for_ms = _LEAST_SECOND + int(self._window_ms * log(2 * flow.value / limit))
        self._market.elevated(self._symbol, one.side, one.event_ms, for_ms, now_ns)
        if flow.value < limit or flow.count < cascade.min_count:
            return
        self._findings.found(
            CASCADE,
            Severity.WARNING,
            f"{self._symbol}: {_position(one.side)}s of {self._denomination.amount(flow.value)} were liquidated "
            f"within {number_text(self._window_ms / 1000)} s",
            now_ns,
            symbol=self._symbol,
            side=one.side,
            value=flow.value,
            details={
                "scope": "symbol", "side": one.side, "direction": _direction(one.side), "value": flow.value,
                "count": flow.count, "threshold": limit, "usual": baseline, "unit": "quote, decayed",
                "window_s": self._window_ms / 1000, "minutes_of_turnover": flow.value / turnover,
                "event_ms": one.event_ms,
            },
            quiet_ms=for_ms,
        )  # fmt: skip


def _direction(side: Side) -> str:
    return "down" if side is Side.BUY else "up"


def _position(side: Side) -> str:
    return "long" if side is Side.BUY else "short"
