"""The mixed stream: real Bybit frames, repeated without a gap, and the state that they must end in.

60 % order-book deltas, 20 % trades, 20 % tickers. One pass holds every linear delta of the recorded capture in its
order; trades and tickers of the same 44 s are spread evenly between them (trades, of which there are fewer, repeat).
Each pass begins with the recorded snapshots. `u`, `seq`, `ts`, trade ids and times are rewritten so that all passes
make one gapless stream with the capture's own rate in event time.
"""

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import zstandard

CAPTURE = Path(__file__).parent.parent / "tests/data/bybit_v5_ws_20260809/capture.jsonl.zst"
CONNECTION = "BYBIT.ws.2"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
DEPTH = 200
TOPICS = tuple(f"{kind}.{symbol}" for kind in (f"orderbook.{DEPTH}", "publicTrade", "tickers") for symbol in SYMBOLS)
PASS_MS = 44_000
START_MS = 1_786_310_820_000
PATTERN = ("book", "book", "trade", "book", "ticker")

Message = dict[str, Any]


class Recording(NamedTuple):
    """The capture's linear messages by kind, in their order; `snapshots` begin every pass.

    `instruments` is Bybit's own answer about them, which the peers need to know their symbols.
    """

    instruments: Message
    snapshots: list[Message]
    book: list[Message]
    trade: list[Message]
    ticker: list[Message]


def read_capture(path: Path) -> Recording:
    """The linear messages of a cryptofeed capture."""
    recording = Recording({}, [], [], [], [])
    kinds = {"orderbook": recording.book, "publicTrade": recording.trade, "tickers": recording.ticker}
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        for line in io.TextIOWrapper(stream):
            record = json.loads(line)
            if record["t"] == "http" and "category=linear" in record["url"]:
                recording.instruments.update(_only_watched(json.loads(record["data"])))
            if record["t"] != "recv" or record["conn"] != CONNECTION:
                continue
            message = json.loads(record["data"])
            kind = message.get("topic", "").partition(".")[0]
            if kind in ("orderbook", "tickers") and message["type"] == "snapshot":
                recording.snapshots.append(message)
            elif kind in kinds:
                kinds[kind].append(message)
    return recording


def _only_watched(answer: Message) -> Message:
    rows = [row for row in answer["result"]["list"] if row["symbol"] in SYMBOLS]
    return {**answer, "result": {**answer["result"], "list": rows, "nextPageCursor": ""}}


class Mixer:
    """Makes passes out of a recording, and keeps the state that a right receiver ends in."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._update_id = dict.fromkeys(SYMBOLS, 0)
        self._sequence = 0
        self._books: dict[str, dict[str, dict[str, str]]] = {}
        self._last: dict[str, str] = {}
        self._last_trade: dict[str, str] = {}
        self._trades = dict.fromkeys(SYMBOLS, 0)
        self._count = {"snapshot": 0, "book": 0, "trade": 0, "ticker": 0}
        self._end_ms = 0

    def one_pass(self, number: int) -> Iterator[bytes]:
        """The frames of pass `number`, counted from 0."""
        begin_ms = START_MS + number * PASS_MS
        for message in self._recording.snapshots:
            yield self._rewrite("snapshot", message, begin_ms)
        order = list(self._order())
        for index, (kind, message) in enumerate(order):
            yield self._rewrite(kind, message, begin_ms + index * PASS_MS // len(order))

    def _order(self) -> Iterator[tuple[str, Message]]:
        """Every book delta once; the others taken evenly from their own 44 s. The last is a book delta."""
        deltas = iter(self._recording.book)
        groups = len(self._recording.book) // PATTERN.count("book")
        for group in range(groups):
            for kind in PATTERN:
                if kind == "book":
                    yield kind, next(deltas)
                else:
                    source: list[Message] = getattr(self._recording, kind)
                    yield kind, source[group * len(source) // groups]
        for message in deltas:
            yield "book", message

    def _rewrite(self, kind: str, message: Message, ts: int) -> bytes:
        self._count[kind] += 1
        self._sequence += 1
        self._end_ms = ts
        message = {**message, "ts": ts}
        data = message["data"]
        if kind == "trade":
            message["data"] = [self._trade(row, ts, n) for n, row in enumerate(data)]
        elif message["topic"].startswith("orderbook"):
            symbol = data["s"]
            self._update_id[symbol] += 1
            message["data"] = {**data, "u": self._update_id[symbol], "seq": self._sequence}
            message["cts"] = ts
            self._keep_book(symbol, message)
        else:
            message["cs"] = self._sequence
            self._last[data["symbol"]] = data.get("lastPrice", self._last.get(data["symbol"], ""))
        return json.dumps(message, separators=(",", ":")).encode()

    def _trade(self, row: Message, ts: int, n: int) -> Message:
        symbol = row["s"]
        self._trades[symbol] += 1
        trade = {**row, "T": ts, "i": f"{row['i'][:23]}-{self._sequence:08x}{n:04x}", "seq": self._sequence}
        self._last_trade[symbol] = trade["i"]
        return trade

    def _keep_book(self, symbol: str, message: Message) -> None:
        if message["type"] == "snapshot":
            self._books[symbol] = {"b": {}, "a": {}}
        for side in ("b", "a"):
            levels = self._books[symbol][side]
            for price, size in message["data"][side]:
                if float(size) == 0.0:
                    levels.pop(price, None)
                else:
                    levels[price] = size

    def expected(self) -> Message:
        """What every receiver must hold after the frames made so far."""
        return {
            "messages": sum(self._count.values()),
            "kinds": dict(self._count),
            "end_ms": self._end_ms,
            "symbols": {
                symbol: {
                    "update_id": self._update_id[symbol],
                    "bid": _level(max(book["b"].items(), key=_price)),
                    "ask": _level(min(book["a"].items(), key=_price)),
                    "levels": [len(book["b"]), len(book["a"])],
                    "size": [round(sum(float(size) for size in book[side].values()), 3) for side in ("b", "a")],
                    "trades": self._trades[symbol],
                    "last_trade": self._last_trade[symbol],
                    "last": float(self._last[symbol]),
                }
                for symbol, book in self._books.items()
            },
        }


def _price(level: tuple[str, str]) -> float:
    return float(level[0])


def _level(level: tuple[str, str]) -> list[float]:
    return [float(level[0]), float(level[1])]


def write(capture: Path, passes: int, folder: Path) -> Message:
    """Write `frames.jsonl` (one frame a line), `expected.json` and `instruments.json`; returns what is expected."""
    folder.mkdir(parents=True, exist_ok=True)
    recording = read_capture(capture)
    (folder / "instruments.json").write_text(json.dumps(recording.instruments))
    mixer = Mixer(recording)
    with (folder / "frames.jsonl").open("wb") as file:
        for number in range(passes):
            file.writelines(frame + b"\n" for frame in mixer.one_pass(number))
    expected = mixer.expected()
    (folder / "expected.json").write_text(json.dumps(expected, indent=1))
    return expected


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--capture", type=Path, default=CAPTURE)
    parser.add_argument("--passes", type=int, default=20)
    arguments = parser.parse_args()
    write(arguments.capture, arguments.passes, arguments.folder)
