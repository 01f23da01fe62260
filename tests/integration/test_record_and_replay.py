"""What was recorded is what came, and played again it gives the same documents to the byte."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import Program, command, settings_for

from virtuoso.config import load
from virtuoso.exchange.bybit.feeds import topic_of
from virtuoso.model.catalogue.documents import DOCUMENTS, document_of
from virtuoso.playback.replay import Replay
from virtuoso.recording.files import RecordingError
from virtuoso.recording.reader import read
from virtuoso.recording.records import Answer, ClockRead, Frame, Header, Sent
from virtuoso.wiring.monitor import monitor_parts

pytestmark = pytest.mark.slow

POLLED = ("account-ratio", "funding/history", "open-interest", "recent-trade")


@pytest.fixture(scope="module")
def exchange(shared_exchange: Running) -> Running:
    shared_exchange.clear()
    return shared_exchange


@pytest.fixture(scope="module")
def recording(exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By the command line: the start, until everything that is polled has come, and twelve seconds more."""
    folder, pace = tmp_path_factory.mktemp("recording"), exchange.pace
    line = command("record", str(folder / "day"), "-c", str(settings_for(exchange, folder)), pace=pace)
    with warm.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            pace.begun(process)
            end_s = pace.now_s() + 300
            while not is_whole(folder / "day"):
                assert process.poll() is None, process.communicate()
                assert pace.now_s() < end_s, "not everything was recorded in five minutes"
                pace.sleep(2)
            pace.sleep(12)
            process.send_signal(signal.SIGINT)
            with pace.flowing():
                said, complaints = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, complaints
    assert "0 records dropped" in said
    return folder / "day"


def is_whole(day: Path) -> bool:
    """Whether all that is polled of each symbol was recorded."""
    try:
        asked = Counter(record.path for record in read(day) if isinstance(record, Answer))
    except RecordingError:  # it has not begun
        return False
    return all(asked[f"/v5/market/{path}"] >= 15 for path in POLLED)


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return warm.run(command(*arguments), timeout=60, env={**os.environ, **environment})


def played(recording: Path, exchange: Running, folder: Path, *options: str, **environment: str) -> dict[str, Any]:
    config = settings_for(exchange, folder)
    ended = run("replay", str(recording), "-c", str(config), "--json", *options, **environment)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_everything_on_the_wire_is_kept(recording: Path) -> None:
    records = list(read(recording))
    assert isinstance(records[0], Header)
    asked = Counter((r.path, r.query.get("interval")) for r in records if isinstance(r, Answer))
    assert {interval for path, interval in asked if path.endswith("kline")} >= {"1", "5", "30", "240"}
    for path in ("instruments-info", "tickers", "recent-trade", "account-ratio", "time"):
        assert asked[f"/v5/market/{path}", None] > 0, path
    topics = {topic_of(record.payload) for record in records if isinstance(record, Frame)} - {None}
    assert len({topic for topic in topics if topic and topic.startswith(b"orderbook.50.")}) == 15
    sent = b"".join(record.payload for record in records if isinstance(record, Sent))
    assert all(topic in sent for topic in topics if topic)
    assert any(isinstance(record, ClockRead) for record in records)


def test_a_replay_is_the_same_to_the_byte(recording: Path, exchange: Running, tmp_path: Path) -> None:
    one, other = (played(recording, exchange, tmp_path, PYTHONHASHSEED=seed) for seed in ("0", "4711"))
    slow = played(recording, exchange, tmp_path, "--speed", "10")
    assert one["sha256"] == other["sha256"] == slow["sha256"]
    assert slow["speed"] <= 11  # a busy machine may make it slower than it was asked to be
    assert (one["symbols"], one["failures"]) == (15, 0)
    assert one["cycles"] >= 10
    assert one["frames"] > 500


@pytest.fixture(scope="module")
def player(recording: Path, exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    """It, played in this process: for tests that only look."""
    player = Replay(monitor_parts(load([settings_for(exchange, tmp_path_factory.mktemp("player"))], {})))
    asyncio.run(player.play(read(recording)))
    return player


def test_every_document_of_the_catalogue_is_published(player: Replay) -> None:
    """What a replay publishes, of which its digest is, is what there is: no more and no less."""
    published = {document_of(name).name for name in player.cache.names()}
    assert published == DOCUMENTS.keys()
    for name in player.cache.names():
        document, entry = player.cache.get(name), document_of(name)
        assert document is not None
        schema = tuple[entry.schema, ...] if name == "alerts" else entry.schema  # type: ignore[name-defined]
        msgspec.json.decode(document.body, type=schema)
    alpha = player.cache.get("alpha")
    assert alpha is not None
    assert msgspec.json.decode(alpha.body)["benchmark"] == "BTCUSDT"


def test_what_was_polled_is_replayed_too(recording: Path, player: Replay) -> None:
    """Account ratios, and what the symbols settled: as they came."""
    ratios = [row.long_account_ratio for row in player.cycle.frame().symbols]
    assert len(ratios) == 15
    assert all(ratio is not None and 0 < ratio < 1 for ratio in ratios)
    asked = Counter(record.path for record in read(recording) if isinstance(record, Answer))
    assert asked["/v5/market/funding/history"] == asked["/v5/market/open-interest"] == 15


def test_a_killed_recording_lacks_a_second_at_most(exchange: Running, tmp_path: Path) -> None:
    """`record --while-running`: it records while it serves, and dies by SIGKILL.

    A minute closes between its history and its first frame: what the first pass asks for comes after that frame.
    """
    pace, config = exchange.pace, settings_for(exchange, tmp_path)
    pace.sleep((53 - pace.now_s()) % 60)
    line = command("record", str(tmp_path / "day"), "--while-running", "-c", str(config), pace=pace)
    process = warm.Popen(line, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        pace.begun(process)
        with pace.flowing():
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found
            program = Program(found[0], process, pace)
            program.answer("/health/live")
        program.until("every symbol", lambda: len(scored(program)) == 15, 120)

        def told() -> Any:
            return program.ask("/api/monitoring/status")["recording"]

        program.until("frames are recorded", lambda: told()["bytes"] > 0 < told()["frames"], 60)
        with pace.slowed():  # a thread writes
            recorded = told()
            pace.sleep(1.5)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    assert recorded["path"].endswith("day.0001.vrec.zst")
    assert recorded["name"] == str(tmp_path / "day")
    assert recorded["since"] is not None
    assert recorded["bytes"] > 0 < recorded["frames"]
    assert (recorded["dropped"], recorded["removed"], recorded["failure"]) == (0, 0, None)
    reader = read(tmp_path / "day")
    assert sum(isinstance(record, Frame) for record in reader) >= recorded["frames"]  # all that had come by then
    assert len(reader.truncated) == 1
    assert played(tmp_path / "day", exchange, tmp_path)["symbols"] == 15


def scored(program: Program) -> list[str]:
    return [row["symbol"] for row in program.ask("/api/signals/top?limit=50")["signals"] if row["score"] is not None]


def test_a_recording_that_cannot_be_written_is_one_clear_line(exchange: Running, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    ended = run("record", str(tmp_path / "file" / "day"), "-c", str(settings_for(exchange, tmp_path)), "--for", "5")
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "file" in ended.stderr
    missing = run("replay", str(tmp_path / "nothing"))
    assert missing.returncode == 2
    assert "nothing" in missing.stderr
