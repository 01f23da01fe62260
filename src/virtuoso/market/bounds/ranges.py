"""What a number, a time and a bar can be at all, whatever the market: for streams, requests, replays and files."""

from virtuoso.market.bounds.bar import implausible, misvalued
from virtuoso.model.feed import Refusal
from virtuoso.model.market import Bar
from virtuoso.model.timeframe import Timeframe

LEAST_PRICE, MOST_PRICE = 1e-18, 1e12
"""Quote units: the smallest coin in bitcoin is some 1e-11, a bitcoin in the smallest currency some 1e10."""
MOST_VALUE = 1e15
"""Quote units that can change hands, or rest at a price."""
MOST_AMOUNT = 1e18
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_SLACK_MS = 60_000
"""How far ahead of the measured clock a bar may be: that clock is measured again within a minute."""

AHEAD_MS = 5_000
"""How far ahead of the measured clock an event may be, unless the other streams tell the same: by a frame that claims
to come from minutes ahead, those minutes would be over. The clock is measured to some ms, again within a minute."""

AHEAD, BEHIND = "ts: more than 1 h ahead of the measured clock", "ts: more than 1 h behind the measured clock"
EARLY = "ts: more than 5 s ahead of the measured clock and of the other streams"


def bar_refusal(bar: Bar) -> Refusal:
    """Why a bar cannot be true, whatever the market."""
    if (refusal := implausible(bar)) is not None:
        return refusal
    if not LEAST_PRICE <= bar.low <= bar.high <= MOST_PRICE:
        return "high, low: not prices"
    return misvalued(bar) if bar.volume <= MOST_AMOUNT else "volume: not an amount"


def bar_time_refusal(bar: Bar, timeframe: Timeframe, now_ms: float) -> Refusal:
    """Why a bar cannot be of its time; `now_ms` is the exchange's time as measured (epoch ms)."""
    if not timeframe.closes_at(bar.open_ms):
        return "start: not a multiple of its length"
    ahead_ms = bar.open_ms - now_ms
    if ahead_ms > _SLACK_MS:
        return "start: in the future"
    if bar.confirmed and ahead_ms + timeframe.ms > _SLACK_MS:
        return "confirm: before its end"
    return None
