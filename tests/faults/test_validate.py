"""`virtuoso validate` beside a program: in good weather it passes; the report names each fault of the exchange."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support import warm
from tests.support.program import command, settings_for
from tests.support.validation import evidence, told
from tests.support.watcher import UNIVERSE, Watcher

from virtuoso.operations.validate.folder import read_samples
from virtuoso.operations.validate.judgement import judged
from virtuoso.operations.validate.report import Report, Verdict
from virtuoso.simulator.faults import _NEEDS

pytestmark = pytest.mark.slow

OF_THE_MACHINE = {
    "every route answers within a second", "the exchange answers in time", "cycles come as often as configured",
    "no cycle is left out", "as many cycles are counted as were due", "frames come in time",
    "no feed is away for longer than 15 s", "it reports nothing wrong with itself", "it is healthy by its own word",
}  # fmt: skip
"""What may fail where time passes ten times as fast and the machine is busy."""

Weather = Callable[[], None]


def validated(
    watcher: Watcher, folder: Path, seconds: int, weather: Weather = lambda: None, *more: str
) -> tuple[int, Report]:  # fmt: skip
    """Let a window pass, with some weather in it and more options; the exit code and the report."""
    pace, out = watcher.program.pace, folder / "report.json"
    arguments = ("--url", watcher.program.url, "--window", f"{seconds}s", "--format", "json", "-o", str(out), *more)
    log = (folder / "log").open("w")
    process = warm.Popen(
        command("validate", *arguments, "--save", str(folder / "samples"), pace=pace),
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
    )  # fmt: skip
    try:
        pace.begun(process)
        pace.until("the first samples", (folder / "samples" / "exchange.jsonl").exists, 30)
        weather()
        with pace.flowing():
            code = process.wait(120)
    finally:
        process.kill()
        process.wait()
        log.close()
    assert out.exists(), (folder / "log").read_text()
    return code, msgspec.json.decode(out.read_bytes(), type=Report)


def test_in_good_weather_nothing_fails(watcher: Watcher, tmp_path: Path) -> None:
    """What fails only because the machine is busy is no matter here: the unit tests hold what is judged of times."""
    config = settings_for(watcher.exchange, tmp_path, UNIVERSE)
    code, report = validated(watcher, tmp_path, 25, lambda: None, "-c", str(config), "--send-test-alert")
    wrong = told(report, Verdict.FAIL)
    assert code == int(bool(wrong))
    assert wrong.keys() <= OF_THE_MACHINE, evidence(report)
    passed = told(report, Verdict.PASS)
    for test in (
        "cycles × interval fill the window",
        "what is called live is the exchange's price",
        "one monitor runs",
    ):
        assert test in passed, told(report, Verdict.UNKNOWN)
    assert {route.split("?")[0] for route in report.requests} >= {"GET /health", "GET /api/stream", "GET /docs"}
    assert judged(read_samples(tmp_path / "samples")) == report
    by_hand = warm.run(command("validate", "--samples", str(tmp_path / "samples"), "--format", "html"), timeout=60)
    assert by_hand.returncode == code
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


CASES: dict[str, tuple[int, float, list[dict[str, Any]], dict[str, tuple[str, ...]]]] = {
    "frames": (
        20, 0.0,
        [
            {"fault": "drop_delta", "topic": BOOKS[0]}, {"fault": "duplicate_delta", "topic": BOOKS[1]},
            {"fault": "reorder_delta", "topic": BOOKS[2]}, {"fault": "cross_delta", "topic": BOOKS[3]},
            {"fault": "truncated", "topic": "tickers.BTCUSDT", "share": 0.5, "for_s": 5},
            {"fault": "malformed", "topic": "tickers.ETHUSDT", "share": 0.5, "for_s": 5},
            {"fault": "unknown_topic", "share": 0.2, "for_s": 5},
        ],
        {
            "no book or ticker had to be asked for anew": (*BOOKS, "u: does not follow", "b, a: crossed"),
            "frames can be believed": ("tickers.BTCUSDT: frame: not JSON", "tickers.ETHUSDT: frame: not JSON"),
            "every frame is of a topic that was asked for": ("of unknown topics",),
        },
    ),
    "numbers": (
        40, 0.0,
        [
            {"fault": "empty_numbers", "topic": "tickers.ETHUSDT", "for_s": 10},
            {"fault": "missing_numbers", "topic": "tickers.BTCUSDT", "for_s": 40},
            {"fault": "mute_topic", "topic": BOOKS[3], "for_s": 30},
            {"fault": "restart_book", "topic": BOOKS[2]},
        ],
        {
            "numbers that were told go on being told": ("lastPrice ×",),
            "prices move when the exchange's move": ("price of BTCUSDT stood for",),
            "no topic is mute": (BOOKS[3],),
            "books are numbered upwards": ("SOLUSDT from",),
        },
    ),
    "mute": (
        25, 0.0, [{"fault": "mute", "for_s": 18}],
        {"it reports nothing wrong with itself": ("stale_feed at", "connected, but no data")},
    ),
    "latency": (
        20, 0.0, [{"fault": "latency", "latency_ms": 3_000, "jitter_ms": 300, "for_s": 15}],
        {"frames come in time": ("delayed: ", "orderbook.50."), "the exchange answers in time": ("slowest ",)},
    ),
    "frozen time": (
        35, 0.0, [{"fault": "frozen_time", "for_s": 28}],
        {
            "the exchange's clock goes on": ("it stood still from",),
            "it reports nothing wrong with itself": ("exchange_clock at",),
        },
    ),
    "skew": (
        25, 0.0, [{"fault": "clock_skew", "skew_ms": 7_000, "for_s": 60}],
        {
            "the exchange's clock does not jump": ("it jumped by ",),
            "it reports nothing wrong with itself": ("clock_skew at",),
        },
    ),
    "maintenance": (
        20, 0.0, [{"fault": "maintenance", "for_s": 12}],
        {"the exchange answers": ("status 503: maintenance",), "the exchange serves": ("maintenance: HTTP 503",)},
    ),
    "lost sockets": (
        25, 0.0, [{"fault": "slow_accept", "latency_ms": 4_500, "for_s": 4}, {"fault": "disconnect"}],
        {
            "connections hold": ("topics without a connection",),
            "it reports nothing wrong with itself": ("stale_feed at", "closed by the exchange"),
        },
    ),
    "symbols": (
        100, 0.0,
        [
            {"fault": "missing_minutes", "symbol": "SOLUSDT", "for_s": 98},
            {"fault": "list", "symbol": "SOLUSDT", "to": "NEWUSDT", "for_s": 80},
            {"fault": "delist", "symbol": "XRPUSDT", "for_s": 80},
            {"fault": "rename", "symbol": "ETHUSDT", "to": "ETHNEWUSDT", "for_s": 80},
        ],
        {
            "closes of all symbols go on": ("SOLUSDT fell",),
            "the universe stays": ("NEWUSDT", "ETHNEWUSDT"),
            "no symbol leaves": ("XRPUSDT", "ETHUSDT"),
        },
    ),
    "requests": (  # the last: a ban is heeded for ten minutes
        40, 9.0,
        [{"fault": kind, "for_s": 8} for kind in ("busy", "reject", "refuse")] + [{"fault": "ban", "for_s": 10}],
        {
            "the exchange answers": ("retCode 10006", "retCode 10001", "the connection was closed", "403: "),
            "the exchange takes requests": ("banned until",),
        },
    ),
}  # fmt: skip
"""By what is wrong: length of the window, seconds from one fault to the next, the faults, and what must be said."""


@pytest.mark.parametrize("what", CASES)
def test_each_fault_is_named(what: str, watcher: Watcher, tmp_path: Path) -> None:
    seconds, apart_s, faults, expected = CASES[what]
    report = validated(watcher, tmp_path, seconds, ordered(watcher, *faults, apart_s=apart_s))[1]
    watcher.exchange.clear()
    said = told(report, Verdict.FAIL, Verdict.OBSERVED)
    missing = [(test, part) for test, parts in expected.items() for part in parts if part not in said.get(test, "")]
    assert missing == [], evidence(report)


def test_no_fault_is_left_out() -> None:
    assert {fault["fault"] for _, _, faults, _ in CASES.values() for fault in faults} == set(_NEEDS)
