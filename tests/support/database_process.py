"""A process that uses the database, for tests that stop and kill it: `python -m tests.support.database_process …`.

Its lines go to a file, one write each, so that what is there was really said before a SIGKILL.
"""

import asyncio
import os
import sys
import time
from typing import Any

from sqlalchemy import Engine, event

from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import UsageError
from virtuoso.model.quality import DataQuality
from virtuoso.model.signal import Label
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.records import Changes, SignalRecord, StateRecord
from virtuoso.storage.database.store import Database
from virtuoso.storage.lease import Superseded


class Lines:
    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def say(self, *words: object) -> None:
        os.write(self._file, (" ".join(str(word) for word in words) + "\n").encode())


def signal(number: int) -> SignalRecord:
    """One of a known series, told apart by its close."""
    return SignalRecord(
        exchange="test", symbol=f"S{number % 7}", close_ms=number * 60_000, label=Label.BUY, before=Label.HOLD,
        score=71.0, agreement=0.5, price=1.0 + number, data_quality=DataQuality.LIVE, data_source=None, why="{}",
        build="test",
    )  # fmt: skip


async def migrate(url: str, lines: Lines) -> None:
    database = Database(url, SystemClock())
    lines.say("migrated" if await database.start() else "nothing to do")
    await database.close()


async def halt_in_migration(url: str, lines: Lines) -> None:
    def hook(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "CREATE TABLE incidents" in statement:
            lines.say("halfway")
            time.sleep(60)

    event.listen(Engine, "after_cursor_execute", hook)
    await migrate(url, lines)


async def publish(lease: Lease, lines: Lines) -> None:
    """Puts out whatever it may, as fast as it can: time, epoch."""
    while True:
        now_ns = time.monotonic_ns()
        if lease.may_publish():
            lines.say("put", now_ns, lease.epoch)
        await asyncio.sleep(0.002)


async def hold(url: str, lines: Lines) -> None:
    """Acquire, renew, put things out; ends when the lease is lost, with one more commit tried."""
    clock = SystemClock()
    database = Database(url, clock)
    await database.start()
    lease = Lease(database, "monitor", clock, version="test")
    lines.say("start", time.monotonic_ns(), lease.holder)
    try:
        await lease.acquire()
    except UsageError as error:
        lines.say("refused", time.monotonic_ns(), error)
        await database.close()
        sys.exit(2)
    lines.say("acquired", time.monotonic_ns(), lease.epoch)
    publishing = asyncio.create_task(publish(lease, lines))
    await lease.run()
    publishing.cancel()
    lines.say("lost", time.monotonic_ns(), lease.lost_to)
    try:
        await database.commit(lease.term, Changes(signals=(signal(1),)))
    except Superseded as error:
        lines.say("commit-refused", error.epoch)
    await database.close()


async def write(url: str, lines: Lines) -> None:
    """Commit one signal after the other, going on from the state; says each that was acknowledged."""
    clock = SystemClock()
    database = Database(url, clock)
    await database.start()
    lease = Lease(database, "monitor", clock, version="test")
    await lease.acquire()
    renewing = asyncio.create_task(lease.run())
    state = await database.state("monitor", "number")
    number = 0 if state is None else int(state.body)
    while not renewing.done():
        again = Changes(
            signals=(signal(number - 1), signal(number)) if number else (signal(number),),
            state=(StateRecord(key="number", close_ms=number * 60_000, body=str(number + 1)),),
        )
        await database.commit(lease.term, again)
        lines.say("kept", number, again.signals[-1].id)
        number += 1


if __name__ == "__main__":
    asyncio.run(
        {"migrate": migrate, "halt": halt_in_migration, "hold": hold, "write": write}[sys.argv[1]](
            sys.argv[2], Lines(sys.argv[3])
        )
    )
