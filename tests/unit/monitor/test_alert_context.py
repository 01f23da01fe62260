"""What is drawn of an incident: it is marked where its bars are, whatever the exchange's clock differs from ours."""

from typing import Any

import pytest
from tests.support.small_monitor import SmallMonitor

from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Line, Notice, Role
from virtuoso.monitor.cycle.alert_context import AlertContext

DAYS_MS = 3 * 86_400_000


@pytest.mark.parametrize("off_ms", [0, -DAYS_MS, 5_000])
async def test_the_mark_is_at_the_exchanges_time_of_the_incident(off_ms: int) -> None:
    small = SmallMonitor()
    await small.start()
    try:
        await small.minute()
        exchange: Any = small.exchange
        symbol = next(iter(small.market.rows))
        fired_ms = small.now_ms - off_ms  # by our clock, when the exchange's says `now_ms`
        exchange.clock_offset_ms = float(off_ms)
        line = Line(id="a", kind="sudden_move", severity=Severity.WARNING, message="up", fired_ms=fired_ms)
        picture = AlertContext(small.market, small.cycle, exchange).picture(
            Notice(
                id="n", role=Role.ALERT, severity=Severity.WARNING, title="up", text="up", at_ms=fired_ms,
                lines=(line,), incidents=("a",), system=False, kind="sudden_move", symbol=symbol, charted=symbol,
            )
        )  # fmt: skip
        assert picture is not None
        assert picture.marks[0].at_ms == small.now_ms
        assert 0 <= picture.marks[0].at_ms - picture.candles.open_ms[-1] < 120_000
    finally:
        small.close()
