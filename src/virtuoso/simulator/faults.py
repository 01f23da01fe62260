"""Weather to order: faults that are switched on by the control endpoint and end by themselves."""

from typing import Literal

import msgspec


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One order.

    `disconnect` closes all sockets. `mute` keeps the sockets that are open now connected, pings answered, but
    without data. `drop_delta` drops the next `count` frames of `topic`. `refuse` resets every connection and request.
    `latency` delays answers and frames by `latency_ms`. `for_s` bounds all but the first and third.
    """

    fault: Literal["disconnect", "mute", "drop_delta", "refuse", "latency"]
    for_s: float = 30.0
    topic: str | None = None
    count: int = 1
    latency_ms: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.for_s <= 3600:
            raise ValueError("for_s must be in (0, 3600] seconds")
        if self.fault == "drop_delta" and not self.topic:
            raise ValueError("drop_delta needs a topic, such as orderbook.50.BTCUSDT")
        if not 1 <= self.count <= 1000:
            raise ValueError("count must be in [1, 1000]")
        if self.fault == "latency" and not 0 < self.latency_ms <= 60_000:
            raise ValueError("latency needs latency_ms in (0, 60000]")


class Faults:
    """The faults in force. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._refuse_until = 0.0
        self._mute_until = 0.0
        self._latency_until = 0.0
        self._latency_s = 0.0
        self._drops: dict[str, int] = {}

    def order(self, fault: Fault, now_s: float) -> None:
        """Put a fault in force (`disconnect` and the marking of sockets for `mute` are the server's part)."""
        until = now_s + fault.for_s
        match fault.fault:
            case "refuse":
                self._refuse_until = until
            case "mute":
                self._mute_until = until
            case "latency":
                self._latency_until, self._latency_s = until, fault.latency_ms / 1000
            case "drop_delta":
                self._drops[fault.topic or ""] = fault.count
            case "disconnect":
                pass

    def clear(self) -> None:
        """Good weather."""
        self.__init__()  # type: ignore[misc]

    def refusing(self, now_s: float) -> bool:
        """Whether connections are reset."""
        return now_s < self._refuse_until

    def muting(self, now_s: float) -> bool:
        """Whether muted sockets are still mute."""
        return now_s < self._mute_until

    def latency_s(self, now_s: float) -> float:
        """Delay of answers and frames."""
        return self._latency_s if now_s < self._latency_until else 0.0

    def drops(self, topic: str) -> bool:
        """Whether this frame of `topic` is to be dropped; counts it."""
        left = self._drops.get(topic, 0)
        if left == 0:
            return False
        if left == 1:
            del self._drops[topic]
        else:
            self._drops[topic] = left - 1
        return True

    def state(self, now_s: float) -> dict[str, float | dict[str, int]]:
        """What is in force: seconds left of each."""
        return {
            "refuse_s": max(0.0, self._refuse_until - now_s),
            "mute_s": max(0.0, self._mute_until - now_s),
            "latency_s": max(0.0, self._latency_until - now_s),
            "latency_ms": self.latency_s(now_s) * 1000,
            "drops": dict(self._drops),
        }
