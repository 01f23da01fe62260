"""Times that cannot be."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.faults.hostile.case import VICTIM, Case
from tests.faults.hostile.edits import (
    BARS,
    BOOK,
    OF_VICTIM,
    TICKER,
    TRADES,
    each_row,
    frames,
    once,
    with_data,
    with_fields,
)
from tests.faults.hostile.judge import Story
from tests.faults.hostile.odd import Edit, FrameEdit, Json, Out
from tests.faults.hostile.told import REFUSED

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_YEAR_MS = 365 * 24 * _HOUR_MS


def _ts(name: str, sent: str, change: Any, seconds: float = 16.0) -> Case:
    return Case(
        name=name, sent=f"ticker `ts` {sent}", seconds=seconds, not_live=(TICKER,), incidents={REFUSED: 1},
        edit=frames(TICKER, lambda message: [message | {"ts": change(message["ts"])}]),
    )  # fmt: skip


def _later(ms: int) -> Any:
    """Rows of trades or bars that many milliseconds later."""

    def change(row: Json) -> Json:
        return row | {key: row[key] + ms for key in ("T", "start", "end", "timestamp") if key in row}

    return each_row(change)


def _ahead(minutes: float) -> FrameEdit:
    """The frame's time that many minutes later."""
    return lambda message: [message | {"ts": message["ts"] + int(minutes * _MINUTE_MS)}]


def _standing() -> FrameEdit:
    first: list[int] = []

    def edit(message: Json) -> Iterable[Out]:
        first.append(message["ts"])
        return [message | {"ts": first[0]}]

    return edit


def _clock(document: Json, _: Mapping[str, str]) -> Json:
    result, ahead_s = document["result"], 3_600
    return document | {
        "time": document["time"] + 1_000 * ahead_s,
        "result": {
            "timeSecond": str(int(result["timeSecond"]) + ahead_s),
            "timeNano": str(int(result["timeNano"]) + ahead_s * 10**9),
        },
    }


def _minutes_go_on(story: Story) -> None:
    """Every minute that ended while it lasted was analysed."""
    assert story.after is not None
    assert story.after.status["cycle"]["last_close"] > story.before.status["cycle"]["last_close"]


def _believed(story: Story) -> None:
    """What all topics tell is refused by none of them for longer than they need to agree."""
    refused = [sum(row["rejected"] for row in seen.topics.values()) for seen in story.during]
    assert refused[-1] == refused[len(refused) // 2], refused


def _order_flow_goes_on(story: Story) -> None:
    """The book was seen in the minute after it: what is computed of it is known."""
    assert story.during[-1].signals[VICTIM]["factors"]["order_book"] is not None


def _no_funding_of_1970(story: Story) -> None:
    assert all(seen.symbols[victim]["next_funding"] is None or seen.symbols[victim]["next_funding"] > "2026"
               for seen in story.during for victim in story.case.victims)  # fmt: skip


CASES = (
    _ts("ticker_ts_in_microseconds", "in microseconds, across a full minute", lambda ts: ts * 1_000, 75.0),
    _ts("ticker_ts_a_year_ahead", "a year ahead, across a full minute", lambda ts: ts + _YEAR_MS, 75.0),
    _ts("ticker_ts_56000_years_ahead", "56,000 years ahead", lambda ts: ts + 56_000 * _YEAR_MS),
    _ts("ticker_ts_two_hours_ahead", "two hours ahead", lambda ts: ts + 2 * _HOUR_MS),
    _ts("ticker_ts_two_hours_past", "two hours past", lambda ts: ts - 2 * _HOUR_MS),
    _ts("ticker_ts_zero", "0", lambda ts: 0),
    _ts("ticker_ts_negative", "negative", lambda ts: -ts),
    _ts("ticker_ts_word", "`\"soon\"`", lambda ts: "soon"),
    _ts("ticker_ts_null", "`null`", lambda ts: None),
    Case(
        name="ticker_ts_as_string", sent="ticker `ts` as a string of digits", seconds=8.0,
        edit=frames(TICKER, lambda message: [message | {"ts": str(message["ts"])}], harmless=True),
    ),
    # Before those that refuse a book for long: one that had to be asked for often just before waits seconds for it.
    Case(
        name="one_book_minutes_ahead", sent="one book frame ten minutes ahead: it costs itself, and no minute",
        minute=True, edit=frames(BOOK, once(_ahead(10))), may=(BOOK,), check=_order_flow_goes_on,
    ),
    Case(
        name="all_ts_in_microseconds", sent="`ts` of every topic of a symbol in microseconds",
        not_live=(TICKER, BOOK), may=(OF_VICTIM,), incidents={REFUSED: 1},
        edit=frames(OF_VICTIM, lambda message: [message | {"ts": message["ts"] * 1_000}]),
    ),
    Case(
        name="book_ts_in_microseconds", sent="book `ts` in microseconds", not_live=(BOOK,), incidents={REFUSED: 1},
        edit=frames(BOOK, lambda message: [message | {"ts": message["ts"] * 1_000}]),
    ),
    Case(
        name="book_ts_minutes_ahead", sent="book `ts` ten minutes ahead", not_live=(BOOK,), incidents={REFUSED: 1},
        edit=frames(BOOK, _ahead(10)),
    ),
    Case(
        name="trades_minutes_ahead", sent="trades ten minutes ahead", not_live=(TRADES,), incidents={REFUSED: 1},
        seconds=30.0, edit=frames(TRADES, _later(10 * _MINUTE_MS)),
    ),
    Case(
        name="streams_ahead", sent="every frame of every topic eight seconds ahead, as where the clock was set",
        edit=lambda: Edit({"reply": lambda _: None, "*": _ahead(8 / 60)}, harmless=True), may=("*",), healthy=None,
        also=(REFUSED, "exchange_clock"), check=_believed,
    ),
    Case(
        name="trades_a_year_ahead", sent="trades with `T` a year ahead", not_live=(TRADES,), incidents={REFUSED: 1},
        seconds=30.0, edit=frames(TRADES, _later(_YEAR_MS)),
    ),
    Case(
        name="bars_a_year_ahead", sent="bars with `start` a year ahead", not_live=(BARS,), incidents={REFUSED: 1},
        seconds=30.0, edit=frames(BARS, _later(_YEAR_MS)),
    ),
    Case(
        name="next_funding_in_microseconds", sent="`nextFundingTime` in microseconds, once", minute=True,
        may=(TICKER,), edit=frames(TICKER, once(with_data(nextFundingTime="1795939200000000"))), check=_minutes_go_on,
    ),
    Case(
        name="next_funding_zero", sent="`nextFundingTime` `\"0\"`", seconds=8.0, may=(TICKER,),
        edit=frames(TICKER, once(with_data(nextFundingTime="0"))), check=_no_funding_of_1970,
    ),
    Case(
        name="next_funding_past", sent="`nextFundingTime` of last year", seconds=8.0, may=(TICKER,),
        edit=frames(TICKER, once(with_data(nextFundingTime="1750000000000"))), check=_no_funding_of_1970,
    ),
    Case(
        name="clock_an_hour_wrong", sent="`/v5/market/time` an hour ahead for 75 s, the streams not", seconds=75.0,
        incidents={"exchange_clock": 1}, edit=lambda: Edit(bodies={"/market/time": _clock}), check=_minutes_go_on,
        recover=90.0,
    ),
    Case(
        name="frame_without_ts", sent="ticker frames without `ts`", not_live=(TICKER,), incidents={REFUSED: 1},
        edit=frames(TICKER, lambda message: [{key: message[key] for key in message if key != "ts"}]),
    ),
    Case(
        name="liquidations_of_1970", sent="liquidations with a `ts` of 1", may=("allLiquidation.*",),
        edit=frames("allLiquidation.*", with_fields(ts=1)), also=(REFUSED,), seconds=8.0,
    ),
    Case(
        name="ts_stands_still", sent="every frame of a symbol with the `ts` of the first", may=(OF_VICTIM,),
        edit=lambda: Edit({OF_VICTIM: _standing()}), also=(REFUSED, "mute_topic"),
    ),
)  # fmt: skip
