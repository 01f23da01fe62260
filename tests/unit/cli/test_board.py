"""The board of `virtuoso top`: what it keeps, and what it shows at every width."""

from typing import Any

import msgspec
import pytest
from rich.console import Console

from virtuoso.cli.terminal.screen import Screen
from virtuoso.model import documents as docs
from virtuoso.model.catalogue import examples
from virtuoso.model.errors import VirtuosoError

FACTORS = {
    "order_flow": 80.0, "order_book": 61.3, "volume": 55.0, "price_structure": 20.0, "technical": None,
    "sentiment": 50.2,
}  # fmt: skip


def board(**signal: Any) -> Screen:
    """A board that heard one signal of the examples, with six factors."""
    made = Screen("http://desk:8002")
    row = {**examples.SIGNALS["signals"][0], "factors": FACTORS, **signal}
    made.take("signals", msgspec.json.encode({**examples.SIGNALS, "signals": [row]}))
    made.take("overview", msgspec.json.encode(examples.OVERVIEW))
    made.take("alerts", msgspec.json.encode([examples.ALERT]))
    made.take("regime", msgspec.json.encode(examples.REGIME))
    made.closes["BTCUSDT"] = (1.0, 2.0, 3.0)
    return made


def shown(heard: Screen, width: int, height: int | None = None, *, whole: bool = False) -> list[str]:
    """The lines it draws."""
    console = Console(width=width, height=50, force_terminal=False)
    with console.capture() as capture:
        console.print(heard.drawn(heard.rows(15, height), whole=whole))
    return capture.get().splitlines()


def test_a_wide_board_shows_everything() -> None:
    text = "\n".join(shown(board(), 200))
    for said in ("BTCUSDT", "HOLD", "57.2", "0.41", "105,989.5", "+2.69 %", "▁▅█", "bullish", "live", "order",
                 "structure", "REPLAY: not the live market", "LAYERUSDT down 3.41 % in 5", "20:46:10 UTC"):  # fmt: skip
        assert said in text


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
def test_no_line_is_longer_than_the_terminal_is_wide(width: int) -> None:
    assert max(len(line.rstrip()) for line in shown(board(), width)) <= width


@pytest.mark.parametrize("width", [26, 30, 39, 60])
def test_the_whole_of_it_is_never_cut_and_fits_a_narrow_terminal(width: int) -> None:
    lines = shown(board(), width, whole=True)
    assert max(len(line.rstrip()) for line in lines) <= width
    words = " ".join(" ".join(lines).split())
    for said in ("http://desk:8002", "20:46:10 UTC", "average", "LAYERUSDT"):
        assert said in words
    assert "…" not in words


def test_what_nothing_was_heard_of_is_not_called_none() -> None:
    heard = Screen("http://desk:8002")
    assert "incidents are not known yet" in "\n".join(shown(heard, 80))
    heard.take("alerts", b"[]")
    assert "no incidents" in "\n".join(shown(heard, 80))


def test_a_narrow_board_says_the_factors_as_numbers_with_a_legend() -> None:
    text = "\n".join(shown(board(), 80))
    assert "OF" in text
    assert "+60" in text
    assert "-60" in text
    assert "OF order flow · OB order book" in text
    assert "▁▅█" not in text


def test_bars_of_one_factor_stand_on_one_middle() -> None:
    heard = board()
    assert heard.signals is not None
    signal = heard.signals.signals[0]
    scores = (0.0, 20.0, 49.0, 50.0, 51.0, 80.0, 100.0)
    rows = tuple(msgspec.structs.replace(signal, factors=dict.fromkeys(FACTORS, score)) for score in scores)
    heard.signals = msgspec.structs.replace(heard.signals, signals=rows)
    middles = [[i for i, c in enumerate(line) if c == "│"] for line in shown(heard, 200) if line.startswith("BTCUSDT")]
    assert len(middles) == len(scores)
    assert {tuple(middle) for middle in middles} == {tuple(middles[0])}
    assert len(middles[0]) == 1 + len(FACTORS)


def test_a_tick_changes_the_price_and_nothing_else() -> None:
    heard = board()
    ticks = docs.Ticks(
        timestamp="", data_source=None, ticks=(docs.Tick(symbol="BTCUSDT", price=1.5, bid=None, ask=None, age_ms=1),)
    )
    before = shown(heard, 120)
    heard.take("ticks", msgspec.json.encode(ticks))
    after = shown(heard, 120)
    assert [a for a, b in zip(after, before, strict=True) if a != b] == [
        next(line for line in before if "BTCUSDT" in line and "HOLD" in line).replace("105,989.5", "      1.5"),
    ]


def test_a_lost_connection_says_how_old_the_data_is() -> None:
    heard = board()
    heard.lost = "connection refused"
    assert [line.rstrip() for line in shown(heard, 120)[:2]] == [
        "connection lost, showing old data of 20:46:10 UTC; trying again", "connection refused",
    ]  # fmt: skip
    assert any("BTCUSDT" in line for line in shown(heard, 120))


def test_rows_are_cut_to_the_height() -> None:
    heard = board()
    assert heard.signals is not None
    many = tuple(msgspec.structs.replace(heard.signals.signals[0], symbol=f"S{i}USDT") for i in range(100))
    heard.signals = msgspec.structs.replace(heard.signals, signals=many)
    heard.alerts = (heard.alerts or ()) * 5
    for height in (20, 40):
        assert len(shown(heard, 80, height)) <= height
        assert len(shown(heard, 200, height)) <= height
    assert len(heard.rows(7)) == 7


def test_a_document_of_another_version_is_an_error_with_the_address() -> None:
    with pytest.raises(VirtuosoError, match="http://desk:8002: `overview` is of another version"):
        board().take("overview", b'{"status": 7}')
