"""The shape of a frame: its keys, the JSON type of each value, and the form of its strings."""

import re
from typing import Any

import msgspec

from tests.support.capture import frames

Shape = dict[str, Any]

_FORMS = (
    ("empty", re.compile(r"^$")),
    ("integer", re.compile(r"^-?\d+$")),
    ("decimal", re.compile(r"^-?\d+\.\d+$")),
    ("uuid", re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")),
)


def form(text: str) -> str:
    """What a string looks like."""
    return next((name for name, pattern in _FORMS if pattern.match(text)), "text")


def paths(value: Any, path: str = "") -> Shape:
    """Every leaf's path → its JSON types; strings that are numbers are told from other text. Arrays are one path."""
    found: Shape = {}
    if isinstance(value, dict):
        for key, item in value.items():
            for inner, kinds in paths(item, f"{path}.{key}").items():
                found.setdefault(inner, set()).update(kinds)
    elif isinstance(value, list):
        for item in value:
            for inner, kinds in paths(item, f"{path}[]").items():
                found.setdefault(inner, set()).update(kinds)
    elif isinstance(value, str):
        kind = form(value)
        found[path] = {"number text" if kind in {"integer", "decimal"} else kind}
    else:
        found[path] = {type(value).__name__}
    return found


def merged(into: Shape, shape: Shape) -> None:
    """Join the types seen at each path."""
    for path, kinds in shape.items():
        into.setdefault(path, set()).update(kinds)


def kind_of(topic: str, message: dict[str, Any]) -> str:
    """Frames of one kind have one shape: `orderbook delta`, `kline snapshot`, …"""
    return f"{topic.partition('.')[0]} {message.get('type')}"


def captured_shapes(category: str) -> dict[str, Shape]:
    """The shapes of the real frames of a category, by kind."""
    shapes: dict[str, Shape] = {}
    for of, frame, _ in frames():
        message = msgspec.json.decode(frame)
        if of == category and "topic" in message:
            merged(shapes.setdefault(kind_of(message["topic"], message), {}), paths(message))
    return shapes


def decimals(text: str) -> int:
    """Digits after the point."""
    return len(text.partition(".")[2])


def shaped_as_captured(pushed: dict[str, list[dict[str, Any]]]) -> None:
    """Assert that every frame, by topic, has the shape of the real frames of its kind."""
    real = captured_shapes("linear")
    ours: dict[str, Any] = {}
    for topic, messages in pushed.items():
        if topic.startswith(("kline.D", "kline.W")):
            continue  # their interval is a letter; the capture has minutes only
        for message in messages:
            merged(ours.setdefault(kind_of(topic, message), {}), paths(message))
    assert set(real) <= set(ours)
    for kind, shape in real.items():
        for path, kinds in ours[kind].items():
            assert path in shape, f"{kind}: the real frame has no {path}"
            assert kinds <= shape[path] | {"empty"}, f"{kind}{path}: {kinds} is not {shape[path]}"
        if not kind.endswith("delta"):
            assert set(shape) == set(ours[kind]), kind


def padded_as_captured(pushed: dict[str, list[dict[str, Any]]], symbol: str) -> None:
    """Assert that books, trades and tickers pad prices to the tick's decimals, and that klines are trimmed."""
    for message in pushed[f"orderbook.50.{symbol}"]:
        for price, size in message["data"]["b"] + message["data"]["a"]:
            assert decimals(price) == 2
            assert size == "0" or decimals(size) == 3
    for message in pushed[f"publicTrade.{symbol}"]:
        assert {(decimals(row["p"]), decimals(row["v"])) for row in message["data"]} == {(2, 3)}
    ticker = pushed[f"tickers.{symbol}"][0]["data"]
    assert [decimals(ticker[n]) for n in ("lastPrice", "markPrice", "price24hPcnt", "turnover24h")] == [2, 2, 6, 4]
    for message in pushed[f"kline.1.{symbol}"]:
        for row in message["data"]:
            assert not any(row[n].endswith("0") and "." in row[n] for n in ("open", "close", "volume", "turnover"))
