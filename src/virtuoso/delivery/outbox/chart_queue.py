"""Charts of messages that were sent: drawn while nothing else is to be done, and given up when there is more to do."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from virtuoso.delivery.chart import LIMIT_S
from virtuoso.model.alerts.notice import Delivery, Notice, Role, delivery_id

log = structlog.get_logger(__name__)

Charts = Callable[[Notice], Awaitable[bytes | None]]
"""A PNG for a notice, or `None` where there is none."""

_CHARTED = (Role.ALERT, Role.GROUP)
_MOST = 20


class ChartQueue:
    """Sent deliveries whose message gets a chart: at most 20 wait, the oldest is given up first."""

    def __init__(self, charts: Charts) -> None:
        self._charts = charts
        self._waiting: dict[str, Delivery] = {}
        self._drawn: Delivery | None = None
        self._task: asyncio.Task[bytes | None] | None = None

    def add(self, delivery: Delivery) -> None:
        """Take a message that was sent; if it is of a kind that gets a chart, one is drawn later."""
        notice = delivery.notice
        if notice.role not in _CHARTED or notice.charted is None or delivery.ref is None:
            return
        self._waiting[_first(delivery)] = delivery
        if len(self._waiting) > _MOST:
            del self._waiting[next(iter(self._waiting))]

    def forget(self, first: str) -> bool:
        """Draw no chart for a message that says something else by now: it would put back what was said before.

        Args:
            first: id of the delivery that the message was first sent by.

        Returns:
            Whether it still waited for one: what it says now may have it.
        """
        drawn = self._drawn is not None and _first(self._drawn) == first
        if drawn:
            self._drawn = None
        return self._waiting.pop(first, None) is not None or drawn

    def drawing(self) -> asyncio.Task[bytes | None] | None:
        """The task that draws, begun if there is anything to draw; `take` what it made."""
        if self._task is None and self._waiting:
            self._drawn = self._waiting.pop(next(iter(self._waiting)))
            self._task = asyncio.create_task(self._draw(self._drawn.notice))
        return self._task

    def take(self) -> tuple[Delivery, bytes] | None:
        """What is drawn, once; `None` when there is nothing, or nobody wants it any more."""
        if self._task is None or not self._task.done():
            return None
        png = None if self._task.cancelled() else self._task.result()
        drawn, self._drawn, self._task = self._drawn, None, None
        return None if drawn is None or png is None else (drawn, png)

    async def close(self) -> None:
        """Cancel the drawing of charts and wait until it has ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _draw(self, notice: Notice) -> bytes | None:
        try:
            async with asyncio.timeout(LIMIT_S):
                return await self._charts(notice)
        except TimeoutError:
            log.warning("no chart was drawn in time", notice=notice.id, limit_s=LIMIT_S)
        except Exception:  # a message without a chart is a message all the same
            log.exception("no chart was drawn", notice=notice.id)
        return None


def _first(delivery: Delivery) -> str:
    """The id of the delivery that its message was first sent by."""
    return delivery_id(delivery.notice.amends or delivery.notice.id, delivery.channel)
