"""What an exchange's adapter reports becomes incidents: one when a thing begins, resolved when it is over."""

from typing import Any

import pytest

from virtuoso.alerts.conditions import ExchangeState, observe_exchange
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.model.feed import FeedStatus
from virtuoso.model.feed_kind import FeedKind
from virtuoso.monitor.supervision import denied_by_symbol

S = 1_000_000_000
FINE: dict[str, Any] = {
    "mute": {}, "denied": {}, "maintenance": None, "rest_down": None, "origin_change": None, "banned_until_ms": None,
    "clock_skew_ms": 0.0, "clock_doubt": None,
}  # fmt: skip


def kinds(log: IncidentLog) -> set[str]:
    return {incident.kind for incident in log.open()}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"rest_down": "no good answer"}, {"rest_down"}),
        ({"rest_down": "no good answer", "maintenance": "HTTP 503"}, {"maintenance"}),  # which explains it
        ({"rest_down": "no good answer", "banned_until_ms": 5}, {"rate_ban"}),
        ({"origin_change": "its REST say live"}, {"origin_changed"}),
        ({"denied": {"BTCUSDT": "refused"}}, {"topic_refused"}),
        ({"mute": {"tickers.BTCUSDT": "BTCUSDT"}}, {"mute_topic"}),
        ({"clock_skew_ms": 5_000.0, "clock_doubt": "it moved"}, {"clock_skew", "exchange_clock"}),
    ],
)
def test_each_begins_and_ends(bad: dict[str, Any], said: set[str]) -> None:
    log = IncidentLog(100)
    observe_exchange(log, ExchangeState(**FINE), 1_000)
    assert kinds(log) == set()
    for at_ms in (2_000, 3_000):
        observe_exchange(log, ExchangeState(**FINE | bad), at_ms)
        assert kinds(log) == said
    assert log.fired == len(said)
    observe_exchange(log, ExchangeState(**FINE), 4_000)
    assert kinds(log) == set()


def test_refusals_are_told_by_symbol_while_they_last() -> None:
    def feeds(*denied: str) -> list[FeedStatus]:
        return [
            FeedStatus(
                kind=FeedKind.TICKER, topic=t, symbol=t.rpartition(".")[2], denied="no such topic", denied_ns=5 * S
            )
            for t in denied
        ]

    log = IncidentLog(100)
    several = feeds("tickers.AUSDT", "kline.1.AUSDT", "tickers.BUSDT")
    assert denied_by_symbol(several, 14 * S) == {}  # a delisted symbol is gone from the universe by then
    told = denied_by_symbol(several, 15 * S)
    observe_exchange(log, ExchangeState(**FINE | {"denied": told}), 15_000)
    assert {incident.symbol for incident in log.open()} == {"AUSDT", "BUSDT"}
    message = next(i.message for i in log.open() if i.symbol == "AUSDT")
    assert message == "the exchange refuses tickers.AUSDT, kline.1.AUSDT: no such topic; asked again"
    observe_exchange(log, ExchangeState(**FINE | {"denied": denied_by_symbol(several[2:], 16 * S)}), 16_000)
    assert {incident.symbol for incident in log.open()} == {"BUSDT"}
