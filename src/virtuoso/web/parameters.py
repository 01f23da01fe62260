"""Query parameters that several histories take."""

import re
from datetime import datetime
from typing import Annotated

from fastapi import HTTPException, Query
from pydantic import BeforeValidator

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
Limit = Annotated[int, Query(ge=1, le=1000, description="How many items at most, 1 to 1000.")]
SymbolName = Annotated[
    str | None,
    Query(
        description="Only of this symbol, by the exchange's own name, such as `BTCUSDT`; all where none is given.",
        pattern=r"^(?:[^\s\x00-\x1f\x7f]| ){1,40}$",
    ),
]
MonitorName = Annotated[
    str | None,
    Query(
        description="Only of the monitor of this identity, where several share a database.", pattern="^[!-~]{1,200}$"
    ),
]


def _written_out(value: object) -> object:
    """A date and a time: pydantic would take a number for seconds since 1970, or for milliseconds if it is large."""
    if isinstance(value, str) and not _ISO.match(value):
        raise ValueError("must be ISO 8601 with a time zone, such as 2026-11-23T20:45:00Z")
    return value


_WrittenOut = BeforeValidator(_written_out)
Since = Annotated[
    datetime | None, Query(description="Only at this time or after, ISO 8601 with a time zone."), _WrittenOut
]
Until = Annotated[datetime | None, Query(description="Only before this time, ISO 8601 with a time zone."), _WrittenOut]
Cursor = Annotated[
    str | None,
    Query(description="The `next` of the page before; the first page where none is given.", max_length=200),
]


def milliseconds(name: str, when: datetime | None) -> int | None:
    """Epoch ms; a problem 422 names the parameter when there is no time zone."""
    if when is None:
        return None
    if when.tzinfo is None:
        raise HTTPException(422, f"{name} = {when.isoformat()}: has no time zone; add Z for UTC")
    return max(0, int(when.timestamp() * 1000))  # nothing was kept before 1970
