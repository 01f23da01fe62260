"""The record of what was lived: statements as they are made, outcomes as they fall due, sums as days end."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, Protocol

import structlog

from virtuoso.analysis.forecast.horizons import CHANCE_HORIZONS_MIN, OUTCOME_HORIZONS_MIN
from virtuoso.analysis.lived.came import Came, Ways
from virtuoso.analysis.lived.pending import GRACE_MS, MINUTE_MS, Key, Pending
from virtuoso.analysis.lived.statements import EVERY_MS, OwnRates, Statements, statements_of
from virtuoso.analysis.lived.sums import GroupSums
from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.model.catalogue.lived import KEPT_DAYS, READING, SIGNAL
from virtuoso.model.errors import StoreUnavailable
from virtuoso.model.signal import Label
from virtuoso.model.timeframe import DAY_MS
from virtuoso.monitor.lived.codec import (
    came_from,
    packed_came,
    packed_statements,
    packed_sums,
    statements_from,
    sums_from,
)
from virtuoso.monitor.lived.own_rates import own_rates
from virtuoso.storage.database.records import Lived, LivedKey, LivedRow, LivedSums

log = structlog.get_logger(__name__)

JUDGED_DAYS: Final = 30
"""Days that figures are made of."""
_AT_ONCE, _WAITING = 16, 600
"""Rows of one transaction, and rows that wait for the database at most: 600 symbols make 480 a day."""
_SETTLED_AT_ONCE = 300
"""Symbols after which settling pauses for a second: a part of 600 takes 10 to 30 ms of the loop."""
_SIDES = (Label.BUY, Label.SELL)
_RECENT_MS = 2 * EVERY_MS
_LATE_MS = 5 * MINUTE_MS
"""How long after the quarter of an hour its reading is kept, where no earlier close of it was evaluated."""
_AGAIN_S = 5.0
_MOST_TAKEN, _TAKEN_MS = 10_000, 3 * DAY_MS
SumsKey = tuple[int, str, int]
"""Day (since 1970, UTC), kind and horizon."""


class LivedStore(Protocol):
    """The database, as it is used here. Calls raise `StoreUnavailable`."""

    async def lived(
        self, since_ms: int, *, after: LivedKey | None = None, horizon_min: int | None = None
    ) -> tuple[LivedRow, ...]:
        """What was said from a time on and what came of it, in order, a page at a time."""
        ...

    async def lived_sums(self, since_day: int) -> tuple[LivedSums, ...]:
        """The sums of days from this one on."""
        ...


class LivedRecord:
    """Used on the event loop, but for `observe`, which runs where the engine does. Times are by the exchange's clock.

    Args:
        store: where it is kept; `None` keeps nothing, and nothing is recorded.
        exchange: of which it is.
    """

    def __init__(self, store: LivedStore | None, exchange: str) -> None:
        self._store = store
        self._exchange = exchange
        self.pending = Pending()
        self.caught_up = store is None
        self.lost = 0
        """Rows that the database did not take in time."""
        self._lost_before = (0, 0)
        self.changed = 0
        """Rises with every outcome, and every day that is summed."""
        self._made: dict[tuple[int, str], dict[str, int]] = {}
        """By close and kind, in which part each symbol is."""
        self._taken: set[Key] = set()
        """Statements that wait, or are counted: no row of the database adds to them."""
        self._new: list[tuple[Statements, bytes]] = []
        self._rows: deque[LivedRow] = deque()
        self._open: dict[SumsKey, GroupSums] = {}
        self._sealed: dict[SumsKey, bytes] = {}
        self._to_keep: dict[SumsKey, bytes] = {}
        self._own: OwnRates = {}
        self._forgot_day = 0

    def observe(self, evaluation: Evaluation, symbols: Sequence[str]) -> None:
        """On the worker: note what an evaluation says of `symbols` where that is to be kept, the first time it does."""
        if self._store is None:
            return
        close_ms, at = evaluation.close_ms, {symbol: i for i, symbol in enumerate(evaluation.symbols)}
        chosen: dict[str, list[str]] = {
            READING: self._due(close_ms, symbols),
            SIGNAL: [s for s in symbols if evaluation.signal(s) in _SIDES and evaluation.claimed_ms(s) == close_ms],
        }
        for kind, those in chosen.items():
            made = self._made.get((close_ms, kind), {})
            new = [symbol for symbol in those if symbol not in made]
            if not new:
                continue
            part = 1 + max(made.values(), default=-1)
            said = statements_of(evaluation, [at[symbol] for symbol in new], kind, part, self._own)
            self._new.append((said, packed_statements(said)))
            self._made.setdefault((close_ms, kind), {}).update(dict.fromkeys(new, part))
        for made_ms, kind in [key for key in self._made if key[0] < close_ms - _RECENT_MS]:
            del self._made[made_ms, kind]

    def _due(self, close_ms: int, symbols: Sequence[str]) -> list[str]:
        """The symbols whose reading of this quarter of an hour is still to be kept, near enough to where it begins.

        Closes that were missed for a while are analysed together, and only the last of them is evaluated.
        """
        begun_ms = close_ms - close_ms % EVERY_MS
        if close_ms - begun_ms > _LATE_MS:
            return []
        made = {
            symbol
            for (at_ms, kind), those in self._made.items()
            if kind == READING and at_ms >= begun_ms
            for symbol in those
        }
        return [symbol for symbol in symbols if symbol not in made]

    def evaluated(self) -> None:
        """Take what was noted on the worker."""
        for said, body in self._new:
            self._taken.add((said.close_ms, said.kind, said.part))
            self.pending.add(said)
            self._put(LivedRow(LivedKey(said.close_ms, said.kind, said.part, 0), body))
        self._new.clear()
        lost = self.lost, self.pending.given_up
        if lost != self._lost_before:
            self._lost_before = lost
            log.warning("some of what was said, or came of it, is lost", rows_not_kept=lost[0], never_settled=lost[1])

    def settle(self, now_ms: int, ways: Ways) -> None:
        """Settle what is due, a bounded part at a time, and sum up the days that are over."""
        symbols = 0
        for said, came in self.pending.settle(now_ms, ways):
            self._put(LivedRow(LivedKey(came.close_ms, came.kind, came.part, came.horizon_min), packed_came(came)))
            self._count(said, came)
            self.changed += 1
            symbols += len(said.symbols)
            if symbols >= _SETTLED_AT_ONCE:
                return
        if self.caught_up:
            self._seal(now_ms)

    def _count(self, said: Statements, came: Came) -> None:
        key = said.close_ms // DAY_MS, said.kind, came.horizon_min
        if key not in self._sealed:
            self._open.setdefault(key, GroupSums()).add(said, came)

    def _seal(self, now_ms: int) -> None:
        """Sum up the days of which nothing is to come any more."""
        for key in [key for key in self._open if self._is_over(key, now_ms)]:
            body = self._to_keep[key] = self._sealed[key] = packed_sums(self._open.pop(key))
            log.debug("a day was summed up", day=key[0], kind=key[1], horizon_min=key[2], bytes=len(body))
            self.changed += 1
            self._judge_own()
        if self.caught_up and len(self._taken) > _MOST_TAKEN:
            self._taken = {key for key in self._taken if key[0] > now_ms - _TAKEN_MS}

    def _is_over(self, key: SumsKey, now_ms: int) -> bool:
        day, _, horizon_min = key
        end_ms = (day + 1) * DAY_MS
        settled = now_ms >= end_ms + horizon_min * MINUTE_MS + 2 * GRACE_MS
        return settled and not self.pending.due(horizon_min, end_ms)

    def _judge_own(self) -> None:
        """What each symbol's own rates are by the days that are over; older days are let go of here."""
        newest = max(day for day, *_ in self._sealed)
        for key in [key for key in self._sealed if key[0] <= newest - JUDGED_DAYS]:
            del self._sealed[key]
        self._own = own_rates(
            (horizon_min, sums)
            for (_, kind, horizon_min), body in self._sealed.items()
            if kind == READING and horizon_min in CHANCE_HORIZONS_MIN and (sums := readable(body)) is not None
        )

    def _put(self, row: LivedRow) -> None:
        self._rows.append(row)
        if len(self._rows) > _WAITING:
            self._rows.popleft()
            self.lost += 1

    def take(self) -> Lived | None:
        """What is to be kept next; `None` where nothing waits. It is asked for again until it was `kept`."""
        rows = tuple(row for _, row in zip(range(_AT_ONCE), self._rows, strict=False))
        all_rows = len(rows) == len(self._rows)
        sums = tuple(LivedSums(*key, body) for key, body in self._to_keep.items()) if all_rows else ()
        if not rows and not sums:
            return None
        newest = max((row.key.close_ms for row in rows), default=0) // DAY_MS
        before_ms = (newest - KEPT_DAYS) * DAY_MS if newest > self._forgot_day else 0
        return Lived(self._exchange, rows, sums, max(0, before_ms))

    def kept(self, lived: Lived) -> None:
        """What was taken is in the database."""
        for row in lived.rows:
            if self._rows and self._rows[0] is row:
                self._rows.popleft()
        for each in lived.sums:
            self._to_keep.pop((each.day, each.kind, each.horizon_min), None)
        if lived.before_ms:
            self._forgot_day = lived.before_ms // DAY_MS + KEPT_DAYS

    @property
    def keeps(self) -> bool:
        """Whether there is a database at all."""
        return self._store is not None

    @property
    def waiting(self) -> int:
        """Rows that are not in the database yet."""
        return len(self._rows) + len(self._to_keep)

    def sums(self) -> dict[SumsKey, GroupSums | bytes]:
        """The sums of the days that are judged: of days that are over as bytes, copies of those that go on."""
        return {**self._sealed, **{key: sums.copy() for key, sums in self._open.items()}}

    async def resume(self, now_ms: int) -> None:
        """Before anything is said: know what earlier runs said of the last closes, and the sums of past days.

        Raises:
            StoreUnavailable: that cannot be read.
        """
        if self._store is None:
            return
        for each in await self._store.lived_sums(now_ms // DAY_MS - JUDGED_DAYS):
            self._sealed[each.day, each.kind, each.horizon_min] = each.body
        if self._sealed:
            self._judge_own()
        async for key, body in self._pages(now_ms - _RECENT_MS, 0):
            try:
                said = statements_from(body, key.close_ms, key.kind, key.part)
            except ValueError as error:
                log.warning("a row of what was lived is left out", row=key, error=str(error))
                continue
            self._made.setdefault((key.close_ms, key.kind), {}).update(dict.fromkeys(said.symbols, key.part))

    async def catch_up(self, now_ms: int) -> None:
        """Let wait again what earlier runs did not settle, and count what they did of days that go on."""
        while self._store is not None and not self.caught_up:
            try:
                async for said, settled in _joined(self._pages(self._unsealed_ms(now_ms), None)):
                    self._continue(said, settled)
            except StoreUnavailable as error:
                log.warning("what was said before could not be read; trying again", error=str(error))
                await asyncio.sleep(_AGAIN_S)
            else:
                self.caught_up = True
                log.info("what was said before goes on", outcomes_to_come=len(self.pending))

    def _continue(self, said: Statements, settled: Sequence[Came]) -> None:
        key = said.close_ms, said.kind, said.part
        if key in self._taken:
            return
        self._taken.add(key)
        self.pending.add(said, settled)
        for came in settled:
            self._count(said, came)

    def _unsealed_ms(self, now_ms: int) -> int:
        """From when on days may not have been summed up."""
        last: Mapping[int, int] = {
            minutes: max((day for day, kind, of in self._sealed if kind == READING and of == minutes), default=-1)
            for minutes in OUTCOME_HORIZONS_MIN
        }
        return max((min(last.values()) + 1) * DAY_MS, now_ms - KEPT_DAYS * DAY_MS)

    async def _pages(self, since_ms: int, horizon_min: int | None) -> AsyncIterator[LivedRow]:
        """All rows of closes from a time on, page by page."""
        after: LivedKey | None = None
        while self._store is not None:
            page = await self._store.lived(since_ms, after=after, horizon_min=horizon_min)
            if not page:
                return
            for row in page:
                yield row
            after = page[-1].key


def readable(body: bytes) -> GroupSums | None:
    """The sums that were packed; `None`, and a warning, where they cannot be read."""
    try:
        return sums_from(body)
    except ValueError as error:
        log.warning("the sums of a day are left out", error=str(error))
        return None


async def _joined(rows: AsyncIterator[LivedRow]) -> AsyncIterator[tuple[Statements, list[Came]]]:
    """Statements with what came of them, from rows in their order; what cannot be read is left out and named."""
    said: Statements | None = None
    settled: list[Came] = []
    async for key, body in rows:
        close_ms, kind, part, horizon_min = key
        try:
            if horizon_min == 0:
                if said is not None:
                    yield said, settled
                said, settled = statements_from(body, close_ms, kind, part), []
            elif said is not None and (said.close_ms, said.kind, said.part) == key[:3]:
                settled.append(came_from(body, *key))
        except ValueError as error:
            log.warning("a row of what was lived is left out", row=key, error=str(error))
    if said is not None:
        yield said, settled
