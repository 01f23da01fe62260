"""InfluxQL: rows back out of the server."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.timeseries.influx.client import InfluxClient
from virtuoso.storage.timeseries.influx.lines import MARKET_TAG
from virtuoso.storage.timeseries.protocol import Tags
from virtuoso.storage.timeseries.schema import Measurement, Row

_VALUES = 100
"""Wanted values of a tag in one query; more of them are asked for in several."""
_FARTHEST_MS = 9_223_372_036_000
"""Either way from the epoch: what InfluxDB's nanoseconds can hold."""


class _Series(msgspec.Struct):
    columns: list[str]
    values: list[list[Any]]
    tags: dict[str, str] = {}


class _Result(msgspec.Struct):
    series: list[_Series] = []
    error: str | None = None


class _Answer(msgspec.Struct):
    results: list[_Result] = []
    error: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def _name(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def query_of(
    measurement: Measurement,
    first_ms: int,
    last_ms: int,
    *,
    tags: Mapping[str, Sequence[str]],
    fields: Sequence[str],
    limit: int | None,
    market: str = "",
) -> str:
    """The query; everything in it that is not ours is quoted. With a `limit` it answers newest first."""
    first_ms, last_ms = (min(_FARTHEST_MS, max(-_FARTHEST_MS, bound)) for bound in (first_ms, last_ms))
    conditions = [f"time >= {first_ms}ms", f"time <= {last_ms}ms"]
    if market:
        conditions.append(f"{_name(MARKET_TAG)} = {_text(market)}")
    for tag, values in tags.items():
        conditions.append("(" + " OR ".join(f"{_name(tag)} = {_text(value)}" for value in values) + ")")
    parts = [
        f"SELECT {', '.join(map(_name, fields))}",
        f"FROM {_name(measurement.name)} WHERE {' AND '.join(conditions)}",
        f"GROUP BY {', '.join(map(_name, measurement.tags))}" if measurement.tags else "",
        f"ORDER BY time DESC LIMIT {limit}" if limit is not None else "",
    ]
    return " ".join(part for part in parts if part)


def _groups(tags: Mapping[str, Sequence[str]]) -> list[dict[str, Sequence[str]]]:
    """Filters of at most `_VALUES` values a tag that together select the same."""
    found: list[dict[str, Sequence[str]]] = [{}]
    for tag, values in tags.items():
        unique = list(dict.fromkeys(values))
        parts = [unique[start : start + _VALUES] for start in range(0, len(unique), _VALUES)]
        found = [{**group, tag: part} for group in found for part in parts]
    return found


def _rows(document: bytes, measurement: Measurement, fields: Sequence[str]) -> list[tuple[Tags, list[Row]]]:
    """What one document of an answer holds.

    Raises:
        StoreUnavailable: it is no answer to a query, or an error other than that nothing was written yet.
    """
    try:
        answer = _decode(document)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"InfluxDB answered a query with {document[:60]!r}") from error
    kinds = [int, *(measurement.fields[field] for field in fields)]
    found = []
    for result in answer.results:
        error_text = result.error or answer.error
        if error_text is not None and not error_text.startswith("database not found"):
            raise StoreUnavailable(f"InfluxDB refused a query: {error_text[:300]}")
        for series in result.series:
            rows: list[Any] = [
                tuple(None if value is None else kind(value) for kind, value in zip(kinds, values, strict=True))
                for values in series.values
            ]
            found.append((tuple(series.tags.get(tag, "") for tag in measurement.tags), rows))
    return found


async def read(
    client: InfluxClient,
    measurement: Measurement,
    first_ms: int,
    last_ms: int,
    *,
    tags: Mapping[str, Sequence[str]],
    fields: Sequence[str] | None,
    limit: int | None,
    market: str = "",
) -> dict[Tags, list[Row]]:
    """As `TimeSeries.read`. A row in which none of the `fields` is known does not count.

    Raises:
        StoreUnavailable: see there; and the server is one of version 2, which is written to only.
        ValueError: the measurement has no such tag or field, or `limit` is less than 1.
    """
    if client.version == 2:
        raise StoreUnavailable("InfluxDB 2 is written to only; use version 1 or the embedded store to read back")
    wanted = tuple(measurement.fields) if fields is None else tuple(fields)
    unknown = [*(set(tags) - set(measurement.tags)), *(set(wanted) - set(measurement.fields))]
    if unknown or not wanted or (limit is not None and limit < 1):
        raise ValueError(f"{measurement.name}: no such tag or field: {unknown}, or nothing wanted")
    found: dict[Tags, list[Row]] = {}
    for group in _groups(tags):
        query = query_of(measurement, first_ms, last_ms, tags=group, fields=wanted, limit=limit, market=market)
        async with aclosing(client.query(query)) as documents:
            async for document in documents:
                for series, rows in await asyncio.to_thread(_rows, document, measurement, wanted):
                    found.setdefault(series, []).extend(rows)
    if limit is not None:
        for rows in found.values():
            rows.reverse()
    return found
