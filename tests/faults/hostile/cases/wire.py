"""Frames and streams that are not as they should be."""

import gzip
import json
from collections.abc import Iterable
from typing import Any

from tests.faults.hostile.case import Case
from tests.faults.hostile.edits import OF_VICTIM, TICKER, as_text, frames
from tests.faults.hostile.odd import BINARY, CONTINUATION, PING, Edit, FrameEdit, Json, Nameless, Out, Wire
from tests.faults.hostile.told import REFUSED, TOPIC_REFUSED

_ALL_DEAD: Any = {"not_live": ("*",), "healthy": None}

_POLLED: Any = {"not_live": ("*",)}
"""By their streams; after some seconds they are asked for, and live so."""


def _data(edit: FrameEdit, *, harmless: bool = False) -> Any:
    """Every frame of data edited; replies as they are."""
    return lambda: Edit({"reply": lambda _: None, "*": edit}, harmless=harmless)


def _garbled(message: Json) -> Any:
    text = _dumped(message).decode()
    return [text[: len(text) // 2] + '}"' + text[len(text) // 2 :]]


def _dumped(message: Json) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def _fragments(message: Json) -> Iterable[Out]:
    """In three pieces, a ping between the first two."""
    whole = _dumped(message)
    third = len(whole) // 3
    return [
        Wire(whole[:third], fin=False), Wire(b"?", PING), Wire(whole[third : 2 * third], CONTINUATION, fin=False),
        Wire(whole[2 * third :], CONTINUATION),
    ]  # fmt: skip


def _escaped(message: Json) -> Iterable[Out]:
    """Every capital of the topic and of the names as an escape, which is the same JSON."""
    text = json.dumps(message, separators=(",", ":"))
    return ["".join(rf"\u{ord(c):04x}" if c in "SOLUDT" else c for c in text)]


def _crowd(message: Json) -> Iterable[Out]:
    """Forty frames of topics that nobody asked for beside it."""
    stranger = {"topic": "priceLimit.GHOSTUSDT", "type": "snapshot", "ts": message["ts"], "data": {"buyLmt": "1"}}
    return [*[stranger] * 40, message]


def _replies(message: Json) -> Iterable[Out]:
    """Replies that nobody asked for."""
    return [
        message,
        {"success": True, "ret_msg": "", "op": "subscribe", "req_id": "0-99999", "conn_id": "x"},
        {"success": False, "ret_msg": "error:handler not found,topic:tickers.BTCUSDT", "op": "subscribe"},
        {"success": "perhaps", "op": ["subscribe"]},
        "[]", "null", "7", '""', "pong",
    ]  # fmt: skip


def _refusing(of: str) -> Any:
    """Requests that hold a topic of this name are refused, as the exchange refuses them."""

    def asked(request: Json) -> Any:
        named = [topic for topic in request.get("args", []) if of in topic]
        if request["op"] != "subscribe" or not named:
            return None
        said = f"error:handler not found,topic:{named[0]}"
        return [
            (
                "down",
                {"success": False, "ret_msg": said, "conn_id": "x", "req_id": request["req_id"], "op": "subscribe"},
            )
        ]

    return lambda: Edit(asked=asked)


def _refusing_all(request: Json) -> Any:
    if request["op"] != "subscribe":
        return None
    said = "error:internal error"
    return [
        ("down", {"success": False, "ret_msg": said, "conn_id": "x", "req_id": request["req_id"], "op": "subscribe"})
    ]


def _lost_acks(message: Json) -> Any:
    return [] if message.get("op") == "subscribe" else None


def _other_acks(message: Json) -> Any:
    return [message | {"req_id": "another"}] if message.get("op") == "subscribe" else None


def _no_pongs(message: Json) -> Any:
    return [] if message.get("op") in {"ping", "pong"} else None


def _huge(message: Json) -> Iterable[Out]:
    """Two megabytes of spaces in a frame."""
    whole = _dumped(message)
    return [whole[:-1] + b" " * (2 << 20) + whole[-1:]]


def _nested(_: Json) -> Iterable[Out]:
    return [b'{"topic":"' + TICKER.encode() + b'","data":' + b"[" * 50_000 + b"]" * 50_000 + b"}"]


CASES = (
    Case(
        name="all_frames_garbled", sent="every frame garbled", edit=_data(_garbled), incidents={REFUSED: 1},
        also=("mute_topic", "stale_feed"), seconds=30.0, **_ALL_DEAD,
    ),
    Case(
        name="all_frames_noise", sent="every frame backwards", edit=_data(lambda m: [_dumped(m)[::-1]]),
        incidents={"stale_feed": 1}, also=("mute_topic", REFUSED), seconds=30.0, **_ALL_DEAD,
    ),
    Case(
        name="half_of_the_frames_garbled", sent="every other frame of a symbol garbled", may=(OF_VICTIM,),
        edit=frames(OF_VICTIM, lambda m: _garbled(m) if m["ts"] % 2 else None), also=(REFUSED, "mute_topic"),
    ),
    Case(
        name="frames_of_random_bytes", sent="bytes that are no UTF-8 in place of a symbol's tickers",
        not_live=(TICKER,),
        edit=frames(TICKER, lambda _: [b'{"topic":"' + TICKER.encode() + b'","data":"\xff\xfe\x00\xc3\x28"}']),
        incidents={REFUSED: 1},
    ),
    Case(
        name="frames_nested", sent="50,000 nested arrays in place of a symbol's tickers", not_live=(TICKER,),
        edit=frames(TICKER, _nested), incidents={REFUSED: 1},
    ),
    Case(
        name="frames_gzipped", sent="a symbol's tickers gzipped in binary frames", may=(TICKER,),
        edit=frames(TICKER, lambda m: Nameless([Wire(gzip.compress(_dumped(m)), BINARY)])),
        also=(REFUSED, "mute_topic"), seconds=45.0,
    ),
    Case(
        name="frames_joined", sent="two JSON texts in one frame", not_live=(TICKER,), incidents={REFUSED: 1},
        edit=frames(TICKER, as_text(lambda text: text + text)),
    ),
    Case(
        name="fragmented", sent="every frame in three fragments, a ping between them",
        edit=_data(_fragments, harmless=True),
    ),
    Case(name="escaped", sent="names and topics with JSON escapes", edit=frames(OF_VICTIM, _escaped, harmless=True)),
    Case(
        name="binary", sent="a symbol's frames as binary ones",
        edit=frames(OF_VICTIM, lambda m: [Wire(_dumped(m), BINARY)], harmless=True),
    ),
    Case(
        name="keys_in_other_order", sent="frames in which the topic comes last",
        edit=frames(OF_VICTIM, lambda m: [dict(reversed(m.items()))], harmless=True),
    ),
    Case(
        name="spaced", sent="JSON with spaces and line ends",
        edit=frames(OF_VICTIM, lambda m: [json.dumps(m, indent=2)], harmless=True),
    ),
    Case(
        name="unknown_fields", sent="frames with fields that nobody knows",
        edit=frames(OF_VICTIM, lambda m: [m | {"extra": {"a": [1, None]}}], harmless=True),
    ),
    Case(
        name="crowd_of_strangers", sent="forty frames of unasked topics beside each ticker", seconds=8.0,
        edit=frames(TICKER, _crowd, harmless=True), also=(REFUSED,),
    ),
    Case(
        name="replies_unasked", sent="replies that nobody asked for, and scraps",
        edit=frames(TICKER, _replies, harmless=True),
    ),
    Case(
        name="huge_frames", sent="2 MiB of spaces in each of a symbol's tickers", edit=frames(TICKER, _huge),
        may=("*",), also=(REFUSED, "mute_topic", "stale_feed"), seconds=8.0,
    ),
    Case(
        name="symbol_refused", sent="every subscription of a symbol refused", cut=True, edit=_refusing("SOLUSDT"),
        not_live=(OF_VICTIM,), may=("*",), incidents={TOPIC_REFUSED: 1}, seconds=30.0, recover=60.0,
    ),
    Case(
        name="topic_refused", sent="the book of a symbol refused", cut=True, edit=_refusing("orderbook.50.SOLUSDT"),
        not_live=("orderbook.50.SOLUSDT",), may=("*",), incidents={TOPIC_REFUSED: 1}, seconds=30.0,
        recover=60.0,
    ),
    Case(
        name="all_refused", sent="every subscription refused for 20 s", cut=True,
        edit=lambda: Edit(asked=_refusing_all), seconds=20.0, may=("*",), also=(TOPIC_REFUSED, "stale_feed"),
        recover=60.0,
    ),
    Case(
        name="acked_and_silent", sent="all topics of a symbol acked, nothing ever sent", cut=True,
        edit=frames(OF_VICTIM, lambda _: []),
        not_live=("tickers.SOLUSDT", "orderbook.50.SOLUSDT", "kline.1.SOLUSDT", "publicTrade.SOLUSDT"), may=("*",),
        incidents={"mute_topic": 4}, seconds=45.0,
    ),
    Case(
        name="acks_lost", sent="no subscription is acknowledged", cut=True,
        edit=lambda: Edit({"reply": _lost_acks}, harmless=True), may=("*",), also=("stale_feed", TOPIC_REFUSED),
        seconds=25.0,
    ),
    Case(
        name="acks_of_another", sent="acknowledgements with another `req_id`", cut=True,
        edit=lambda: Edit({"reply": _other_acks}, harmless=True), may=("*",), also=("stale_feed", TOPIC_REFUSED),
        seconds=25.0,
    ),
    Case(
        name="pings_unanswered", sent="pings are not answered, data goes on",
        edit=lambda: Edit({"reply": _no_pongs}, harmless=True), seconds=40.0,
    ),
    Case(
        name="closed_at_once", sent="streams accepted and closed at once", cut=True,
        edit=lambda: Edit(accept="close"), incidents={"stale_feed": 1}, seconds=20.0, **_POLLED,
    ),
    Case(
        name="half_open", sent="streams accepted, then silence", cut=True, edit=lambda: Edit(accept="silent"),
        incidents={"stale_feed": 1}, also=(TOPIC_REFUSED,), seconds=30.0, **_POLLED,
    ),
    Case(
        name="streams_refused", sent="streams answered with HTTP 503", cut=True, edit=lambda: Edit(accept="refuse"),
        incidents={"stale_feed": 1}, seconds=20.0, **_POLLED,
    ),
)  # fmt: skip
