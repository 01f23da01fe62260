"""What is too old is archived if wanted, and removed."""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.timeframe import DAY_MS
from virtuoso.storage.timeseries.embedded.folder import ARCHIVE
from virtuoso.storage.timeseries.embedded.partitions import DEPTHS, HOURS, MIDDLE, MINUTES, Partition

_PROGRAM: Final = "virtuoso.storage.timeseries.archive"
_ARCHIVING_S: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long rows are kept, in days; `None` is for ever.

    Attributes:
        minutes: bars of 1m, and everything that is no bar.
        middle: bars of 3m to 30m.
        hours: bars of 1h and longer, given or summed up.
        depth: what books held, second by second.
        depth_bytes: what that may take on the disk, but for the file that is being written; the oldest goes first.
        archive: whether what is too old goes to Parquet before it is removed.
    """

    minutes: int | None = 30
    middle: int | None = 28
    hours: int | None = None
    depth: int | None = 14
    depth_bytes: int = 2_000 << 20
    archive: bool = False

    def expired(self, partition: Partition, now_ms: int) -> bool:
        """Whether all of a partition is too old."""
        days = {MINUTES: self.minutes, MIDDLE: self.middle, HOURS: self.hours, DEPTHS: self.depth}[partition.kind]
        return days is not None and partition.end_ms <= now_ms - days * DAY_MS


async def archive(folder: Path, partition: Partition) -> None:
    """Copy a partition to Parquet, in a process of its own: what that loads and computes is not for a monitor.

    Returns when the copy is complete and on the disk. Ended at any point, it can be done again.

    Raises:
        StoreUnavailable: it failed, or took more than ten minutes.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _PROGRAM, str(folder / partition.name), str(folder / ARCHIVE),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    with suppress(ProcessLookupError, PermissionError):
        os.setpriority(os.PRIO_PROCESS, process.pid, 10)
    try:
        async with asyncio.timeout(_ARCHIVING_S):
            _, said = await process.communicate()
    except TimeoutError:
        raise StoreUnavailable(f"{partition.name}: not archived within {_ARCHIVING_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or [f"exit code {process.returncode}"]
        raise StoreUnavailable(f"{partition.name}: not archived: {lines[-1]}")
