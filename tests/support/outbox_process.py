"""A process that commits incidents and sends them, to be killed: `python -m tests.support.outbox_process …`.

Database URL, file for its lines, webhook URL, base of the API, seed, how many incidents to commit (then it ends as soon
as all are sent), mean pause between commits in seconds, and `unsafe` for SQLite that syncs nothing.
"""

import asyncio
import sys
import time
from contextlib import suppress

import numpy as np

from tests.support.database_process import Lines
from tests.support.outbox import delivery, incident_of, notice
from virtuoso.delivery.channels.discord.channel import DiscordChannel
from virtuoso.delivery.outbox.outbox import Outbox
from virtuoso.model.alerts.incident import Incident
from virtuoso.model.clock import SystemClock
from virtuoso.model.errors import StoreUnavailable
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.leased_outbox import LeasedOutbox
from virtuoso.storage.database.records import Changes, StateRecord
from virtuoso.storage.database.store import Database
from virtuoso.storage.lease import Term

CHANNEL = "discord"
_MOST_AT_ONCE = 4
_QUIET = 0.15
"""How often it waits until nothing waits, so that a kill can hit that too."""
_MOST_WAITING, _PATIENCE_S = 8, 1.0
"""No more is committed than a busy machine can send; where nothing can be sent, it goes on all the same."""


def changes(first: int, end: int, now_ms: int) -> Changes:
    """Incidents, what is said of them, and where to go on, in one transaction."""
    said = [notice(number, at_ms=now_ms) for number in range(first, end)]
    return Changes(
        incidents=tuple(
            Incident(
                id=incident_of(number), kind=each.kind, severity=each.severity, message=each.text, fired_ms=now_ms,
                symbol=each.symbol,
            )
            for number, each in enumerate(said, first)
        ),
        deliveries=tuple(delivery(each, CHANNEL) for each in said),
        state=(StateRecord(key="number", close_ms=now_ms, body=str(end)),),
    )  # fmt: skip


async def produce(
    database: Database, term: Term, outbox: Outbox, lines: Lines, rng: np.random.Generator, count: int, pause_s: float
) -> None:
    """Commit under load; say each commit that was acknowledged, and when it was begun."""
    state = await database.state("monitor", "number")
    number = 0 if state is None else int(state.body)
    last = number + count
    while number < last:
        end = min(last, number + int(rng.integers(1, _MOST_AT_ONCE + 1)))
        began_ns = time.monotonic_ns()
        with suppress(StoreUnavailable):
            await database.commit(term, changes(number, end, time.time_ns() // 1_000_000))
            outbox.nudge()
            lines.say("kept", number, end, began_ns)
            number = end
        quiet = rng.random() < _QUIET
        with suppress(TimeoutError, StoreUnavailable):
            async with asyncio.timeout(_PATIENCE_S):
                await all_sent(database, but=0 if quiet else _MOST_WAITING)
        if quiet:
            await asyncio.sleep(0.05)
        await asyncio.sleep(float(rng.exponential(pause_s)))


async def all_sent(database: Database, but: int = 0) -> None:
    """Wait until no more than so many wait."""
    while await unsettled(database) > but:
        await asyncio.sleep(0.02)


async def unsettled(database: Database) -> int:
    counts = await database.delivery_counts("monitor")
    return sum(count.deliveries for count in counts if count.state in {"waiting", "sending"})


def sync_nothing(database: Database) -> None:
    driver = database._backend.engine.raw_connection()
    driver.cursor().execute("PRAGMA synchronous = OFF")
    driver.close()


async def main(url: str, path: str, webhook: str, api_url: str, seed: str, count: str, pause_s: str, *how: str) -> None:
    lines, clock, rng = Lines(path), SystemClock(), np.random.default_rng(int(seed))
    database = Database(url, clock)
    await database.start()
    if "unsafe" in how:
        sync_nothing(database)
    lease = Lease(database, "monitor", clock, version="test")
    await lease.acquire()
    channel = DiscordChannel(CHANNEL, webhook, api_url=api_url)
    # Nothing is folded, so that each is seen to arrive by itself.
    outbox = Outbox({CHANNEL: channel}, LeasedOutbox(database, lease, "monitor"), clock, rng, digest_above=10**9)
    lines.say("acquired", lease.epoch)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(lease.run()), group.create_task(outbox.run())]
        await produce(database, lease.term, outbox, lines, rng, int(count), float(pause_s))
        await all_sent(database)
        for task in tasks:
            task.cancel()
    await outbox.close()
    await lease.release("stopped")
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
