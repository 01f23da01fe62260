"""Small functions from which cases make their edits."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.faults.hostile.case import VICTIM
from tests.faults.hostile.odd import Edit, FrameEdit, Json, Out

TICKER, BOOK, TRADES = f"tickers.{VICTIM}", f"orderbook.50.{VICTIM}", f"publicTrade.{VICTIM}"
BARS, LIQUIDATIONS = f"kline.1.{VICTIM}", f"allLiquidation.{VICTIM}"
OF_VICTIM = f"*.{VICTIM}"


def frames(pattern: str, edit: FrameEdit, *, harmless: bool = False) -> Callable[[], Edit]:
    """Edit the frames of these topics."""
    return lambda: Edit({pattern: edit}, harmless=harmless)


def with_fields(**fields: Any) -> FrameEdit:
    """The message with these fields."""
    return lambda message: [message | fields]


def with_data(**fields: Any) -> FrameEdit:
    """The message with these fields in its data, in each row if it is a list."""

    def edit(message: Json) -> Iterable[Out]:
        data = message["data"]
        changed = [row | fields for row in data] if isinstance(data, list) else data | fields
        return [message | {"data": changed}]

    return edit


def each_row(change: Callable[[Json], Json]) -> FrameEdit:
    """Each row of the message's data changed."""
    return lambda message: [message | {"data": [change(dict(row)) for row in message["data"]]}]


def renamed(old: str, new: str) -> FrameEdit:
    """The message with a field of its data, or of its own, under another name."""

    def rename(value: Any) -> Any:
        if isinstance(value, list):
            return [rename(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {new if key == old else key: rename(item) for key, item in value.items()}

    return lambda message: [rename(message)]


def renamed_result(document: Json) -> Json:
    """An answer whose `result` has another name."""
    return {key if key != "result" else "Result": value for key, value in document.items()}


def as_text(change: Callable[[str], str | bytes]) -> FrameEdit:
    """The message's JSON as a text that is changed."""
    return lambda message: [change(json.dumps(message, separators=(",", ":")))]


def nothing(_: Json) -> Iterable[Out]:
    """The message is lost."""
    return []


def once(edit: FrameEdit) -> FrameEdit:
    """The first message that can be edited, and no other."""
    done: list[bool] = []

    def first(message: Json) -> Iterable[Out] | None:
        if done:
            return None
        made = edit(message)
        if made is not None:
            done.append(True)
        return made

    return first


def scaled(text: str, factor: float) -> str:
    """A number in a string, times a factor."""
    return f"{float(text) * factor:.12g}" if text else text


def answered(
    end: str, change: Callable[[Json, Mapping[str, str]], Any], *, harmless: bool = False
) -> Callable[[], Edit]:
    """Edit the answers of these paths."""
    return lambda: Edit(bodies={end: change}, harmless=harmless)


def with_list(change: Callable[[list[Json]], list[Json]]) -> Callable[[Json, Mapping[str, str]], Json]:
    """The answer with its list changed."""

    def edit(document: Json, _: Mapping[str, str]) -> Json:
        result = document["result"]
        return document | {"result": result | {"list": change(list(result["list"]))}}

    return edit
