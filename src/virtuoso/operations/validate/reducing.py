"""What is judged of a large document: the rest stays in its file, so that a long window fits into memory."""

from collections.abc import Container
from typing import Any, Final

from msgspec.structs import replace

from virtuoso.operations.validate.samples import (
    DASHBOARD,
    HEALTH,
    OVERVIEW,
    PERFORMANCE,
    PIPELINE,
    SIGNALS,
    Sample,
)

_FEED: Final = (
    "topic", "symbol", "data_quality", "connected", "age_ms", "lag_ms", "messages", "rejected", "resyncs", "mute",
    "reason", "refusals",
)  # fmt: skip
_WHOLE: Final = frozenset((OVERVIEW, DASHBOARD, HEALTH, PIPELINE, PERFORMANCE))
_TIMES: Final = ("timestamp", "last_update", "reason")
_SIGNAL: Final = ("symbol", "signal", "confidence", "price", "timestamp", "data_quality", "data_source")
_PRICES: Final = ("price", "mark_price", "data_quality", "data_source")
_INCIDENT: Final = ("id", "alert_type", "level", "message", "timestamp", "resolved", "resolved_at")


def reduced_status(sample: Sample) -> Sample:
    """The status with a tuple for each feed."""
    body = sample.body
    if not isinstance(body, dict):
        return sample
    feeds = [feed for feed in body.get("feeds") or () if isinstance(feed, dict)]
    return replace(sample, body=body | {"feeds": {feed.get("topic"): _feed(feed) for feed in feeds}})


def reduced_prices(sample: Sample, compared: Container[str]) -> tuple[Sample, tuple[str, ...] | None]:
    """The prices of the symbols that are compared, and the names of all; `None` where no list of them came."""
    body = sample.body
    if not isinstance(body, dict):
        return sample, None
    items = [item for item in body.get("symbols") or () if isinstance(item, dict)]
    published = body.get("timestamp")
    prices = {
        item["symbol"]: {key: item.get(key) for key in _PRICES} | {"published": published}
        for item in items if item.get("symbol") in compared
    }  # fmt: skip
    names = tuple(sorted(str(item.get("symbol")) for item in items)) if sample.status == 200 else None
    return replace(sample, body=prices), names


def incidents_of(sample: Sample) -> dict[str, dict[str, Any]]:
    """The incidents of a list of alerts, by id, each with what is judged of it."""
    items = sample.body.get("alerts") if isinstance(sample.body, dict) else sample.body
    return {
        str(item.get("id")): {key: item[key] for key in _INCIDENT if key in item}
        for item in (items if isinstance(items, list) else ()) if isinstance(item, dict)
    }  # fmt: skip


def reduced_answer(path: str, sample: Sample) -> Sample:
    """The answer of a documented path with what is judged of its body."""
    body = sample.body
    if path in _WHOLE or not isinstance(body, dict | list):
        return sample
    if isinstance(body, list):
        return replace(sample, body={"items": len(body)})
    kept: dict[str, Any] = {key: body[key] for key in _TIMES if key in body}
    if path == SIGNALS:
        items = [item for item in body.get("signals") or () if isinstance(item, dict)]
        kept["signals"] = [{key: item.get(key) for key in _SIGNAL if key in item} for item in items]
    return replace(sample, body=kept)


def _feed(feed: dict[str, Any]) -> tuple[Any, ...]:
    """The fields of a feed in the order of `FEED`: a tuple takes a fifth of a dictionary."""
    return tuple(feed.get(key) for key in _FEED)


FEED: Final = {name: place for place, name in enumerate(_FEED)}
"""Place of a field in what is kept of a feed."""
