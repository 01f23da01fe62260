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

Weather = Callable[[Path], None]


def validated(watcher: Watcher, folder: Path, weather: Weather, *more: str) -> tuple[int, Report]:
    """Watch until some weather is over, with more options; the exit code and the report.

    What ends it is what was seen, and no time: a busy machine makes a test longer, and nothing fail.
    """
    pace, out, samples = watcher.program.pace, folder / "report.json", folder / "samples"
    log = (folder / "log").open("w")
    process = warm.Popen(
        command("validate", "--url", watcher.program.url, "--window", "40m", "--save", str(samples),
                "-o", str(out), *more, pace=pace),
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
    )  # fmt: skip
    try:
        pace.begun(process)
        pace.until("a first look at everything", lambda: answers(samples) > ROUND and sweeps(samples), 120)
        weather(samples)
        process.send_signal(signal.SIGINT)
        with pace.flowing():
            code = process.wait(120)
    finally:
        process.kill()
        process.wait()
        log.close()
    assert out.exists(), (folder / "log").read_text()
    assert "PARTIAL" in (folder / "log").read_text().splitlines()[-1]
    return code, judged(read_samples(samples))


ROUND = 4
"""Requests of a round to the exchange: its time and three tickers."""


def answers(samples: Path) -> int:
    """How many requests to the exchange came to an end, whatever was answered."""
    path = samples / "exchange.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def sweeps(samples: Path) -> int:
    """How many times the incidents were asked for, which is once in a sweep over all routes."""
    path = samples / "answers.api.alerts.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_in_good_weather_nothing_fails(watcher: Watcher, tmp_path: Path) -> None:
    """What fails only because the machine is busy is no matter here: the unit tests hold what is judged of times."""
    config = settings_for(watcher.exchange, tmp_path, UNIVERSE)

    def weather(samples: Path) -> None:
        watcher.program.pace.until("four rounds", lambda: answers(samples) >= 4 * ROUND, 300)

    code, report = validated(watcher, tmp_path, weather, "-c", str(config), "--send-test-alert", "--format", "json")
    assert code == 1, "a window that was ended early passes nothing"
    assert report.partial
    assert told(report, Verdict.FAIL).keys() <= OF_THE_MACHINE, evidence(report)
    passed = told(report, Verdict.PASS)
    for test in (
        "cycles × interval fill the window", "what is called live is the exchange's price", "one monitor runs",
        "what is in force is what the files say", "a test message arrives",
    ):  # fmt: skip
        assert test in passed, told(report, Verdict.UNKNOWN)
    assert {route.split("?")[0] for route in report.requests} >= {"GET /health", "GET /api/stream", "GET /docs"}
    assert msgspec.json.decode((tmp_path / "report.json").read_bytes(), type=Report) == report


def test_a_window_that_is_over_is_not_partial(watcher: Watcher, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    pace = watcher.program.pace
    arguments = ("--url", watcher.program.url, "--window", "3s", "--format", "json", "-o", str(out))
    process = warm.Popen(
        command("validate", *arguments, pace=pace), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path
    )
    pace.begun(process)
    with pace.flowing():
        code = process.wait(120)
    report = msgspec.json.decode(out.read_bytes(), type=Report)
    assert not report.partial
    assert code == int(not report.passed)


BOOKS = [f"orderbook.50.{symbol}" for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")]


Step = tuple[int, list[dict[str, Any]]]
"""Answers of the exchange to wait for after faults were ordered."""
LONG_S = 600
JUDGED_S = 2.0
"""After so many seconds it is judged again whether all that must be said can be said by now."""
ANY = "any check"
"""A ticker without numbers shows in a price that stands, or in frames that are refused, whichever is sooner."""

CASES: dict[str, tuple[list[Step], dict[str, tuple[str, ...]]]] = {
    "frames": (
        [(ROUND, [
            {"fault": "drop_delta", "topic": BOOKS[0]}, {"fault": "duplicate_delta", "topic": BOOKS[1]},
            {"fault": "reorder_delta", "topic": BOOKS[2]}, {"fault": "cross_delta", "topic": BOOKS[3]},
            {"fault": "truncated", "topic": "tickers.BTCUSDT", "share": 0.5, "for_s": 5},
            {"fault": "malformed", "topic": "tickers.ETHUSDT", "share": 0.5, "for_s": 5},
            {"fault": "unknown_topic", "share": 0.2, "for_s": 5},
        ])],
        {
            "no book or ticker had to be asked for anew": (*BOOKS, "u: does not follow", "b, a: crossed"),
            "frames can be believed": ("tickers.BTCUSDT: frame: not JSON", "tickers.ETHUSDT: "),
            "every frame is of a topic that was asked for": ("of unknown topics",),
        },
    ),
    "numbers": (
        [(8 * ROUND, [
            {"fault": "empty_numbers", "topic": "tickers.ETHUSDT", "for_s": 10},
            {"fault": "missing_numbers", "topic": "tickers.BTCUSDT", "for_s": LONG_S},
            {"fault": "mute_topic", "topic": BOOKS[3], "for_s": LONG_S},
            {"fault": "restart_book", "topic": BOOKS[2]},
        ])],
        {
            "numbers that were told go on being told": ("left empty although they were told before",),
            ANY: ("price of BTCUSDT stood for|tickers.BTCUSDT: last: not told",),
            "no topic is mute": (BOOKS[3],),
            "books are numbered upwards": ("SOLUSDT from",),
        },
    ),
    "mute": (
        [(ROUND, [{"fault": "mute", "for_s": LONG_S}])],
        {"it reports nothing wrong with itself": ("stale_feed at", "connected, but no data")},
    ),
    "latency": (
        [(2 * ROUND, [{"fault": "latency", "latency_ms": 3_000, "jitter_ms": 300, "for_s": LONG_S}])],
        {"frames come in time": ("delayed: ", "orderbook.50."), "the exchange answers in time": ("slowest ",)},
    ),
    "frozen time": (
        [(4 * ROUND, [{"fault": "frozen_time", "for_s": LONG_S}])],
        {
            "the exchange's clock goes on": ("it stood still from",),
            "it reports nothing wrong with itself": ("exchange_clock at",),
        },
    ),
    "skew": (
        [(2 * ROUND, [{"fault": "clock_skew", "skew_ms": 7_000, "for_s": LONG_S}])],
        {
            "the exchange's clock does not jump": ("it jumped by ",),
            "it reports nothing wrong with itself": ("clock_skew at",),
        },
    ),
    "maintenance": (
        [(2 * ROUND, [{"fault": "maintenance", "for_s": LONG_S}])],
        {"the exchange answers": ("status 503: maintenance",), "the exchange serves": ("maintenance: HTTP 503",)},
    ),
    "lost sockets": (
        [(ROUND, [
            {"fault": "slow_accept", "latency_ms": 4_500, "for_s": 10}, {"fault": "disconnect"},
        ])],
        {
            "connections hold": ("topics without a connection",),
            "it reports nothing wrong with itself": ("stale_feed at", "closed by the exchange"),
        },
    ),
    "symbols": (
        [(ROUND, [
            {"fault": "missing_minutes", "symbol": "SOLUSDT", "for_s": LONG_S},
            {"fault": "list", "symbol": "SOLUSDT", "to": "NEWUSDT", "for_s": LONG_S},
            {"fault": "delist", "symbol": "XRPUSDT", "for_s": LONG_S},
            {"fault": "rename", "symbol": "ETHUSDT", "to": "ETHNEWUSDT", "for_s": LONG_S},
        ])],
        {
            "closes of all symbols go on": ("SOLUSDT fell",),
            "the universe stays": ("NEWUSDT", "ETHNEWUSDT"),
            "no symbol leaves": ("XRPUSDT", "ETHUSDT"),
        },
    ),
    "requests": (  # the last: a ban is heeded for ten minutes
        [
            *((2 * ROUND, [{"fault": kind, "for_s": LONG_S}]) for kind in ("busy", "reject", "refuse")),
            (1, [{"fault": "ban", "for_s": LONG_S}]),  # maybe within a round, whose rest is not asked then
        ],
        {
            "the exchange answers": ("retCode 10006", "retCode 10001", "the connection was closed", "403: "),
            "the exchange takes requests": ("banned until",),
        },
    ),
}  # fmt: skip
"""By what is wrong: the faults, step by step, and what must be said."""


@pytest.mark.parametrize("what", CASES)
def test_each_fault_is_named(what: str, watcher: Watcher, tmp_path: Path) -> None:
    steps, expected = CASES[what]

    def weather(samples: Path) -> None:
        pace = watcher.program.pace
        for wanted, faults in steps:
            watcher.exchange.clear()
            before = answers(samples)  # before the fault: after a ban the exchange is asked no more
            for fault in faults:
                watcher.order(**fault)
            pace.until("answers", lambda n=before + wanted: answers(samples) >= n, 600)
        for _ in watcher.during(LONG_S, JUDGED_S):
            if not unsaid(judged(read_samples(samples)), expected):
                break

    report = validated(watcher, tmp_path, weather)[1]
    watcher.exchange.clear()
    assert unsaid(report, expected) == [], evidence(report)


def unsaid(report: Report, expected: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """What must be said and is not."""
    said = told(report, Verdict.FAIL, Verdict.OBSERVED)
    said[ANY] = evidence(report)
    return [
        (test, part) for test, parts in expected.items() for part in parts
        if not any(way in said.get(test, "") for way in part.split("|"))
    ]  # fmt: skip


def test_no_fault_is_left_out() -> None:
    ordered = {fault["fault"] for steps, _ in CASES.values() for _, faults in steps for fault in faults}
    assert ordered == set(_NEEDS)
