"""nautilus_trader: its Bybit data client, live data engine and cache, and an actor that subscribes, on uvloop.

    python nautilus_driver.py FOLDER PORT CONTROL

What a `TradingNode` puts together is put together by hand, since the node asks Bybit's private REST for fees and coins,
and there is none here; the instruments are parsed by nautilus from Bybit's recorded answer. Its socket is its
own (Rust). The engine keeps the books, as it does for `managed` subscriptions; the actor keeps trades and quotes, as a
user's would.
"""

import asyncio
import sys
from collections import deque
from pathlib import Path

import gauge
import msgspec
import uvloop
from nautilus_trader.adapters.bybit.common.enums import BybitProductType
from nautilus_trader.adapters.bybit.config import BybitDataClientConfig
from nautilus_trader.adapters.bybit.data import BybitDataClient
from nautilus_trader.adapters.bybit.http.client import BybitHttpClient
from nautilus_trader.adapters.bybit.providers import BybitInstrumentProvider
from nautilus_trader.adapters.bybit.schemas.account.fee_rate import BybitFeeRate
from nautilus_trader.adapters.bybit.schemas.instrument import BybitInstrumentsLinearResponse
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.actor import Actor
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.core.nautilus_pyo3 import Quota
from nautilus_trader.live.data_engine import LiveDataEngine
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import FundingRateUpdate, QuoteTick, TradeTick
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import ClientId, InstrumentId, TraderId
from nautilus_trader.model.objects import Currency
from nautilus_trader.portfolio.portfolio import Portfolio

DEPTH = 200
BYBIT = ClientId("BYBIT")


class RecordedInstruments(BybitInstrumentProvider):
    """Nautilus' provider over the recorded answer; the fees, which Bybit tells its customers only, are its standard."""

    def use(self, answer: gauge.Message) -> None:
        """Parse what Bybit answered."""
        response = msgspec.json.decode(msgspec.json.encode(answer), type=BybitInstrumentsLinearResponse)
        self.add_currency(USDT)
        for row in response.result.list:
            self.add_currency(Currency.from_str(row.baseCoin))
            fee = BybitFeeRate(symbol=row.symbol, takerFeeRate="0.00055", makerFeeRate="0.0002")
            self._parse_instrument(row, fee)

    async def load_all_async(self, filters: dict | None = None) -> None:
        """They are there."""


class Receiver(Actor):
    """The user's side."""

    def __init__(self, ids: list[InstrumentId]) -> None:
        super().__init__()
        self.ids = ids
        self.trades = {each: deque(maxlen=2_000) for each in ids}
        self.count = dict.fromkeys(ids, 0)
        self.quotes: dict[InstrumentId, QuoteTick] = {}
        self.funding: dict[InstrumentId, FundingRateUpdate] = {}

    def on_start(self) -> None:
        """The book first: then its client takes quotes from the ticker."""
        for each in self.ids:
            self.subscribe_order_book_deltas(each, book_type=BookType.L2_MBP, depth=DEPTH, client_id=BYBIT)
            self.subscribe_trade_ticks(each, client_id=BYBIT)
            self.subscribe_quote_ticks(each, client_id=BYBIT)
            self.subscribe_funding_rates(each, client_id=BYBIT)

    def on_trade_tick(self, tick: TradeTick) -> None:
        """Keep it."""
        self.trades[tick.instrument_id].append(tick)
        self.count[tick.instrument_id] += 1

    def on_quote_tick(self, tick: QuoteTick) -> None:
        """Keep it."""
        self.quotes[tick.instrument_id] = tick

    def on_funding_rate(self, funding_rate: FundingRateUpdate) -> None:
        """Keep it."""
        self.funding[funding_rate.instrument_id] = funding_rate

    def state(self, each: InstrumentId) -> gauge.Message:
        """What is known of a symbol."""
        book = self.cache.order_book(each)
        sides = [book.bids(), book.asks()]
        best = [[side[0].price.as_double(), side[0].size()] for side in sides]
        return {
            "bid": best[0],
            "ask": best[1],
            "levels": [len(side) for side in sides],
            "size": [round(sum(level.size() for level in side), 3) for side in sides],
            "trades": self.count[each],
            "last_trade": self.trades[each][-1].trade_id.value,
        }


async def main(folder: Path, port: int, control: int) -> None:
    loop, clock, cache = asyncio.get_running_loop(), LiveClock(), Cache()
    bus = MessageBus(TraderId("BENCHMARK-001"), clock)
    engine = LiveDataEngine(loop, bus, cache, clock)
    quota = Quota.rate_per_second(10)
    http = BybitHttpClient(clock, "none", "none", "http://127.0.0.1:9", ratelimiter_default_quota=quota)
    provider = RecordedInstruments(http, clock, [BybitProductType.LINEAR])
    provider.use(gauge.instruments(folder))
    client = BybitDataClient(
        loop, http, bus, cache, clock, provider, [BybitProductType.LINEAR],
        {BybitProductType.LINEAR: f"ws://127.0.0.1:{port}/v5/public/linear"},
        BybitDataClientConfig(api_key="none", api_secret="none", product_types=(BybitProductType.LINEAR,)), None,
    )  # fmt: skip
    engine.register_client(client)
    engine.start()
    client.connect()
    async with asyncio.timeout(gauge.DEADLINE_S):
        while not client.is_connected:
            await asyncio.sleep(0.01)
    expected = gauge.expected(folder)
    ids = {symbol: InstrumentId.from_str(f"{symbol}-LINEAR.BYBIT") for symbol in expected["symbols"]}
    receiver = Receiver(list(ids.values()))
    receiver.register_base(Portfolio(bus, cache, clock), bus, cache, clock)
    receiver.start()
    trades = sum(symbol["trades"] for symbol in expected["symbols"].values())

    def done() -> bool:
        books = [cache.order_book(each) for each in receiver.ids]
        at_end = any(book is not None and book.ts_last // 1_000_000 == expected["end_ms"] for book in books)
        return at_end and sum(receiver.count.values()) == trades

    cpu_s = await gauge.measure_stream(control, done)
    states = {symbol: receiver.state(each) for symbol, each in ids.items()}
    gauge.report(cpu_s=cpu_s, symbols=states, packages=("nautilus_trader", "msgspec", "uvloop"))
    receiver.stop()
    client.disconnect()
    await asyncio.sleep(1.5)
    engine.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
