"""The floor: picows + msgspec decoding alone, every message into a typed struct of floats, nothing done with it.

python -m benchmarks.drivers.floor FOLDER PORT CONTROL
"""

import asyncio
import sys
from pathlib import Path

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.peers import gauge
from benchmarks.workload import TOPICS


class BookData(msgspec.Struct, gc=False):
    """Changed levels."""

    b: list[tuple[float, float]]
    a: list[tuple[float, float]]
    u: int


class Book(msgspec.Struct, gc=False):
    """`orderbook`."""

    type: str
    ts: int
    data: BookData


class TradeItem(msgspec.Struct, gc=False):
    """One trade."""

    T: int
    p: float
    v: float
    S: str
    i: str


class Trades(msgspec.Struct, gc=False):
    """`publicTrade`."""

    ts: int
    data: list[TradeItem]


class TickerData(msgspec.Struct, gc=False):
    """The fields that the production handler uses."""

    lastPrice: float | None = None  # noqa: N815 - the wire's own names
    markPrice: float | None = None  # noqa: N815
    indexPrice: float | None = None  # noqa: N815
    bid1Price: float | None = None  # noqa: N815
    bid1Size: float | None = None  # noqa: N815
    ask1Price: float | None = None  # noqa: N815
    ask1Size: float | None = None  # noqa: N815
    prevPrice24h: float | None = None  # noqa: N815
    price24hPcnt: float | None = None  # noqa: N815
    highPrice24h: float | None = None  # noqa: N815
    lowPrice24h: float | None = None  # noqa: N815
    volume24h: float | None = None
    turnover24h: float | None = None
    openInterest: float | None = None  # noqa: N815
    openInterestValue: float | None = None  # noqa: N815
    fundingRate: float | None = None  # noqa: N815
    nextFundingTime: float | None = None  # noqa: N815
    fundingIntervalHour: float | None = None  # noqa: N815


class Ticker(msgspec.Struct, gc=False):
    """`tickers`."""

    ts: int
    data: TickerData


DECODE = {
    b"o": msgspec.json.Decoder(Book, strict=False).decode,
    b"p": msgspec.json.Decoder(Trades, strict=False).decode,
    b"t": msgspec.json.Decoder(Ticker, strict=False).decode,
}
KIND_AT = len('{"topic":"')


class Listener(WSListener):
    """Decodes each frame by the first letter of its topic."""

    def __init__(self) -> None:
        self.messages = 0

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """One frame."""
        payload = frame.get_payload_as_bytes()
        decode = DECODE.get(payload[KIND_AT : KIND_AT + 1])
        if decode is not None and payload.startswith(b'{"topic'):
            decode(payload)
            self.messages += 1


async def main(folder: Path, port: int, control: int) -> None:
    """Connect, subscribe, measure."""
    messages = gauge.expected(folder)["messages"]
    listener = Listener()
    transport, _ = await ws_connect(lambda: listener, f"ws://127.0.0.1:{port}/v5/public/linear")
    transport.send(WSMsgType.TEXT, msgspec.json.encode({"op": "subscribe", "args": TOPICS}))
    cpu_s = await gauge.measure_stream(control, lambda: listener.messages >= messages)
    gauge.report(cpu_s=cpu_s, messages=listener.messages, symbols={}, packages=("picows", "msgspec", "uvloop"))
    transport.disconnect()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
