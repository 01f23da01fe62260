"""`virtuoso validate` beside a program: in good weather it passes; the report names each fault of the exchange."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support import warm
from tests.support.program import command
from tests.support.validation import evidence, told
from tests.support.watcher import Watcher

from virtuoso.operations.validate.folder import read_samples
from virtuoso.operations.validate.judgement import judged
from virtuoso.operations.validate.report import Report, Verdict

pytestmark = pytest.mark.slow

Weather = Callable[[], None]


def validated(
    watcher: Watcher, folder: Path, seconds: int, weather: Weather = lambda: None
) -> tuple[int, Report]:  # fmt: skip
    """Let a window pass, with some weather in it; the exit code and the report."""
    pace, out = watcher.program.pace, folder / "report.json"
    arguments = ("--url", watcher.program.url, "--window", f"{seconds}s", "--format", "json", "-o", str(out))
    log = (folder / "log").open("w")
    process = warm.Popen(
        command("validate", *arguments, "--save", str(folder / "samples"), pace=pace),
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
    )  # fmt: skip
    try:
        pace.begun(process)
        pace.until("the first samples", (folder / "samples" / "status.jsonl").exists, 30)
        weather()
        with pace.flowing():
            code = process.wait(120)
    finally:
        process.kill()
        process.wait()
        log.close()
    assert out.exists(), (folder / "log").read_text()
    return code, msgspec.json.decode(out.read_bytes(), type=Report)


def test_in_good_weather_it_passes(watcher: Watcher, tmp_path: Path) -> None:
    code, report = validated(watcher, tmp_path, 25)
    assert (code, told(report, Verdict.FAIL)) == (0, {}), evidence(report)
    assert judged(read_samples(tmp_path / "samples")) == report
    assert {route.split("?")[0] for route in report.requests} >= {"GET /health", "GET /api/stream", "GET /docs"}
    passed = told(report, Verdict.PASS)
    for test in (
        "cycles × interval fill the window",
        "what is called live is the exchange's price",
        "one monitor runs",
    ):
        assert test in passed, told(report, Verdict.UNKNOWN)
    by_hand = warm.run(command("validate", "--samples", str(tmp_path / "samples"), "--format", "html"), timeout=60)
    assert by_hand.returncode == 0
    assert "<h1>Validation report</h1>" in by_hand.stdout


def test_ctrl_c_gives_a_partial_report_that_does_not_pass(watcher: Watcher, tmp_path: Path) -> None:
    out = tmp_path / "report.md"
    pace = watcher.program.pace
    process = warm.Popen(
        command("validate", "--url", watcher.program.url, "--save", str(tmp_path / "s"), "-o", str(out), pace=pace),
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    pace.begun(process)
    pace.until("the first samples", (tmp_path / "s" / "status.jsonl").exists, 30)
    pace.sleep(5)
    process.send_signal(signal.SIGINT)
    with pace.flowing():
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "PARTIAL" in said.splitlines()[-1]
    assert "PARTIAL: the window was ended before it was over." in out.read_text()


def ordered(watcher: Watcher, *faults: dict[str, Any], apart_s: float = 0.0) -> Weather:
    """Order faults, so many seconds one after the other."""

    def weather() -> None:
        for fault in faults:
            watcher.order(**fault)
            watcher.sleep(apart_s)

    return weather


BOOKS = [f"orderbook.50.{symbol}" for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")]


def test_broken_frames_are_named_by_topic_and_reason(watcher: Watcher, tmp_path: Path) -> None:
    kinds = ("drop_delta", "duplicate_delta", "reorder_delta", "cross_delta")
    broken = [{"fault": kind, "topic": topic} for kind, topic in zip(kinds, BOOKS, strict=True)]
    damaged = [
        {"fault": "truncated", "topic": "tickers.BTCUSDT", "share": 0.5, "for_s": 5},
        {"fault": "malformed", "topic": "tickers.ETHUSDT", "share": 0.5, "for_s": 5},
        {"fault": "unknown_topic", "share": 0.2, "for_s": 5},
    ]
    report = validated(watcher, tmp_path, 20, ordered(watcher, *broken, *damaged))[1]
    again = told(report, Verdict.OBSERVED)["no book or ticker had to be asked for anew"]
    for topic in BOOKS[:3]:
        assert f"{topic} 1 time (u: does not follow" in again
    assert f"{BOOKS[3]} 1 time (b, a: crossed" in again
    refused = told(report, Verdict.FAIL, Verdict.OBSERVED)["frames can be believed"]
    assert "tickers.ETHUSDT: frame: not JSON" in refused
    assert "frames of unknown topics" in told(report, Verdict.OBSERVED)["every frame is of a topic that was asked for"]
