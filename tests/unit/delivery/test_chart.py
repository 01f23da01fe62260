"""Charts: what the picture shows, and that drawing neither holds up the event loop nor outlives its bounds."""

import asyncio
import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from virtuoso.delivery.canvas import Canvas, _font_of, _has, fitted, width
from virtuoso.delivery.chart import Charts, Mark, Picture
from virtuoso.delivery.drawing import render
from virtuoso.delivery.plot import Plot
from virtuoso.delivery.price_axis import APART, spread
from virtuoso.model.alerts.notice import Candles, PriceLevel
from virtuoso.model.text.numbers import Denomination

MINUTE_MS = 60_000
FIRST_MS = 1_790_000_000_000 // MINUTE_MS * MINUTE_MS
TINT = (56, 51, 27)
"""Of a marked bar's ground."""
UP_VOLUME, DOWN_VOLUME = (36, 115, 87), (146, 50, 66)
UP, DOWN, MARKED, REPLAY = (46, 189, 133), (246, 70, 93), (240, 185, 11), (245, 166, 35)
PATIENT_S = 60.0


def candles(count: int = 60, *, scale: float = 100.0, rising: bool = True) -> Candles:
    steps = np.arange(count, dtype=float)
    opened = scale * (1 + 0.001 * (steps if rising else -steps))
    closed = opened * (1.0008 if rising else 0.9992)
    times = tuple(int(FIRST_MS + n * MINUTE_MS) for n in range(count))
    high, low = np.maximum(opened, closed) * 1.0005, np.minimum(opened, closed) * 0.9995
    return Candles("1m", times, *(tuple(row.tolist()) for row in (opened, high, low, closed)))


def picture(shown: Candles | None = None, **changes: object) -> Picture:
    return Picture(**{"title": "BTCUSDT · 1m", "candles": shown or candles(), **changes})  # type: ignore[arg-type]


def pixels(png: bytes) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"), dtype=np.int16)


def counted(png: bytes, colour: tuple[int, int, int]) -> int:
    """Pixels that have the colour."""
    return int(having(png, colour).sum())


def having(png: bytes, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    """[900, 1600]: which pixels have the colour."""
    return np.asarray(np.abs(pixels(png) - np.array(colour, dtype=np.int16)).max(axis=2) <= 2)


def rows(png: bytes, colour: tuple[int, int, int]) -> NDArray[np.intp]:
    """Rows left of the price axis with three or more pixels of the colour, from the top."""
    return np.flatnonzero(having(png, colour)[80:, :1300].sum(axis=1) >= 3) + 80


def columns(png: bytes, colour: tuple[int, int, int]) -> NDArray[np.intp]:
    """Columns with ten or more pixels of the colour, from the left."""
    return np.flatnonzero(having(png, colour).sum(axis=0) >= 10)


@pytest.fixture(scope="module")
def bare() -> bytes:
    """A chart with nothing but its bars."""
    return render(picture())


class TestPicture:
    def test_it_has_the_size_and_shows_bars_in_their_colours(self, bare: bytes) -> None:
        up, down = bare, render(picture(candles(rising=False)))
        assert pixels(up).shape == (900, 1600, 3)
        assert counted(up, UP) > 10 * counted(up, DOWN)
        assert counted(down, DOWN) > 10 * counted(down, UP)

    def test_levels_marks_and_the_source_are_shown(self, bare: bytes) -> None:
        level = render(picture(levels=(PriceLevel("support", 99.0), PriceLevel("entry", 102.0)), source="replay"))
        mark = render(picture(marks=(Mark(FIRST_MS + 30 * MINUTE_MS, "whale", True),)))
        assert counted(level, MARKED) > counted(bare, MARKED) + 500
        assert counted(level, REPLAY) > counted(bare, REPLAY) + 2000
        assert counted(mark, MARKED) > counted(bare, MARKED) + 200

    @pytest.mark.parametrize("at", [0, 59])
    def test_a_mark_stands_at_the_bar_of_its_time(self, bare: bytes, at: int) -> None:
        marked = render(picture(marks=(Mark(FIRST_MS + at * MINUTE_MS + 20_000, "x", None),)))
        assert counted(bare, TINT) == 0
        # the plot is 1.5 % to 82 % of the width: one bar before the first one's middle to three after the last one's
        expected = 1600 * (0.015 + 0.805 * (at + 1) / 63)
        across = columns(marked, TINT)
        assert abs((across.min() + across.max()) / 2 - expected) < 2
        assert across.max() - across.min() == pytest.approx(1600 * 0.805 / 63, abs=3)

    def test_names_of_marks_cover_neither_candles_nor_each_other(self) -> None:
        near = tuple(Mark(FIRST_MS + (40 + n) * MINUTE_MS, f"volume spike {n}", True) for n in range(3))
        one = render(picture(marks=near[:1]))
        # MARKED is the names' colour: their lines are above the highest candle, and there are three of them
        for png, lines in ((one, 1), (render(picture(marks=near)), 3)):
            written = rows(png, MARKED)
            assert written.max() < rows(png, UP)[0]
            assert len(np.split(written, np.flatnonzero(np.diff(written) > 5) + 1)) == lines
        apart = tuple(Mark(FIRST_MS + n * MINUTE_MS, "volume spike", True) for n in (5, 40))
        assert np.ptp(rows(render(picture(marks=apart)), MARKED)) < 34, "there is room for both in one line"

    def test_prices_are_where_they_belong(self) -> None:
        times = tuple(FIRST_MS + n * MINUTE_MS for n in range(4))
        opened, closed = (10.0, 10.0, 12.0, 12.0), (12.0, 14.0, 11.0, 12.0)
        shown = Candles("1m", times, opened, tuple(map(max, opened, closed)), tuple(map(min, opened, closed)), closed)
        png = render(picture(shown))
        each = 1600 * 0.805 / 7
        spans = []
        for n, shade in enumerate((UP, UP, DOWN, UP)):
            middle = round(1600 * 0.015 + each * (n + 1)) + 12
            down = np.flatnonzero(having(png, shade)[:, middle])
            spans.append((down.min(), down.max() + 1))
        (top, bottom), (higher, same), (below, low), (flat, thin) = spans
        unit = (bottom - top) / 2
        assert bottom == pytest.approx(same, abs=1)
        assert same - higher == pytest.approx(4 * unit, abs=2)
        assert (below, low) == pytest.approx((top, top + unit), abs=2)
        assert flat == pytest.approx(top, abs=1)
        assert 2 <= thin - flat <= 3, "a bar that closed where it opened is seen"

    def test_volume_is_as_high_as_it_is_much(self, bare: bytes) -> None:
        shown = candles(6)
        volumes = (100.0, 50.0, 25.0, float("nan"), 0.0, 100.0)
        png = render(picture(msgspec.structs.replace(shown, volume=volumes)))
        each = 1600 * 0.805 / 9
        found = having(png, UP_VOLUME)
        heights = [int(found[:, round(1600 * 0.015 + each * (n + 1))].sum()) for n in range(6)]
        assert heights[1] == pytest.approx(heights[0] / 2, abs=2)
        assert heights[2] == pytest.approx(heights[0] / 4, abs=2)
        assert heights[3:] == [0, 0, heights[0]]
        assert rows(png, UP).max() < rows(png, UP_VOLUME).min() < 836, "candles are above it"
        falling = msgspec.structs.replace(candles(rising=False), volume=(1.0,) * 60)
        assert counted(render(picture(falling)), DOWN_VOLUME) > 10_000
        assert max(counted(bare, UP_VOLUME), counted(bare, DOWN_VOLUME)) < 100, "if unknown, there are edges of letters"

    def test_the_least_and_the_most_that_can_be_traded(self) -> None:
        for volume in (5e-324, 1e-9, 999.5, 1e300):
            png = render(picture(msgspec.structs.replace(candles(4), volume=(volume,) * 4)))
            assert counted(png, UP_VOLUME) > 1000

    def test_a_mark_out_of_sight_and_a_far_level_change_no_scale(self, bare: bytes) -> None:
        assert render(picture(marks=(Mark(FIRST_MS - 10**9, "x"),))) == bare
        far = render(picture(levels=(PriceLevel("stop", 1.0), PriceLevel("nan", float("nan")))))
        assert counted(far, UP) == pytest.approx(counted(bare, UP), rel=0.05)

    @pytest.mark.parametrize("scale", [1e-8, 1e9])
    def test_any_scale_and_hostile_texts(self, scale: float) -> None:
        hostile = "$\\frac{1}{0}$ \x00\u202e\ud800 漢字 " + "A" * 10_000
        levels = tuple(PriceLevel(hostile, scale * (1 + n / 1000)) for n in range(12))
        marks = tuple(Mark(FIRST_MS + n * MINUTE_MS, hostile) for n in range(9))
        png = render(picture(candles(scale=scale), title=hostile, levels=levels, marks=marks, source=hostile))
        assert counted(png, UP) > 1000

    def test_prices_have_the_decimals_of_their_tick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        written: list[str] = []
        text = Canvas.text

        def noted(canvas: Canvas, x: float, y: float, shown: str, *arguments: Any, **options: Any) -> float:
            written.append(shown)
            return text(canvas, x, y, shown, *arguments, **options)

        monkeypatch.setattr(Canvas, "text", noted)
        shown = msgspec.structs.replace(candles(), volume=(1.0,) * 60)
        coin = Denomination(tick_size=0.25, base="BTC")
        render(picture(shown, levels=(PriceLevel("stop", 101.5),), denomination=coin))
        assert {"101.50", "volume BTC"} <= set(written)
        prices = [shown for shown in written if re.fullmatch(r"\d+\.\d+", shown)]
        assert len(prices) > 5
        assert {len(price.partition(".")[2]) for price in prices} <= {2, 3}, "three between ticks, as the last price is"

    def test_odd_bars(self) -> None:
        flat = Candles("1m", (FIRST_MS, FIRST_MS + MINUTE_MS), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))
        assert counted(render(picture(flat)), UP) > 100
        nan = float("nan")
        times = tuple(FIRST_MS + n * MINUTE_MS for n in range(3))
        gap = Candles("1m", times, (1.0, nan, 1.1), (1.2, nan, 1.2), (0.9, nan, 1.0), (1.1, nan, 1.15))
        assert counted(render(picture(gap)), UP) > 100
        with pytest.raises(ValueError, match="1 bars"):
            render(picture(candles(1)))

    def test_drawing_is_quick(self) -> None:
        busy = picture(candles(240), levels=tuple(PriceLevel("wall", 100.0 + n) for n in range(6)), source="replay")
        began = time.process_time()
        render(busy)
        assert time.process_time() - began < 0.6, "0.1 s, and five times as much for a slow machine"


@given(st.lists(st.floats(0, 900), min_size=1, max_size=12))
def test_tags_keep_apart_and_in_order(wanted: list[float]) -> None:
    placed = spread(wanted, APART, 100.0, 700.0)
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    assert (np.diff([placed[one] for one in order]) >= APART - 1e-9).all()
    assert min(placed) >= 100 - 1e-9
    assert max(placed) <= 700 + 1e-9
    assert spread([min(wanted) + 100], APART, 0.0, 1000.0) == [min(wanted) + 100]
    free = [min(max(one, 100.0), 700.0) for one in sorted(wanted)]
    if (np.diff(free) >= APART).all():
        assert sorted(placed) == free


@given(st.floats(1e-12, 1e12), st.floats(1e-6, 1.0))
def test_round_prices_are_within_and_as_many_as_can_be_read(low: float, part: float) -> None:
    high = low * (1 + part)
    prices = Plot(0.0, 1.0, 0.0, 1.0, 0.0, 1.0, low, high).round_prices()
    assert 2 <= len(prices) <= 9
    assert all(low * (1 - 1e-9) <= price <= high * (1 + 1e-9) for price in prices)


@given(st.integers(0, 2_000_000_000_000), st.integers(2, 90 * 24 * 60))
def test_round_times_are_within_and_as_many_as_can_be_read(first_ms: int, minutes: int) -> None:
    last_ms = first_ms + minutes * MINUTE_MS
    times, step = Plot(0.0, 1.0, 0.0, 1.0, first_ms, last_ms, 0.0, 1.0).round_times()
    assert 1 <= len(times) <= 17
    assert all(first_ms <= at <= last_ms and at % (step * MINUTE_MS) == 0 for at in times)


class TestLetters:
    def written(self, text: str) -> NDArray[np.bool_]:
        canvas = Canvas((0, 0, 0))
        canvas.text(100, 100, text, (255, 255, 255), 40.0)
        return np.asarray(pixels(canvas.png())[:, :, 0] > 128)

    def test_what_no_font_has_is_a_shape(self) -> None:
        box = self.written("\ue000")
        assert (box == self.written("\ue001")).all()
        assert 100 < box.sum() < 500, "an empty box"
        up, down, right = (self.written(arrow) for arrow in "↑↓→")
        middles = [np.average(np.arange(900), weights=one.sum(axis=1)) for one in (up, down, right)]
        assert middles[0] < middles[2] - 2 < middles[1] - 4
        assert (up == self.written("▲")).all()

    def test_accents_are_lost_rather_than_letters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("virtuoso.delivery.canvas._MORE_FONTS", ())
        for cache in (_font_of, _has):
            cache.cache_clear()
        try:
            assert (self.written("résumé − Å") == self.written("resume - A")).all()
            assert (self.written("Ω") == self.written("\ue000")).all()
        finally:
            for cache in (_font_of, _has):
                cache.cache_clear()

    @given(st.text(max_size=300), st.floats(30, 600))
    def test_a_text_is_cut_to_its_room(self, text: str, room: float) -> None:
        shown = fitted(text, 20.0, room)
        assert width(shown, 20.0) <= room
        assert shown == text or shown.endswith("…")


class TestProcess:
    async def test_one_process_draws_all_and_is_replaced_when_it_hangs_or_has_ended(self) -> None:
        charts = Charts(limit_s=0.001)
        try:
            assert await charts.draw(picture()) is None  # given up, while the start goes on
            starting = charts._starting
            charts._limit_s = PATIENT_S
            assert counted(await charts.draw(picture()) or b"", UP) > 1000
            first = charts._process
            assert first is not None
            assert starting is not None
            assert starting.result() is first
            assert await charts.draw(picture(candles(1))) is None
            usual = await self._lags_while(asyncio.create_task(asyncio.sleep(0.1, b"nothing")))
            lags = await self._lags_while(asyncio.create_task(charts.draw(picture())))
            assert median(lags) < 0.02 + 4 * median(usual), "on a busy machine it is late without a picture, too"
            assert charts._process is first
            os.kill(first.pid, signal.SIGSTOP)
            charts._limit_s = 0.3
            assert await charts.draw(picture()) is None
            assert first.returncode is not None
            charts._limit_s, charts._idle_s = PATIENT_S, 0.3
            assert await charts.draw(picture()) is not None
            idle = charts._process
            assert idle is not None
            async with asyncio.timeout(PATIENT_S):
                await idle.wait()  # by itself: nobody asks
            charts._idle_s = PATIENT_S
            assert await charts.draw(picture()) is not None
            last = charts._process
            assert last is not None
            assert last is not idle
        finally:
            await charts.close()
        assert last.returncode is not None

    async def _lags_while(self, drawing: asyncio.Task[bytes | None]) -> list[float]:
        """How much later than asked for the loop went on, seconds, again and again until the picture is there."""
        lags = []
        while not drawing.done():
            began = time.perf_counter()
            await asyncio.sleep(0.002)
            lags.append(time.perf_counter() - began - 0.002)
        assert await drawing is not None
        assert len(lags) > 3, "the loop goes on: a picture takes 20 ms and more"
        return lags

    async def test_closed_while_it_starts(self) -> None:
        charts = Charts(limit_s=0.001)
        assert await charts.draw(picture()) is None
        await charts.close()
        assert charts._process is None
        assert charts._starting is None


_OWNER = """
import asyncio, os, sys
from virtuoso.delivery.chart import Charts, Picture
from virtuoso.delivery.channels.discord.channel import DiscordChannel
from virtuoso.model.alerts.notice import Candles

async def main():
    charts = Charts(limit_s=60)
    shown = Picture(title="x", candles=Candles("1m", (0, 60000), (1., 2.), (3., 3.), (1., 1.), (2., 1.5)))
    assert await charts.draw(shown)
    assert "PIL" not in sys.modules
    environment = open(f"/proc/{charts._process.pid}/environ").read()
    assert "SECRET" not in environment and "canary" not in environment
    print(charts._process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_it_goes_with_its_owner_and_is_given_no_secret_and_no_drawing_stays_with_him() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_OWNER)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "SECRET_WEBHOOK": "canary"},
    )  # fmt: skip
    assert owner.stdout is not None
    with owner.stdout:
        pid = int(owner.stdout.readline())
        owner.kill()
        owner.wait()
    began = time.monotonic()
    while _runs(pid):
        assert time.monotonic() - began < PATIENT_S, "the process that draws is left over"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
