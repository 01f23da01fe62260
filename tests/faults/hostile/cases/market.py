"""Books, trades, liquidations and bars that cannot be."""

from typing import Any

from tests.faults.hostile.case import VICTIM, Case
from tests.faults.hostile.edits import (
    BARS,
    BOOK,
    LIQUIDATIONS,
    TRADES,
    each_row,
    frames,
    nothing,
    once,
    scaled,
    with_data,
    with_fields,
)
from tests.faults.hostile.judge import Story
from tests.faults.hostile.odd import FrameEdit, Json
from tests.faults.hostile.told import REFUSED

_MINUTE_MS = 60_000


def _deltas(edit: FrameEdit) -> FrameEdit:
    """Deltas edited, snapshots as they are."""
    return lambda message: edit(message) if message["type"] == "delta" else None


def _crossing(message: Json) -> Any:
    far = 1.5 * max(float(price) for price, _ in [*message["data"]["a"], *message["data"]["b"], ["1", "1"]])
    return with_data(b=[[f"{far:.4f}", "1"], *message["data"]["b"]])(message)


def _swapped() -> FrameEdit:
    """Every two deltas in the wrong order."""
    held: list[Json] = []

    def edit(message: Json) -> Any:
        if not held:
            held.append(message)
            return []
        return [message, held.pop()]

    return _deltas(edit)


def _without(name: str) -> FrameEdit:
    return lambda m: [m | {"data": {key: value for key, value in m["data"].items() if key != name}}]


def _levels(change: Any) -> FrameEdit:
    return lambda m: with_data(**{side: [change(level) for level in m["data"][side]] for side in "ab"})(m)


def _far_levels(message: Json) -> Any:
    """Five thousand levels a side, all far away."""
    return with_data(b=[*message["data"]["b"], *([f"{0.001 * n:.3f}", "1"] for n in range(1, 5001))])(message)


def _bars(change: Any, *, confirmed: bool | None = None) -> FrameEdit:
    return each_row(lambda row: change(row) if confirmed in (None, row["confirm"]) else row)


def _impossible(row: Json) -> Json:
    return row | {"high": "0.1", "low": "9"}


def _early(message: Json) -> Any:
    """Each forming bar said to be final, with its close doubled."""
    rows = [row | {"confirm": True, "close": row["high"], "volume": "1"} for row in message["data"]]
    return [message | {"data": rows}] if message["ts"] % _MINUTE_MS > 50_000 else None


def _confirmed_again(message: Json) -> Any:
    """A closed bar, then once more with other values."""
    rows = [row for row in message["data"] if row["confirm"]]
    if not rows:
        return None
    other = [row | {"close": row["low"], "volume": scaled(row["volume"], 3)} for row in rows]
    return [message, message | {"data": other}]


def _bars_are_true(story: Story) -> None:
    """Every bar that is held is the exchange's own."""
    held, own = story.bars(VICTIM)
    assert held, "no bars are held"
    wrong = {at: (held[at], own[at]) for at in held if at in own and held[at] != own[at]}
    assert not wrong, f"bars unlike the exchange's own: {wrong}"


def _liquidated(**fields: Any) -> FrameEdit:
    return each_row(lambda row: row | fields)


def _made_up(message: Json) -> Any:
    """A liquidation of 1e15 coins at a price of 1e12 beside each frame."""
    row = {"T": message["ts"], "s": VICTIM, "S": "Sell", "v": "1e15", "p": "1e12"}
    return [message, {"topic": LIQUIDATIONS, "type": "snapshot", "ts": message["ts"], "data": [row]}]


def _book(name: str, sent: str, edit: FrameEdit, **more: Any) -> Case:
    return Case(name=f"book_{name}", sent=f"book: {sent}", edit=frames(BOOK, edit), **more)


CASES = (
    _book("crossed", "every delta crosses it", _deltas(_crossing), may=(BOOK,), also=(REFUSED, "mute_topic")),
    _book("swapped", "every two deltas in the wrong order", _swapped(), may=(BOOK,), also=(REFUSED, "mute_topic")),
    _book("doubled", "every delta twice", _deltas(lambda m: [m, m]), may=(BOOK,), also=(REFUSED, "mute_topic")),
    _book("without_u", "`u` is missing", _without("u"), not_live=(BOOK,), incidents={REFUSED: 1}),
    _book("u_of_1e300", "`u` is 1e300", with_data(u=10**300), not_live=(BOOK,), incidents={REFUSED: 1}),
    _book(
        "emptied", "snapshots without levels, no deltas",
        lambda m: [m | {"type": "snapshot", "data": m["data"] | {"a": [], "b": []}}], not_live=(BOOK,),
        incidents={REFUSED: 1},
    ),
    _book(
        "negative_sizes", "sizes negative", _levels(lambda level: [level[0], f"-{level[1]}"]), not_live=(BOOK,),
        incidents={REFUSED: 1},
    ),
    _book(
        "prices_of_zero", "prices 0", _levels(lambda level: ["0", level[1]]), not_live=(BOOK,),
        incidents={REFUSED: 1},
    ),
    _book(
        "nan_levels", "prices `NaN`", _levels(lambda level: ["NaN", level[1]]), not_live=(BOOK,),
        incidents={REFUSED: 1},
    ),
    _book(
        "ten_times", "prices × 10", _levels(lambda level: [scaled(level[0], 10), level[1]]), not_live=(BOOK,),
        incidents={REFUSED: 1},
    ),
    _book(
        "far_levels", "5,000 levels a delta, all far away", _deltas(_far_levels), may=(BOOK,),
        also=(REFUSED, "mute_topic"), seconds=8.0,
    ),
    _book(
        "never_a_snapshot", "deltas only after a reconnect: a whole one is asked for and followed",
        lambda m: [] if m["type"] == "snapshot" else None, cut=True, may=("*",), also=(REFUSED, "mute_topic"),
        seconds=24.0,
    ),
    _book(
        "levels_of_three", "levels of three numbers", _levels(lambda level: [*level, "1"]), not_live=(BOOK,),
        incidents={REFUSED: 1},
    ),
    _book(
        "other_symbol", "`s` names another symbol", with_data(s="ETHUSDT"), not_live=(BOOK,), incidents={REFUSED: 1},
    ),
    Case(
        name="trades_of_no_side", sent="trades of side `Hold`",
        edit=frames(TRADES, each_row(lambda row: row | {"S": "Hold"})), not_live=(TRADES,), incidents={REFUSED: 1},
        seconds=40.0,
    ),
    Case(
        name="trades_ten_times", sent="trades of ten times the price",
        edit=frames(TRADES, each_row(lambda row: row | {"p": scaled(row["p"], 10)})), not_live=(TRADES,),
        incidents={REFUSED: 1}, seconds=40.0,
    ),
    Case(
        name="trades_of_1e17", sent="trades of 1e17 coins",
        edit=frames(TRADES, each_row(lambda row: row | {"v": "1e17"})), may=(TRADES,), also=(REFUSED, "mute_topic"),
        seconds=30.0,
    ),
    Case(
        name="trades_backwards", sent="the trades of a frame newest first",
        edit=frames(TRADES, lambda m: [m | {"data": m["data"][::-1]}], harmless=True),
    ),
    Case(
        name="trades_doubled", sent="every trade twice, with one id",
        edit=frames(TRADES, lambda m: [m | {"data": [row for row in m["data"] for _ in "12"]}], harmless=True),
    ),
    Case(
        name="trades_empty", sent="frames of no trades", edit=frames(TRADES, with_fields(data=[])), may=(TRADES,),
        also=("mute_topic", REFUSED), seconds=24.0,
    ),
    Case(
        name="liquidations_absurd", sent="a liquidation of 1e15 coins at 1e12 a second",
        edit=frames("orderbook.1.*", _made_up, harmless=True),  # the beacon is on every connection
        may=(LIQUIDATIONS,), incidents={REFUSED: 1},
    ),
    Case(
        name="bars_impossible", sent="every bar with high .1 and low 9", edit=frames(BARS, _bars(_impossible)),
        not_live=(BARS,), incidents={REFUSED: 1}, minute=True, check=_bars_are_true,
    ),
    Case(
        name="closed_bars_impossible", sent="closed bars with high .1 and low 9",
        edit=frames(BARS, _bars(_impossible, confirmed=True)), may=(BARS,),
        also=(REFUSED, "bars_corrected", "mute_topic"), minute=True, check=_bars_are_true,
    ),
    Case(
        name="bars_confirmed_early", sent="bars confirmed some seconds early, with wrong values",
        edit=frames(BARS, _early), may=(BARS,), also=(REFUSED, "bars_corrected", "mute_topic"), minute=True,
        check=_bars_are_true,
    ),
    Case(
        name="bars_confirmed_twice", sent="a closed bar, then again with other values",
        edit=frames(BARS, _confirmed_again), may=(BARS,), also=(REFUSED, "bars_corrected", "mute_topic"),
        minute=True, check=_bars_are_true,
    ),
    Case(
        name="bars_worth_ten_times", sent="bars of ten times their turnover",
        edit=frames(BARS, each_row(lambda row: row | {"turnover": scaled(row["turnover"], 10)})), not_live=(BARS,),
        incidents={REFUSED: 1}, also=("mute_topic",), minute=True, check=_bars_are_true,
    ),
    Case(
        name="bars_not_aligned", sent="bars that open 7 s past the minute",
        edit=frames(BARS, each_row(lambda row: row | {"start": row["start"] + 7_000})), not_live=(BARS,),
        incidents={REFUSED: 1}, seconds=30.0,
    ),
    Case(
        name="bars_never_closed", sent="no bar is ever confirmed",
        edit=frames(BARS, _bars(lambda row: row | {"confirm": False})), may=(BARS,), minute=True,
        check=_bars_are_true,
    ),
    Case(
        name="tickers_only_a_snapshot", sent="a ticker snapshot, then never a delta: asked for anew each time",
        edit=frames("tickers.BTCUSDT", _deltas(nothing)), may=("tickers.BTCUSDT",), also=("mute_topic",),
        seconds=24.0,
    ),
    Case(name="one_trade_lost", sent="one frame of trades lost", edit=frames(TRADES, once(nothing)), seconds=8.0),
)  # fmt: skip
