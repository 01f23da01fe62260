"""Publishes how good what was lived was: the document `signals:performance`, made anew every quarter of an hour."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN
from virtuoso.analysis.lived.performance import group_rows, horizon_quality
from virtuoso.analysis.lived.sums import GroupSums
from virtuoso.model.catalogue.lived import READING, SIGNAL
from virtuoso.model.clock import Clock, iso
from virtuoso.model.documents import SignalPerformance
from virtuoso.model.timeframe import DAY_MS
from virtuoso.monitor.documents.publication import Publication
from virtuoso.monitor.lived.record import LivedRecord, SumsKey, readable

PERIOD_S: Final = 60.0
_ANEW_MS: Final = 15 * 60_000
ORIGIN: Final = "lived"
_NOTHING_KEPT: Final = "nothing is kept of what is said here: a replay, or no database"
_NOTHING_YET: Final = "nothing that was said has fallen due yet: the first does after 15 minutes"


class LivedDocuments:
    """Used on the event loop; figures are made in a thread, which takes one to two seconds for 600 symbols."""

    def __init__(self, lived: LivedRecord, publication: Publication, clock: Clock) -> None:
        self._lived = lived
        self._publication = publication
        self._clock = clock
        self._made_ms: int | None = None
        self._made_of: tuple[bool, bool] | None = None

    async def publish(self) -> None:
        """Make and publish the document where it is old; at once where it is the first, or the first of anything."""
        now_ms = self._clock.now_ns() // 1_000_000
        of = self._lived.caught_up, self._lived.changed > 0
        if self._made_ms is not None and now_ms < self._made_ms + _ANEW_MS and of == self._made_of:
            return
        self._made_ms, self._made_of = now_ms, of
        if not self._lived.keeps:
            self._publication.publish("signals:performance", performance(now_ms, {}, 0, _NOTHING_KEPT))
            return
        found = await asyncio.to_thread(performance, now_ms, self._lived.sums(), len(self._lived.pending))
        self._publication.publish("signals:performance", found)


def performance(
    now_ms: int, sums: Mapping[SumsKey, GroupSums | bytes], pending: int, reason: str | None = None
) -> SignalPerformance:
    """The document, by the sums of days, some of them packed."""
    found: dict[str, dict[int, dict[int, GroupSums]]] = {kind: defaultdict(dict) for kind in (READING, SIGNAL)}
    for (day, kind, horizon_min), each in sums.items():
        whole = readable(each) if isinstance(each, bytes) else each
        if whole is not None:
            found[kind][horizon_min][day] = whole
    of = [(minutes, found[READING][minutes], found[SIGNAL][minutes]) for minutes in OUTCOME_HORIZONS_MIN]
    days = [day for day, *_ in sums]
    return SignalPerformance(
        timestamp=iso(now_ms) or "",
        origin=ORIGIN,
        since=iso(min(days) * DAY_MS) if days else None,
        pending=pending,
        horizons=tuple(horizon_quality(*each) for each in of) if days else (),
        groups=tuple(row for each in of for row in group_rows(*each)),
        reason=reason or (None if days else _NOTHING_YET),
    )
