"""What a time-series store does, whichever it is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from virtuoso.storage.status import StoreStatus
from virtuoso.storage.timeseries.schema import Measurement, Row

Tags = tuple[str, ...]


class Readable(Protocol):
    """What can be read of a store, by its own process or another."""

    async def read(
        self,
        measurement: Measurement,
        first_ms: int,
        last_ms: int,
        *,
        tags: Mapping[str, Sequence[str]],
        fields: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> dict[Tags, list[Row]]:
        """Rows with `first_ms` ≤ time ≤ `last_ms`, by series, oldest first; of each the last `limit`.

        `tags` names the wanted values of each tag that is restricted. A row holds the time and the `fields` (default
        all), no tags. Raises `StoreUnavailable` when the store does not answer.
        """
        ...


class TimeSeries(Readable, Protocol):
    """Used on one event loop. Writing never blocks and never raises; what could not be kept is counted."""

    async def start(self) -> None:
        """Open it; a server that is not there is no error."""
        ...

    def write(self, measurement: Measurement, rows: Sequence[Row]) -> None:
        """Take rows to be kept; a row of the same tags and time replaces the earlier one."""
        ...

    async def settle(self, timeout_s: float) -> bool:
        """Wait until what was taken so far is kept by the store (or its spool); `False` when time ran out."""
        ...

    def status(self) -> StoreStatus:
        """How it is; `counts` has at least `written`, `dropped` and `pending` rows."""
        ...

    async def close(self) -> None:
        """Write what is left, within a few seconds, and let go."""
        ...
