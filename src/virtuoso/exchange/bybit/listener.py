"""Frames of one WebSocket put together into messages, each handed to the topic that it names."""

from collections import Counter
from collections.abc import Callable
from typing import Protocol

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from virtuoso.exchange.protocol import Tap
from virtuoso.model.clock import Clock

MOST_BYTES = 8 << 20
"""The largest message that is taken, whole or in pieces; the largest real one, a book of 1,000 levels, has 100 kB."""
_TEXT = WSMsgType.TEXT
_CONTROL = frozenset({WSMsgType.PING, WSMsgType.PONG})


class Owner(Protocol):
    """The connection whose frames these are."""

    number: int
    clock: Clock
    handlers: dict[bytes, Callable[[bytes, int], None]]
    strange: Counter[str]

    def unusual(self, data: bytes) -> None:
        """Take a whole message that does not begin with a topic it carries."""
        ...


class Listener(WSListener):
    """Takes the frames of one connection. Pings are answered by picows itself."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._handlers = owner.handlers
        self._now_ns = owner.clock.now_ns
        self._pieces: bytearray | None = None

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Hand a frame to the handler of the topic it names; control frames and fragments are treated apart."""
        data = frame.get_payload_as_bytes()
        take = self._handlers.get(data[10 : data.find(b'"', 10)])
        if take is not None and frame.fin:  # a control frame names no topic: the type, which is slow, need not be asked
            take(data, self._now_ns())
        else:
            self._take_slowly(transport, frame, data)

    def _take_slowly(self, transport: WSTransport, frame: WSFrame, data: bytes) -> None:
        kind, strange = frame.msg_type, self._owner.strange
        if kind is WSMsgType.CLOSE:
            transport.disconnect()
        elif kind in _CONTROL:
            return
        elif frame.rsv1:
            strange["compressed, which was not agreed on"] += 1
        elif kind is WSMsgType.BINARY:
            strange["binary"] += 1
        elif kind is _TEXT:
            if self._pieces is not None:
                strange["a message that was never finished"] += 1
                self._pieces = None
            if frame.fin:
                self._owner.unusual(data)
            else:
                self._pieces = bytearray(data)
        elif self._pieces is None:
            strange["the continuation of nothing"] += 1
        elif len(self._pieces) + len(data) > MOST_BYTES:
            strange[f"a message of more than {MOST_BYTES} bytes"] += 1
            self._pieces = None
            transport.send_close(WSCloseCode.MESSAGE_TOO_BIG)
            transport.disconnect()
        else:
            self._pieces += data
            if frame.fin:
                whole, self._pieces = bytes(self._pieces), None
                self._put_together(whole)

    def _put_together(self, data: bytes) -> None:
        """Handle a message that came in several frames."""
        self._owner.unusual(data)


class TappedListener(Listener):
    """Shows every message to the tap first; without a tap the hot path knows nothing of it."""

    def __init__(self, owner: Owner, tap: Tap) -> None:
        super().__init__(owner)
        self._tap = tap

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Show a whole text message to the tap, then take the frame as `Listener` does."""
        if frame.fin and frame.msg_type is _TEXT:
            self._show(frame.get_payload_as_bytes())
        super().on_ws_frame(transport, frame)

    def _put_together(self, data: bytes) -> None:
        self._show(data)
        super()._put_together(data)

    def _show(self, data: bytes) -> None:
        self._tap.frame(self._owner.number, self._now_ns(), data)
