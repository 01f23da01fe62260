"""Signals as a monitor keeps them, for pages that show them: a claim with what came of it so far, and its end."""

from dataclasses import replace
from typing import Final

import numpy as np

from tests.support import lived
from virtuoso.model.catalogue.lived import SIGNAL
from virtuoso.model.clock import Clock
from virtuoso.model.quality import DataQuality, DataSource
from virtuoso.model.signal import Label
from virtuoso.monitor.lived.codec import packed_came, packed_statements
from virtuoso.storage.database.lease.lease import Lease
from virtuoso.storage.database.records import Changes, Lived, LivedKey, LivedRow, SignalRecord
from virtuoso.storage.database.store import Database

IDENTITY: Final = "m"
_MINUTE_MS = 60_000
_AGO_MIN = 90
"""How long ago the claim was made: its own hour is over, four hours are not."""


async def keep_signals(database: Database, clock: Clock) -> None:
    """Keep a BUY of BTCUSDT that was to pay within an hour, and that it ended; outcomes after 15 and 60 minutes."""
    close_ms = (clock.now_ns() // 1_000_000 // _MINUTE_MS - _AGO_MIN) * _MINUTE_MS
    rng = np.random.default_rng(7)
    made_up = lived.statements(rng, symbols=1, close_ms=close_ms, kind=SIGNAL, price=101.25)
    said = replace(made_up, symbols=("BTCUSDT",))
    came = [lived.came(rng, said, minutes) for minutes in (15, 60)]
    rows = (
        LivedRow(LivedKey(close_ms, SIGNAL, 0, 0), packed_statements(said)),
        *(LivedRow(LivedKey(close_ms, SIGNAL, 0, each.horizon_min), packed_came(each)) for each in came),
    )
    term = await Lease(database, IDENTITY, clock, version="0.1.0+4f0c2b8a91de").acquire()
    changes = Changes(signals=_signals(close_ms), lived=Lived("bybit", rows))
    await database.commit(term, changes)


def _signals(close_ms: int) -> tuple[SignalRecord, ...]:
    began = SignalRecord(
        exchange="bybit", symbol="BTCUSDT", close_ms=close_ms, label=Label.BUY, before=Label.HOLD, score=70.6,
        agreement=0.55, price=101.25, data_quality=DataQuality.LIVE, data_source=DataSource.REPLAY, confidence=0.5625,
        expires_ms=close_ms + 60 * _MINUTE_MS,
        why='{"why":["BTCUSDT is stretched up at 70.6: the order book lifts it.","Funding is paid by shorts."]}',
    )  # fmt: skip
    ended = SignalRecord(
        exchange="bybit", symbol="BTCUSDT", close_ms=close_ms + 42 * _MINUTE_MS, label=None, before=Label.BUY,
        score=None, agreement=None, price=None, data_quality=DataQuality.UNAVAILABLE, data_source=DataSource.REPLAY,
    )  # fmt: skip
    return began, ended
