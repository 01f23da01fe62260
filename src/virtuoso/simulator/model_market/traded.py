"""The topics made of trades: public trades, bars, liquidations."""

from functools import lru_cache
from itertools import groupby

from virtuoso.simulator.history.feeds import INTERVALS_MS, MONDAY_MS
from virtuoso.simulator.history.market import PlayedTrade
from virtuoso.simulator.history.noise import uniform
from virtuoso.simulator.model_market.market import MINUTE_MS, ModelMarket
from virtuoso.simulator.model_market.topics import Frames, Sequence

_CONFIRM_AFTER_MS, _CONFIRM_SPAN_MS = 110, 380
"""Closed bars come within this span, each symbol's at its own time."""
_FAST = 0.0025
"""A minute that has moved by more than this fraction liquidates someone."""
_LIQUIDATED, _LIQUIDATION_SHARE = 0.08, 0.05


def trade_id(market: ModelMarket, trade: PlayedTrade) -> str:
    """A trade's id, in the form of a UUID, the same on the stream and by REST."""
    key, minute = market.key, trade.at_ms // MINUTE_MS
    return f"{key >> 32:08x}-{key >> 16 & 0xFFFF:04x}-5{key & 0xFFF:03x}-{0x8000 | trade.number:04x}-{minute:012x}"


class TradeFeed:
    """`publicTrade`: the trades of a millisecond in one frame."""

    def __init__(self, market: ModelMarket, sequence: Sequence) -> None:
        self.due_ms = 0
        self._market, self._sequence = market, sequence

    def frames(self, after_ms: int, upto_ms: int) -> Frames:
        """One frame for each millisecond with trades."""
        market, symbol = self._market, self._market.listed.symbol
        minute, tape, made = market.place(upto_ms)
        opened = minute * MINUTE_MS
        self.due_ms = opened + (tape.at_ms[made] if made < len(tape) else MINUTE_MS)
        found: Frames = []
        trades = market.trades(after_ms, upto_ms)
        if not trades:
            return found
        before = market.last_price(trades[0].at_ms - 1)
        texts, size = market.texts, market.units.size
        for at_ms, group in groupby(trades, key=lambda trade: trade.at_ms):
            seq, items = self._sequence.seq(at_ms) + 1, []
            for trade in group:
                ticks = trade.ticks
                moved = "ZeroPlusTick" if ticks == before else "PlusTick" if ticks > before else "MinusTick"
                before = ticks
                items.append(
                    f'{{"T":{at_ms},"s":"{symbol}","S":"{"Buy" if trade.buy else "Sell"}","v":"{size(trade.lots)}",'
                    f'"p":"{texts[ticks]}","L":"{moved}","i":"{trade_id(market, trade)}","BT":false,"RPI":false,'
                    f'"seq":{seq}}}'
                )
            frame = f'{{"topic":"publicTrade.{symbol}","type":"snapshot","ts":{at_ms + 1},"data":[{",".join(items)}]}}'
            found.append((at_ms, frame.encode()))
        return found

    def snapshot(self, at_ms: int) -> bytes | None:
        """Return `None`: trades have no snapshot."""
        return None


class BarFeed:
    """`kline`: the forming bar each second in which a trade came, and the closed one just after its end.

    Symbols are out of step with each other.
    """

    def __init__(self, market: ModelMarket, interval: str) -> None:
        self.due_ms = 0
        self._market, self._interval = market, interval
        self._length = INTERVALS_MS[interval]
        self._offset = MONDAY_MS if interval == "W" else 0
        self._confirm_ms = _CONFIRM_AFTER_MS + market.key % _CONFIRM_SPAN_MS
        self._phase = market.key % 1000
        self._whole = lru_cache(2)(self._whole_minutes)

    def frames(self, after_ms: int, upto_ms: int) -> Frames:
        """Looks once a second, and the closed bars."""
        found: Frames = []
        second = after_ms - (after_ms - self._phase) % 1000 + 1000
        while second <= upto_ms:
            opened = self._opened(second)
            if second > opened and self._traded(max(second - 1000, opened - 1), second):
                found.append((second, self._frame(opened, second, confirm=False)))
            second += 1000
        closed = self._opened(after_ms - self._confirm_ms) + self._length
        while closed + self._confirm_ms <= upto_ms:
            at_ms = closed + self._confirm_ms
            found.append((at_ms, self._frame(closed - self._length, at_ms, confirm=True)))
            closed += self._length
        found.sort(key=lambda frame: frame[0])
        self.due_ms = min(second, closed + self._confirm_ms)
        return found

    def snapshot(self, at_ms: int) -> bytes | None:
        """Return `None`: bars have no snapshot."""
        return None

    def _opened(self, at_ms: int) -> int:
        return at_ms - (at_ms - self._offset) % self._length

    def _traded(self, after_ms: int, upto_ms: int) -> bool:
        """Whether there was a trade in (after_ms, upto_ms], which is a second at most."""
        minute, tape, made = self._market.place(upto_ms)
        if made:
            return minute * MINUTE_MS + tape.at_ms[made - 1] > after_ms
        if after_ms >= minute * MINUTE_MS:
            return False
        before = self._market.tape(minute - 1)
        return (minute - 1) * MINUTE_MS + before.at_ms[-1] > after_ms

    def _whole_minutes(self, opened: int, until: int) -> tuple[int, int, int, int, int, int] | None:
        """The bar's whole minutes before `until`: o, h, l, c, v, turnover."""
        _, rows = self._market.history.minutes(opened, until - 1)
        if not len(rows):
            return None
        return (
            int(rows[0, 0]), int(rows[:, 1].max()), int(rows[:, 2].min()), int(rows[-1, 3]), int(rows[:, 4].sum()),
            int(rows[:, 5].sum()),
        )  # fmt: skip

    def _bar(self, opened: int, known_ms: int) -> tuple[int, int, int, int, int, int]:
        minute = known_ms // MINUTE_MS * MINUTE_MS
        whole = self._whole(opened, minute)
        part = self._market.forming(known_ms) if known_ms < opened + self._length else None
        if part is None or whole is None:
            o, h, low, c, volume, turnover = whole or part or (0, 0, 0, 0, 0, 0)
            return o, h, low, c, volume, turnover
        o, h, low, _, volume, turnover = whole
        return o, max(h, part[1]), min(low, part[2]), part[3], volume + part[4], turnover + part[5]

    def _frame(self, opened: int, at_ms: int, *, confirm: bool) -> bytes:
        o, h, low, c, volume, turnover = self._bar(opened, opened + self._length if confirm else at_ms)
        units, interval = self._market.units, self._interval
        price = units.trimmed_price
        return (
            f'{{"topic":"kline.{interval}.{self._market.listed.symbol}","data":[{{"start":{opened},'
            f'"end":{opened + self._length - 1},"interval":"{interval}","open":"{price(o)}","close":"{price(c)}",'
            f'"high":"{price(h)}","low":"{price(low)}","volume":"{units.trimmed_size(volume)}",'
            f'"turnover":"{units.turnover(turnover)}","confirm":{"true" if confirm else "false"},'
            f'"timestamp":{at_ms}}}],"ts":{at_ms},"type":"snapshot"}}'
        ).encode()


class LiquidationFeed:
    """`allLiquidation`: in a fast minute some trades liquidate a position, of the side that the move hurts."""

    def __init__(self, market: ModelMarket) -> None:
        self.due_ms = 0
        self._market = market
        self._of_minute = lru_cache(2)(self._frames_of)

    def frames(self, after_ms: int, upto_ms: int) -> Frames:
        """Return one frame for every liquidation in (after_ms, upto_ms]; sets `due_ms`."""
        last = upto_ms // MINUTE_MS
        found = [
            frame
            for minute in range((after_ms + 1) // MINUTE_MS, last + 1)
            for frame in self._of_minute(minute)
            if after_ms < frame[0] <= upto_ms
        ]
        later = [at_ms for at_ms, _ in self._of_minute(last) if at_ms > upto_ms]
        self.due_ms = min(later, default=(last + 1) * MINUTE_MS)
        return found

    def _frames_of(self, minute: int) -> Frames:
        """All of a minute; the trades of a slow one are not made for it."""
        market, symbol = self._market, self._market.listed.symbol
        opened, high, low, *_ = market.history.minute(minute * MINUTE_MS)
        if high / opened - 1 < _FAST and 1 - low / opened < _FAST:
            return []
        found: Frames = []
        for trade in market.trades(minute * MINUTE_MS - 1, (minute + 1) * MINUTE_MS - 1):
            move = trade.ticks / opened - 1
            if abs(move) < _FAST or (draw := uniform(market.key, minute, trade.number, 9)) > _LIQUIDATED:
                continue
            side = "Buy" if move < 0 else "Sell"  # the position's side: a fall liquidates longs
            bankrupt = round(trade.ticks * (0.995 if side == "Buy" else 1.005))
            lots = max(1, int(trade.lots * (_LIQUIDATION_SHARE + draw)))
            at_ms = trade.at_ms
            frame = (
                f'{{"topic":"allLiquidation.{symbol}","type":"snapshot","ts":{at_ms + 1},"data":[{{"T":{at_ms},'
                f'"s":"{symbol}","S":"{side}","v":"{market.units.size(lots)}","p":"{market.texts[bankrupt]}"}}]}}'
            )
            found.append((at_ms, frame.encode()))
        return found

    def snapshot(self, at_ms: int) -> bytes | None:
        """Return `None`: liquidations have no snapshot."""
        return None
