"""What a book did over one base bar, from one sample a second of event time and the trades between."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from virtuoso.market.book import Book
from virtuoso.market.panel import BOOK_LEVELS
from virtuoso.model.market import Levels, Side, Trade

SAMPLE_MS = 1_000
_ABSORB_MS = 1_000
_RESOLVE_MS = 3_000
_PENDING = 4_096
_LARGE = 4.0
"""A resting size is large from this multiple of the mean level size of the best ten."""
_WIDENED, _DEPLETED = 2.0, 0.5
_RECOVERED_SPREAD, _RECOVERED_SIZE = 1.25, 0.8


@dataclass(frozen=True, slots=True)
class MinuteFeatures:
    """The fields of `BookBlock` for one symbol; `None` = not seen. The levels are those at the cut."""

    close_ms: int
    bids: Levels
    asks: Levels
    order_flow: float | None
    touch_size: float | None
    imbalance: float | None
    micro_deviation: float | None
    spread_bp: float | None
    absorbed_bid: float | None
    absorbed_ask: float | None
    resilience: float | None
    vanished: float | None


@dataclass(slots=True)
class _Shock:
    at_ms: int
    side: int  # +1 bid depleted, -1 ask depleted, 0 spread widened
    before: float


@dataclass(slots=True)
class _Large:
    at_ms: int
    is_bid: bool
    size: float
    traded: bool = False


class MinuteSampler:
    """Accumulates one symbol's features; `sample` once a second, `cut` at the close of the base bar.

    Shocks and large orders that are still unresolved at a cut count in the bar in which they resolve.
    """

    def __init__(self) -> None:
        self._trades: deque[Trade] = deque(maxlen=_PENDING)
        self._shocks: deque[_Shock] = deque(maxlen=64)
        self._large: dict[float, _Large] = {}
        self._last: tuple[float, float, float] | None = None
        self.blind = False
        """The book is only looked at now and then: what happens between looks is not seen."""
        self._reset()

    def _reset(self) -> None:
        self._samples = 0
        self._imbalance = self._micro = self._spread_bp = self._touch = 0.0
        self._absorbed_bid = self._absorbed_ask = 0.0
        self._shocked = self._recovered = 0
        self._large_size = self._vanished_size = 0.0

    def forget(self) -> None:
        """Forget what is pending, which can no longer be judged: the book was lost."""
        self._trades.clear()
        self._shocks.clear()
        self._large.clear()
        self._last = None

    def restart(self) -> None:
        """Begin a bar with nothing seen and nothing pending."""
        self.forget()
        self._reset()

    def trades(self, trades: Sequence[Trade]) -> None:
        """Note trades, to be judged against the book a second later."""
        self._trades.extend(trades)
        if large := self._large:
            for trade in trades:
                if trade.price in large:
                    large[trade.price].traded = True

    def sample(self, at_ms: int, book: Book) -> None:
        """Look at the book as it stood at `at_ms` (before the event that reached this second)."""
        if not book.valid:
            self.forget()
            return
        bids, asks = book.near(BOOK_LEVELS)
        bid_sizes, ask_sizes = [book.bids[price] for price in bids], [book.asks[price] for price in asks]
        bid, ask, bid_size, ask_size = book.bid_price, book.ask_price, book.bid_size, book.ask_size
        bid_depth, ask_depth = sum(bid_sizes), sum(ask_sizes)
        spread, touch = ask - bid, bid_size + ask_size
        self._samples += 1
        self._imbalance += (bid_depth - ask_depth) / (bid_depth + ask_depth)
        self._micro += (bid_size - ask_size) / touch  # = (micro-price − mid) / (spread / 2)
        self._spread_bp += spread / (0.5 * (bid + ask)) * 1e4
        self._touch += 0.5 * touch
        self._judge_trades(at_ms - _ABSORB_MS, bid, ask)
        if self._shocks:
            self._judge_shocks(at_ms, {0: spread, 1: bid_size, -1: ask_size})
        self._watch_shocks(at_ms, spread, bid_size, ask_size)
        if self._large:
            self._judge_large(at_ms, book, bids, asks)
        least = _LARGE * ((bid_depth + ask_depth) / (len(bids) + len(asks)))
        if max(bid_sizes) > least:
            self._watch_large(at_ms, bids, bid_sizes, least, is_bid=True)
        if max(ask_sizes) > least:
            self._watch_large(at_ms, asks, ask_sizes, least, is_bid=False)

    def _judge_trades(self, until_ms: int, bid: float, ask: float) -> None:
        pending = self._trades
        while pending and pending[0].event_ms <= until_ms:
            trade = pending.popleft()
            if trade.side is Side.BUY:
                if ask <= trade.price:
                    self._absorbed_ask += trade.size
            elif bid >= trade.price:
                self._absorbed_bid += trade.size

    def _judge_shocks(self, at_ms: int, now: dict[int, float]) -> None:
        for shock in list(self._shocks):
            value = now[shock.side]
            good = (
                value <= shock.before * _RECOVERED_SPREAD
                if shock.side == 0
                else value >= shock.before * _RECOVERED_SIZE
            )
            if good or at_ms - shock.at_ms >= _RESOLVE_MS:
                self._shocks.remove(shock)
                self._shocked += 1
                self._recovered += good

    def _watch_shocks(self, at_ms: int, spread: float, bid_size: float, ask_size: float) -> None:
        if self._last is not None:
            old_spread, old_bid_size, old_ask_size = self._last
            if spread >= old_spread * _WIDENED:
                self._shocks.append(_Shock(at_ms, 0, old_spread))
            if bid_size <= old_bid_size * _DEPLETED:
                self._shocks.append(_Shock(at_ms, 1, old_bid_size))
            if ask_size <= old_ask_size * _DEPLETED:
                self._shocks.append(_Shock(at_ms, -1, old_ask_size))
        self._last = (spread, bid_size, ask_size)

    def _judge_large(self, at_ms: int, book: Book, bids: list[float], asks: list[float]) -> None:
        for price, large in list(self._large.items()):
            if at_ms - large.at_ms < _RESOLVE_MS:
                continue
            del self._large[price]
            reachable = bids[-1] <= price <= bids[0] if large.is_bid else asks[0] <= price <= asks[-1]
            if not reachable or large.traded:
                continue  # left behind or executed: neither honest nor suspicious
            self._large_size += large.size
            side = book.bids if large.is_bid else book.asks
            if side.get(price, 0.0) < large.size * 0.5:
                self._vanished_size += large.size

    def _watch_large(self, at_ms: int, prices: list[float], sizes: list[float], least: float, *, is_bid: bool) -> None:
        for price, size in zip(prices[1:], sizes[1:], strict=True):
            if size > least and price not in self._large and len(self._large) < 2 * BOOK_LEVELS:
                self._large[price] = _Large(at_ms, is_bid, size)

    def cut(self, close_ms: int, book: Book) -> MinuteFeatures:
        """Freeze the bar that closes at `close_ms` and begin the next."""
        n = self._samples
        bids, asks = book.top(BOOK_LEVELS) if book.valid else ([], [])
        flow = book.take_order_flow()
        features = MinuteFeatures(
            close_ms=close_ms,
            bids=bids,
            asks=asks,
            order_flow=flow if n else None,
            touch_size=self._touch / n if n else None,
            imbalance=self._imbalance / n if n else None,
            micro_deviation=self._micro / n if n else None,
            spread_bp=self._spread_bp / n if n else None,
            absorbed_bid=self._absorbed_bid if n else None,
            absorbed_ask=self._absorbed_ask if n else None,
            resilience=self._recovered / self._shocked if self._shocked else None,
            vanished=self._vanished_size / self._large_size if self._large_size else None,
        )
        if self.blind:
            features = replace(
                features, order_flow=None, absorbed_bid=None, absorbed_ask=None, resilience=None, vanished=None
            )
        self.blind = False
        self._reset()
        return features
