"""Charts: what the picture shows, and that drawing neither holds up the event loop nor outlives its bounds."""

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from virtuoso.delivery.chart import Charts, Mark, Picture
from virtuoso.model.alerts.notice import Candles, PriceLevel

MINUTE_MS = 60_000
FIRST_MS = 1_790_000_000_000 // MINUTE_MS * MINUTE_MS
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
    return int((np.abs(pixels(png) - np.array(colour, dtype=np.int16)).max(axis=2) <= 2).sum())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests: the list of fonts is made once."""
    return tmp_path_factory.getbasetemp() / "matplotlib"


@pytest.fixture(scope="module")
def render(folder: Path) -> Callable[[Picture], bytes]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(folder))
        from virtuoso.delivery.drawing import render
    return render


@pytest.fixture(scope="module")
def bare(render: Callable[[Picture], bytes]) -> bytes:
    """A chart with nothing but its bars."""
    return render(picture())


class TestPicture:
    def test_it_has_the_size_and_shows_bars_in_their_colours(
        self, render: Callable[[Picture], bytes], bare: bytes
    ) -> None:
        up, down = bare, render(picture(candles(rising=False)))
        assert pixels(up).shape == (900, 1600, 3)
        assert counted(up, UP) > 10 * counted(up, DOWN)
        assert counted(down, DOWN) > 10 * counted(down, UP)

    def test_levels_marks_and_the_source_are_shown(self, render: Callable[[Picture], bytes], bare: bytes) -> None:
        level = render(picture(levels=(PriceLevel("support", 99.0), PriceLevel("entry", 102.0)), source="replay"))
        mark = render(picture(marks=(Mark(FIRST_MS + 30 * MINUTE_MS, "whale", True),)))
        assert counted(level, MARKED) > counted(bare, MARKED) + 500
        assert counted(level, REPLAY) > counted(bare, REPLAY) + 2000
        assert counted(mark, MARKED) > counted(bare, MARKED) + 200

    @pytest.mark.parametrize("at", [0, 59])
    def test_a_mark_stands_at_the_bar_of_its_time(
        self, render: Callable[[Picture], bytes], bare: bytes, at: int
    ) -> None:
        marked = render(picture(marks=(Mark(FIRST_MS + at * MINUTE_MS + 20_000, "x", None),)))
        tinted = np.abs(pixels(marked) - pixels(bare)).max(axis=2).sum(axis=0)
        middle = np.average(np.arange(1600), weights=tinted > np.percentile(tinted, 99.4))
        # the plot goes from 1.5 % to 82 % of the width and from one bar before the first to three after the last
        expected = 1600 * (0.015 + 0.805 * (at + 1.5) / 63.5)
        assert abs(middle - expected) < 14

    def test_a_mark_out_of_sight_and_a_far_level_change_no_scale(
        self, render: Callable[[Picture], bytes], bare: bytes
    ) -> None:
        assert render(picture(marks=(Mark(FIRST_MS - 10**9, "x"),))) == bare
        far = render(picture(levels=(PriceLevel("stop", 1.0), PriceLevel("nan", float("nan")))))
        assert counted(far, UP) == pytest.approx(counted(bare, UP), rel=0.05)

    @pytest.mark.parametrize("scale", [1e-8, 1e9])
    def test_any_scale_and_hostile_texts(self, render: Callable[[Picture], bytes], scale: float) -> None:
        hostile = "$\\frac{1}{0}$ \x00\u202e\ud800 漢字 " + "A" * 10_000
        levels = tuple(PriceLevel(hostile, scale * (1 + n / 1000)) for n in range(12))
        marks = tuple(Mark(FIRST_MS + n * MINUTE_MS, hostile) for n in range(9))
        png = render(picture(candles(scale=scale), title=hostile, levels=levels, marks=marks, source=hostile))
        assert counted(png, UP) > 1000

    def test_odd_bars(self, render: Callable[[Picture], bytes]) -> None:
        flat = Candles("1m", (FIRST_MS, FIRST_MS + MINUTE_MS), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))
        assert counted(render(picture(flat)), UP) > 100
        nan = float("nan")
        times = tuple(FIRST_MS + n * MINUTE_MS for n in range(3))
        gap = Candles("1m", times, (1.0, nan, 1.1), (1.2, nan, 1.2), (0.9, nan, 1.0), (1.1, nan, 1.15))
        assert counted(render(picture(gap)), UP) > 100
        with pytest.raises(ValueError, match="1 bars"):
            render(picture(candles(1)))

    def test_drawing_is_quick(self, render: Callable[[Picture], bytes]) -> None:
        busy = picture(candles(240), levels=tuple(PriceLevel("wall", 100.0 + n) for n in range(6)), source="replay")
        began = time.process_time()
        render(busy)
        assert time.process_time() - began < 0.6, "0.3 s, and as much for a slow machine"


def test_tags_keep_apart_and_in_order() -> None:
    from virtuoso.delivery.price_axis import APART, _spread

    for heights in ([0.5] * 8, [0.02, 0.02, 0.03, 0.98, 0.97, 0.5], [0.1, 0.9], [0.98] * 8, [0.3, 0.31, 0.36, 0.37]):
        placed = _spread(heights)
        order = sorted(range(len(heights)), key=heights.__getitem__)
        gaps = np.diff([placed[one] for one in order])
        assert (gaps >= APART - 1e-9).all(), heights
        assert min(placed) >= -1e-9
        assert max(placed) <= 1 + 1e-9
    assert _spread([0.1, 0.9]) == [0.1, 0.9]


class TestProcess:
    async def test_one_process_draws_all_and_is_replaced_when_it_hangs_or_has_ended(self, folder: Path) -> None:
        charts = Charts(folder, limit_s=0.001)
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
            lags = await self._lags_while(asyncio.create_task(charts.draw(picture())))
            assert sorted(lags)[len(lags) // 2] < 0.02
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
        assert len(lags) > 10
        return lags

    async def test_closed_while_it_starts(self, folder: Path) -> None:
        charts = Charts(folder, limit_s=0.001)
        assert await charts.draw(picture()) is None
        await charts.close()
        assert charts._process is None
        assert charts._starting is None


_OWNER = """
import asyncio, os, sys
from pathlib import Path
from virtuoso.delivery.chart import Charts, Picture
from virtuoso.delivery.channels.discord.channel import DiscordChannel
from virtuoso.model.alerts.notice import Candles

async def main():
    charts = Charts(Path(sys.argv[1]), limit_s=60)
    shown = Picture(title="x", candles=Candles("1m", (0, 60000), (1., 2.), (3., 3.), (1., 1.), (2., 1.5)))
    assert await charts.draw(shown)
    assert "matplotlib" not in sys.modules
    environment = open(f"/proc/{charts._process.pid}/environ").read()
    assert "SECRET" not in environment and "canary" not in environment
    print(charts._process.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_it_goes_with_its_owner_and_is_given_no_secret_and_no_matplotlib_stays_with_him(folder: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_OWNER), str(folder)], stdout=subprocess.PIPE, text=True,
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
