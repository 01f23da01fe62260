"""A process that writes bars of ever later minutes and prints each one that is acknowledged: FOLDER SYMBOLS FIRST."""

import asyncio
import sys
from pathlib import Path

from tests.support.embedded import FOREVER, MINUTE_MS, START_MS
from virtuoso.model.clock import SystemClock
from virtuoso.storage.timeseries.embedded.store import EmbeddedStore
from virtuoso.storage.timeseries.schema import BARS, Row


def minute(number: int, symbols: int) -> list[Row]:
    """All values of a row are its minute's number: one that is torn shows."""
    n = float(number)
    time_ms = START_MS + number * MINUTE_MS
    return [(time_ms, f"S{i}", "1m", n, n, n, n, n, n, n) for i in range(symbols)]


async def main(folder: Path, symbols: int, first: int) -> None:
    """Until it is killed."""
    store = EmbeddedStore(folder, clock=SystemClock(), retention=FOREVER, min_free_bytes=0)
    await store.start()
    for number in range(first, 10**6):
        store.write(BARS, minute(number, symbols))
        if await store.settle(60):
            print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
