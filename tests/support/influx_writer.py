"""A process that writes minutes and says which are acknowledged, until it is killed.

python -m tests.support.influx_writer ADDRESS FOLDER SYMBOLS
"""

import asyncio
import sys
from pathlib import Path

from tests.support.influx import rows_of_minute, running, symbols
from virtuoso.storage.timeseries.schema import MEASUREMENTS


async def main(address: str, folder: Path, names: list[str]) -> None:
    """For ever: one minute, settled, its number on standard output."""
    async with running(address, folder, spool_bytes=1 << 24) as store:
        for minute in range(100_000):
            for name, rows in rows_of_minute(minute, names).items():
                store.write(MEASUREMENTS[name], rows)
            if await store.settle(30):
                print("kept", minute, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), symbols(int(sys.argv[3]))))
