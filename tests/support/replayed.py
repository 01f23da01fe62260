"""A minute of the embedded exchange, recorded once and played here: real documents that are the same each time."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from tests.support.alerts_web import NoViews, Web, running_web
from virtuoso.config import load
from virtuoso.delivery.outbox.outbox import Outbox
from virtuoso.model import documents as docs
from virtuoso.model.alerts.notice import Delivery
from virtuoso.model.clock import iso
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.alerting.documents import pipeline_document
from virtuoso.playback.replay import Replay
from virtuoso.recording.reader import read
from virtuoso.recording.records import Frame
from virtuoso.storage.cache.memory import Version
from virtuoso.wiring.channels import make_channels
from virtuoso.wiring.monitor import monitor_parts

FOLDER = Path(__file__).parents[1] / "data" / "replayed"
RECORDING = FOLDER / "day"
TOO_LONG = "status 400: the message is too long"
"""What is wrong with the one message that no channel took."""
CONFIG = FOLDER / "virtuoso.yaml"


@dataclass(frozen=True)
class Replayed:
    """What was published and found, and what would have been sent."""

    player: Replay
    deliveries: tuple[Delivery, ...]

    def bars(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Any]:
        """The latest bars, oldest first."""
        return self.player._market[symbol].history.series[timeframe].last(limit)


def _parts(rules: Iterable[Path] = ()) -> Any:
    files = ", ".join(map(str, rules))
    return monitor_parts(load([CONFIG], {"VIRTUOSO__MONITORING__ALERTS__RULES": f"[{files}]"}))


def replayed() -> Replayed:
    """Play the recording with the rules beside it."""
    player, sent = Replay(_parts([FOLDER / "balanced.yaml"])), list[Delivery]()
    decide = player._alerts.alerting.decide

    def noted() -> tuple[Delivery, ...]:
        found = decide()
        sent.extend(found)
        return found

    player._alerts.alerting.decide = noted  # type: ignore[method-assign]
    asyncio.run(player.play(read(RECORDING)))
    return Replayed(player, tuple(sent))


def recorded_exchange() -> Any:
    """The exchange as it answered before the first frame."""

    async def asked() -> Any:
        player = Replay(_parts())
        for record in _answers():
            await player._take(record)
        player._kernel.close()
        return player._watch._exchange

    return asyncio.run(asked())


def _answers() -> Iterator[Any]:
    for record in read(RECORDING):
        if isinstance(record, Frame):
            return
        yield record


class _Views(NoViews):
    """Serves the bars that the replay held."""

    def __init__(self, of: Replayed) -> None:
        self._of = of

    async def bars(
        self, symbol: str, timeframe: Timeframe, limit: int, until_ms: int | None = None
    ) -> docs.Bars | None:
        rows = tuple(
            docs.BarItem(
                open_time=iso(bar.open_ms) or "", open=bar.open, high=bar.high, low=bar.low, close=bar.close,
                volume=bar.volume, turnover=bar.turnover,
            )
            for bar in self._of.bars(symbol, timeframe, limit)
        )  # fmt: skip
        return docs.Bars(symbol=symbol, timeframe=str(timeframe), bars=rows)


@asynccontextmanager
async def replayed_web(of: Replayed, folder: Path) -> AsyncIterator[Web]:
    """A web that serves what the replay published, found and would have sent, at the end of the recording."""
    async with running_web(folder, clock=of.player.clock, cache=of.player.cache, views=_Views(of)) as web:
        await web.keep(*reversed(of.player._alerts.incidents.recent()))
        sent = [replace(each, state="dead", error=TOO_LONG) if n == 0 else each for n, each in enumerate(of.deliveries)]
        await web.put(*sent)
        parts, now_ms = _parts(), of.player.clock.now_ns() // 1_000_000
        outbox = Outbox(
            make_channels(parts.alerting.channels, of.player.clock), web.database, of.player.clock,
            np.random.default_rng(0), digest_above=10,
        )  # fmt: skip
        document = pipeline_document(of.player._alerts.alerting, outbox.statuses(), now_ms)
        of.player.cache.put("alerts:pipeline", msgspec.json.encode(document), Version(9, 1), 60)
        yield web
