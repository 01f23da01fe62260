"""Ours without a socket: frame bytes through the production listener, feeds and sinks.

python -m benchmarks.drivers.parse FOLDER
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from picows import WSMsgType

from benchmarks.drivers import ours
from benchmarks.peers import gauge
from virtuoso.exchange.bybit.listener import Listener


class Frame:
    """Stands in for picows' frame, which lives only inside its own callback."""

    __slots__ = ("fin", "get_payload_as_bytes", "msg_type", "rsv1")

    def __init__(self, payload: bytes) -> None:
        self.msg_type, self.fin, self.rsv1 = WSMsgType.TEXT, True, False
        self.get_payload_as_bytes = payload.__bytes__  # a call into C, as picows' own is


def main(folder: Path) -> None:
    """Feed all frames."""
    frames = [Frame(payload) for payload in gauge.frames(folder)]
    _, stream, market = ours.make(port=9)
    (connection,) = stream._connections
    take: Callable[[Any, Any], None] = Listener(connection).on_ws_frame

    def feed() -> None:
        for frame in frames:
            take(None, frame)

    cpu_s = gauge.measure_parse(feed)
    gauge.report(cpu_s=cpu_s, messages=ours.messages(stream), symbols=ours.states(market), packages=("msgspec",))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
