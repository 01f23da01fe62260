"""What faults do to frames: each push becomes none, one or several frames."""

import re
from typing import Any

import msgspec
import numpy as np

from virtuoso.simulator.faults import Fault, Faults

_TIME = re.compile(rb'"(ts|cts|time)":(\d{13})')
_NANO = re.compile(rb'"timeNano":"(\d{13})(\d{6})"')
_NUMBER = re.compile(r"-?\d+(\.\d+)?$")
_UNKNOWN = b'{"topic":"priceLimit.BTCUSDT","type":"snapshot","ts":1,"data":{"symbol":"BTCUSDT","buyLmt":"1"}}'
_KEPT = frozenset({"s", "symbol", "i", "S", "side", "interval"})


class Weather:
    """Applies the faults in force to what the exchange says; deterministic for a seed."""

    def __init__(self, faults: Faults, seed: int = 1) -> None:
        self._faults = faults
        self._rng = np.random.default_rng(seed)
        self._held: dict[str, bytes] = {}
        self._restarted: dict[str, int] = {}

    def frames(self, topic: str, payload: bytes, now_s: float) -> list[bytes]:
        """What is sent in place of `payload`."""
        if topic in self._restarted:
            payload = self._renumbered(topic, payload)
        if topic in self._held:
            return [payload, self._held.pop(topic)]
        if not self._faults:
            return [payload]
        faults = self._faults
        if faults.on_topic("mute_topic", topic, now_s) or faults.on_topic("drop_delta", topic, now_s):
            return []
        if faults.on_topic("reorder_delta", topic, now_s):
            self._held[topic] = payload
            return []
        if faults.on_topic("duplicate_delta", topic, now_s):
            return [payload, payload]
        if faults.on_topic("cross_delta", topic, now_s):
            payload = _crossed(payload)
        for kind, empty in (("empty_numbers", True), ("missing_numbers", False)):
            if faults.on_topic(kind, topic, now_s):
                payload = _without_numbers(payload, empty=empty)
        if topic.startswith("kline") and self._missing(topic, now_s):
            payload = _unconfirmed(payload)
        found = [self.timed(self._damaged(topic, payload, now_s), now_s)]
        if self._chance(faults.get("unknown_topic", now_s)):
            found.append(_UNKNOWN)
        return found

    def snapshot(self, topic: str, payload: bytes | None, now_s: float) -> bytes | None:
        """What a new subscriber gets first."""
        if payload is None or self._faults.on_topic("mute_topic", topic, now_s):
            return None
        return self._renumbered(topic, payload) if topic in self._restarted else payload

    def restarted(self, topic: str, payload: bytes) -> bytes:
        """The book service starts over: a whole book with `u` = 1; what follows counts on from it."""
        message = msgspec.json.decode(payload)
        self._restarted[topic] = message["data"]["u"] - 1
        message["data"]["u"] = 1
        return msgspec.json.encode(message)

    def timed(self, body: bytes, now_s: float) -> bytes:
        """The exchange's own times (ts, cts, time) as a skewed or frozen clock tells them."""
        if frozen := self._faults.get("frozen_time", now_s):
            behind_ms = int((now_s - self._faults.since_s(frozen)) * 1000)
            return _shifted(body, -behind_ms)
        if skewed := self._faults.get("clock_skew", now_s):
            return _shifted(body, int(skewed.skew_ms))
        return body

    def latency_s(self, now_s: float) -> float:
        """Delay of answers and frames, with jitter."""
        fault = self._faults.get("latency", now_s)
        return 0.0 if fault is None else (fault.latency_ms + fault.jitter_ms * self._rng.random()) / 1000

    def _chance(self, fault: Fault | None) -> bool:
        return fault is not None and self._rng.random() < fault.share

    def _missing(self, topic: str, now_s: float) -> bool:
        symbol = topic.rpartition(".")[2]
        return any(fault.symbol == symbol for fault in self._faults.all("missing_minutes", now_s))

    def _damaged(self, topic: str, payload: bytes, now_s: float) -> bytes:
        if self._chance(self._faults.on_topic("truncated", topic, now_s)):
            return payload[: int(self._rng.integers(1, len(payload)))]
        if self._chance(self._faults.on_topic("malformed", topic, now_s)):
            at = int(self._rng.integers(len(payload)))
            return payload[:at] + b'}"' + payload[at + 1 :]
        return payload

    def _renumbered(self, topic: str, payload: bytes) -> bytes:
        message = msgspec.json.decode(payload)
        message["data"]["u"] -= self._restarted[topic]
        return msgspec.json.encode(message)


def _shifted(body: bytes, ms: int) -> bytes:
    body = _TIME.sub(lambda m: b'"%s":%d' % (m[1], int(m[2]) + ms), body)
    return _NANO.sub(lambda m: b'"timeNano":"%d%s"' % (int(m[1]) + ms, m[2]), body)


def _crossed(payload: bytes) -> bytes:
    message = msgspec.json.decode(payload)
    asks = [float(price) for price, size in message["data"]["a"] if float(size)]
    bids = [float(price) for price, size in message["data"]["b"] if float(size)]
    far = 1.5 * max([*asks, *bids, 1.0])
    message["data"]["b"] = [[f"{far:.8f}", "1"], *message["data"]["b"]]
    return msgspec.json.encode(message)


def _without_numbers(payload: bytes, *, empty: bool) -> bytes:
    def strip(value: Any) -> Any:
        if isinstance(value, list):
            return [strip(item) for item in value]
        if not isinstance(value, dict):
            return value
        number = {k for k, v in value.items() if k not in _KEPT and isinstance(v, str) and _NUMBER.match(v)}
        return {k: "" if k in number else strip(v) for k, v in value.items() if empty or k not in number}

    message = msgspec.json.decode(payload)
    return msgspec.json.encode(message | {"data": strip(message["data"])})


def _unconfirmed(payload: bytes) -> bytes:
    """Take the bars that closed out of a frame."""
    message = msgspec.json.decode(payload)
    bars = [bar for bar in message["data"] if not bar["confirm"]]
    return msgspec.json.encode(message | {"data": bars})
