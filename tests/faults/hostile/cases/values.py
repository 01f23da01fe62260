"""Numbers that cannot be, and numbers of another symbol."""

from typing import Any

from tests.faults.hostile.case import VICTIM, Case
from tests.faults.hostile.edits import TICKER, as_text, frames, once, renamed, scaled, with_data
from tests.faults.hostile.judge import Story
from tests.faults.hostile.odd import Edit, FrameEdit, Json, Told
from tests.faults.hostile.told import REFUSED


def _told(**fields: Any) -> FrameEdit:
    """Tickers that tell a price, with these fields; the others as they are."""
    return lambda message: with_data(**fields)(message) if "lastPrice" in message["data"] else None


def _price(name: str, sent: str, value: Any, **more: Any) -> Case:
    return Case(
        name=f"last_price_{name}", sent=f"`lastPrice` {sent} in every ticker that tells a price",
        not_live=(TICKER,), incidents={REFUSED: 1}, edit=frames(TICKER, _told(lastPrice=value)), seconds=34.0, **more,
    )  # fmt: skip


def _bare(number: str) -> FrameEdit:
    """The price as a JSON number of this spelling."""

    def edit(message: Json) -> Any:
        if "lastPrice" not in message["data"]:
            return None
        price = message["data"]["lastPrice"]
        return as_text(lambda text: text.replace(f'"lastPrice":"{price}"', f'"lastPrice":{number}'))(message)

    return edit


def _unknown_is_null(story: Story) -> None:
    assert all(seen.symbols[VICTIM]["price"] != 0 for seen in story.during)


def _told_cut(message: Json) -> Any:
    return as_text(lambda text: text[:-9])(message) if "lastPrice" in message["data"] else None


def _never_mute(story: Story) -> None:
    """What one frame told is told again within seconds: no topic is taken for mute."""
    assert not any(row["mute"] for seen in story.during for row in seen.topics.values())


def _of_eth(message: Json) -> Any:
    """ETH's frame under BTC's topic."""
    return Told([message, message | {"topic": "tickers.BTCUSDT"}])


def _twice(message: Json) -> Any:
    """A key twice in one object: the second, which JSON takes, is not possible."""
    return as_text(lambda text: text.replace("}", ',"lastPrice":"1","lastPrice":"1e17"}', 1))(message)


def _off_tick(message: Json) -> Any:
    price = message["data"].get("lastPrice")
    return with_data(lastPrice=price + "37")(message) if price else None


def _scaled(*names: str, factor: float) -> FrameEdit:
    def edit(message: Json) -> Any:
        found = {name: scaled(message["data"][name], factor) for name in names if name in message["data"]}
        return with_data(**found)(message) if found else None

    return edit


CASES = (
    _price("1e17", "1e17", "1e17"),
    _price("1e-30", "1e-30", "1e-30"),
    _price("negative", "-3.1", "-3.1"),
    _price("zero", "0", "0"),
    _price("nan", "`\"NaN\"`", "NaN"),
    _price("1e400", "1e400", "1e400"),
    _price("infinite", "`\"-inf\"`", "-inf"),
    _price("word", "`\"cheap\"`", "cheap"),
    _price("list", "a list", ["1"]),
    _price("ten_times", "ten times itself (fixed: 1650)", "1650"),
    Case(
        name="last_price_bare_1e400", sent="`lastPrice` the bare JSON number 1e400", may=(TICKER,), seconds=24.0,
        incidents={REFUSED: 1}, edit=frames(TICKER, _bare("1e400")),
    ),
    Case(
        name="last_price_empty", sent="`lastPrice` `\"\"`", seconds=8.0, may=(TICKER,),
        edit=frames(TICKER, _told(lastPrice="")), check=_unknown_is_null,
    ),
    Case(
        name="key_twice", sent="`lastPrice` twice in one frame, the second 1e17", not_live=(TICKER,),
        incidents={REFUSED: 1}, edit=frames(TICKER, _twice),
    ),
    Case(
        name="mark_a_thousand_times", sent="`markPrice` and `indexPrice` × 1000", may=(TICKER,), also=(REFUSED,),
        edit=frames(TICKER, _scaled("markPrice", "indexPrice", factor=1000), harmless=True),
    ),
    Case(
        name="touch_a_thousandth", sent="`bid1Price` and `ask1Price` of the ticker / 1000", may=(TICKER,),
        also=(REFUSED, "mute_topic"),
        edit=frames(TICKER, _scaled("bid1Price", "ask1Price", factor=0.001), harmless=True),
    ),
    Case(
        name="one_bad_frame", sent="one ticker frame of price 1e17: the snapshot is asked for", seconds=16.0,
        edit=frames(TICKER, once(_told(lastPrice="1e17"))), check=_never_mute,
    ),
    Case(
        name="one_garbled_price", sent="one ticker frame that tells a price is cut off", seconds=16.0,
        edit=frames(TICKER, once(_told_cut)), check=_never_mute,
    ),
    Case(
        name="interest_1e30", sent="`openInterest` 1e30", may=(TICKER,), also=(REFUSED, "mute_topic"),
        edit=frames(TICKER, with_data(openInterest="1e30")),
    ),
    Case(
        name="funding_of_900_percent", sent="`fundingRate` 9", may=(TICKER,), also=(REFUSED,),
        edit=frames(TICKER, with_data(fundingRate="9"), harmless=True),
    ),
    Case(
        name="turnover_negative", sent="`turnover24h` and `volume24h` negative", may=(TICKER,),
        also=(REFUSED, "mute_topic"), edit=frames(TICKER, with_data(turnover24h="-1", volume24h="-1")),
    ),
    Case(
        name="another_symbols_frames", sent="ETH's ticker frames under BTC's topic too", may=("tickers.BTCUSDT",),
        incidents={REFUSED: 1}, victims=("BTCUSDT",), edit=frames("tickers.ETHUSDT", _of_eth),
    ),
    Case(
        name="off_tick", sent="a price off the tick grid by less than a tick", seconds=8.0,
        edit=frames(TICKER, _off_tick, harmless=True),
    ),
    Case(
        name="field_renamed_in_data", sent="`lastPrice` renamed to `last` for every symbol, as after a release",
        cut=True, not_live=("tickers.*",), may=("*",), incidents={REFUSED: 1}, seconds=30.0,
        recover=100.0, edit=frames("tickers.*", renamed("lastPrice", "last")),
    ),
    Case(
        name="schema_changed", sent="`data` renamed to `payload` in every frame", not_live=("*",), healthy=None,
        incidents={REFUSED: 1}, also=("mute_topic", "stale_feed"), seconds=20.0,
        edit=lambda: Edit({"reply": lambda _: None, "*": renamed("data", "payload")}),
    ),
)  # fmt: skip
