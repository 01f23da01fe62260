"""A price reads alike in every text that the program makes of it, to its last digit."""

from contextlib import redirect_stdout
from decimal import Decimal
from io import StringIO
from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rich.console import Console
from tests.support.detectors import PARAMETERS, START_MS, Desk, ns

from virtuoso.alerts.changes import observe_signal
from virtuoso.alerts.fast.liquidation import Liquidations
from virtuoso.alerts.fast.wall import BookWalls
from virtuoso.alerts.fast.whale import WhaleTrades
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.alerts.rules.template import parse
from virtuoso.alerts.rules.values import Scope
from virtuoso.cli.terminal import reading
from virtuoso.cli.terminal.screen import Screen
from virtuoso.delivery.canvas import Canvas
from virtuoso.delivery.channels.discord.context import fields_of
from virtuoso.delivery.chart import Picture
from virtuoso.delivery.drawing import render
from virtuoso.model import documents as docs
from virtuoso.model.alerts.notice import Candles, Context, PriceLevel
from virtuoso.model.catalogue import examples
from virtuoso.model.market import Liquidation, Side, Trade
from virtuoso.model.signal import Label
from virtuoso.model.text.numbers import Denomination, price_text
from virtuoso.monitor.alerting.rule_values import symbol_values

WIDE = 400
SYMBOL = examples.SYMBOL
steps = st.builds(
    lambda mantissa, exponent: float(f"{mantissa}e{exponent}"), st.sampled_from([1, 2, 25, 5]), st.integers(-12, 1)
)


@st.composite
def markets(draw: st.DrawFn) -> tuple[float, float, float]:
    """A tick, and two prices some ticks apart, from 1e-10 to 1e8."""
    step = draw(steps)
    exact = Decimal(repr(step))
    low = exact * draw(st.integers(1, 10**9))
    high = low + exact * draw(st.integers(1, 100))
    assume(Decimal("1e-10") <= low and high <= Decimal("1e8"))
    return step, float(low), float(high)


def detail_of(step: float, price: float, stop: float) -> docs.SymbolDetail:
    """The document of a symbol at a price, with an entry whose stop is at another."""
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(SYMBOL))
    body["ticker"] |= {"price": price, "tick_size": step, "quote": "USDT"}
    body["entry"] |= {"price": price, "stop": stop, "invalidation": stop, "targets": [price]}
    return msgspec.convert(body, docs.SymbolDetail)


def terminal(detail: docs.SymbolDetail) -> str:
    with redirect_stdout(StringIO()) as shown:
        reading.show(detail, (), None)
    return shown.getvalue()


def board(step: float, price: float) -> str:
    made = Screen("http://desk:8002")
    row = {**examples.SIGNALS["signals"][0], "price": price, "tick_size": step}
    made.take("signals", msgspec.json.encode({**examples.SIGNALS, "signals": [row]}))
    console = Console(width=WIDE, force_terminal=False)
    with console.capture() as capture:
        console.print(made.drawn(made.rows(15, None)))
    return capture.get()


def alerts(of: Denomination, price: float) -> list[str]:
    """What detectors and a change of label say at a price."""
    log, desk = IncidentLog(10), Desk()
    observe_signal(log, "X", None, Label.BUY, 1, score=71.0, agreement=0.5, price=price, denomination=of)
    detector = Liquidations("X", PARAMETERS.liquidation, PARAMETERS.cascade, desk.findings, desk.market, of)
    detector.turnover = price
    detector.take([Liquidation(START_MS, price, 1.0, Side.BUY)], ns(START_MS))
    return [incident.message for incident in (*log.recent(10), *desk.all("liquidation"))]


def large(of: Denomination, price: float) -> list[str]:
    """What is said of a whale's order at a price, and of a wall there."""
    desk = Desk()
    whales = WhaleTrades("X", PARAMETERS.whale_trade, desk.findings, of)
    whales._limit = 0.0  # as if much smaller ones were usual
    whales.take([Trade(START_MS, price, 3.0, Side.BUY, "t")], ns(START_MS))
    walls = BookWalls("X", PARAMETERS.book_wall, desk.findings, of)._bids
    walls._price = price
    walls._found(START_MS, price, {price: 3.0, 2 * price: 1.0}, 4.0, 3.0, ns(START_MS))
    return [incident.message for incident in desk.all()]


def charted(of: Denomination, low: float, high: float) -> list[str]:
    """All texts of a chart that ends at `high`, with a level at `low`."""
    said: list[str] = []

    def text(_: Canvas, x: float, __: float, words: str, *___: Any, **____: Any) -> float:
        said.append(words)
        return x

    candles = Candles(
        timeframe="1m",
        open_ms=(0, 60_000),
        open=(low, low),
        high=(high, high),
        low=(low, low),
        close=(low, high),
        volume=(1.0, 2.0),
    )
    with patch.object(Canvas, "text", text), patch.object(Canvas, "png", lambda _: b""):
        render(Picture(title="X", candles=candles, levels=(PriceLevel("stop", low),), denomination=of))
    return said


def embed(of: Denomination, price: float, level: float) -> str:
    levels = (PriceLevel("entry", price), PriceLevel("stop", level))
    fields, _ = fields_of(Context(symbol="X", price=price, levels=levels, denomination=of))
    return "\n".join(field.value for field in fields)


@settings(max_examples=60)
@given(markets())
def test_one_price_is_one_text_everywhere(market: tuple[float, float, float]) -> None:
    step, low, high = market
    of = Denomination(tick_size=step, quote="USDT")
    one, other = price_text(low, step), price_text(high, step)
    assert one != other
    detail = detail_of(step, high, low)
    template = parse("at {price}, stop {entry_stop}", frozenset({Scope.SYMBOL}))
    assert template.render(symbol_values(detail)) == f"at {other}, stop {one}"
    shown = terminal(detail)
    assert f"  {other} USDT " in shown
    assert f"at {other}" in shown
    assert f"stop         {one} (" in shown
    assert f" {one} " in board(step, low)
    for message in alerts(of, low):
        assert message.split("at ")[1].split(" ")[0].rstrip(".") == one
    for message in large(of, low):
        assert message.rpartition(" at ")[2].split(" ")[0] == one
    drawn = charted(of, low, high)
    assert {one, other} <= set(drawn)
    told = embed(of, high, low)
    assert f"Price: {other}" in told
    assert f"stop  {one:>{max(len(one), len(other))}}" in told
    assert f"entry {other:>{max(len(one), len(other))}}" in told
