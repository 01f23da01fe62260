"""What was served live is what the recorded frames give when they are played again: every score, label and input."""

import asyncio
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support import warm
from tests.support.exchange import Running
from tests.support.pace import Pace
from tests.support.program import Program, command, settings_for
from tests.support.soak import SOAK

from virtuoso.config import load
from virtuoso.model.clock import iso
from virtuoso.playback.replay import Replay
from virtuoso.recording.reader import read
from virtuoso.wiring.monitor import monitor_parts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SYMBOLS = ("BTCUSDT", "ETHUSDT", "LAYERUSDT")
CLOSES = 2 if SOAK else 1
Said = dict[tuple[str, str], tuple[Any, ...]]


def _early_in_a_minute(pace: Pace) -> None:
    """A start that a close falls into asks for history on both sides of it, and a recording begins after its first."""
    pace.sleep(62 - pace.now_s() % 60)


def _served(program: Program, said: Said, symbol: str) -> None:
    document = program.ask(f"/api/symbols/{symbol}")
    row = document["signal"]
    said[symbol, row["timestamp"]] = (
        document["input_hash"], row["score"], row["band"], row["coverage"], row["signal"], row["confidence"],
        document["forecast"],
    )  # fmt: skip


def _live(config: Path, recording: Path, pace: Pace) -> Said:
    """Record while serving, over two closes; what was served of each."""
    arguments = ("record", str(recording), "--while-running", "-c", str(config))
    process = warm.Popen(command(*arguments, pace=pace), stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    said: Said = {}
    try:
        assert process.stdout is not None
        pace.begun(process)
        address = None
        with pace.slowed():  # no close may fall into the start, which is work and not waiting
            with pace.flowing():
                while address is None:
                    line = process.stdout.readline()
                    assert line, "the program ended"
                    address = re.search(r"http://127\.0\.0\.1:\d+", line)
                program = Program(address[0], process, pace)
                program.answer("/health/live")
            program.until("the first signals", lambda: program.answer("/health")[0] == 200, 50)
        give_up_s = pace.now_s() + 60 * (CLOSES + 2)
        while len({close for _, close in said}) <= CLOSES:
            assert pace.now_s() < give_up_s, said
            for symbol in SYMBOLS:
                _served(program, said, symbol)
            pace.sleep(2)  # what counts of a close is what was said of it last
        pace.sleep(1.5)
        for symbol in SYMBOLS:
            _served(program, said, symbol)
    finally:
        process.send_signal(signal.SIGTERM)
        with pace.flowing():
            process.wait(20)
        if process.stdout is not None:
            process.stdout.close()
    return said


def _replayed(config: Path, recording: Path) -> Said:
    player, said = Replay(monitor_parts(load([config], {}))), Said()
    run = player.cycle.run

    async def run_and_note() -> None:
        await run()
        for symbol in SYMBOLS:
            if (evaluation := player.cycle.evaluations.get(symbol)) is not None:
                reading = evaluation.reading(symbol)
                close = iso(reading.close_ms) or ""
                said[symbol, close] = (
                    reading.input_hash, reading.score, str(reading.band), reading.coverage, reading.signal,
                    reading.confidence, msgspec.json.decode(msgspec.json.encode(reading.forecast)),
                )  # fmt: skip

    player.cycle.run = run_and_note  # type: ignore[method-assign]
    asyncio.run(player.play(read(recording)))
    return said


def test_all_signals_equal_a_replay_of_the_recorded_frames(exchange: Running, tmp_path: Path) -> None:
    config = settings_for(exchange, tmp_path)
    _early_in_a_minute(exchange.pace)
    live = _live(config, tmp_path / "day", exchange.pace)
    replayed = _replayed(config, tmp_path / "day")
    # The close before the first frame was analysed at the start from answers alone; later ones from frames.
    closes = sorted({close for _, close in live})[1:]
    assert len(closes) >= CLOSES
    compared = {key: value for key, value in live.items() if key[1] in closes}
    assert compared
    for key, value in compared.items():
        assert replayed[key] == value, key
