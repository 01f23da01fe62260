"""A bare picows + uvloop reader of the topics it is told: takes each frame's bytes and drops them.

python -m benchmarks.drivers.bare_reader PORT TOPICS_FILE SECONDS
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.drivers.stamps import Ages

ARGS_CHARS = 20_000


class Reader(WSListener):
    """Counts ages once the subscription is through."""

    def __init__(self, ages: Ages) -> None:
        self._ages = ages

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        """One frame."""
        self._ages.take(frame.get_payload_as_bytes())


def shards(topics: list[str]) -> Iterator[list[str]]:
    """As many topics a connection as the exchange takes."""
    part: list[str] = []
    for topic in topics:
        if sum(len(each) + 3 for each in part) + len(topic) + 3 > ARGS_CHARS:
            yield part
            part = []
        part.append(topic)
    yield part


async def main(port: int, topics: Path, seconds: float) -> None:
    """Connect, subscribe, measure."""
    ages = Ages()
    transports = []
    for part in shards(json.loads(topics.read_text())):
        transport, _ = await ws_connect(lambda: Reader(ages), f"ws://127.0.0.1:{port}/v5/public/linear")
        for at in range(0, len(part), 50):
            transport.send(WSMsgType.TEXT, msgspec.json.encode({"op": "subscribe", "args": part[at : at + 50]}))
        transports.append(transport)
    await asyncio.sleep(5)  # the snapshots come first, all at once
    ages.clear()
    await asyncio.sleep(seconds)
    print(json.dumps(ages.summary()))
    for transport in transports:
        transport.disconnect()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
