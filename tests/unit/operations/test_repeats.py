"""A failure that repeats is told when it begins and once when it is over, with how often it came between."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from virtuoso.model.clock import ManualClock
from virtuoso.operations.repeats import AGAIN_S, Repeats, _by_timer

S = 1_000_000_000


class Log:
    """A logger whose lines are kept, by a clock moved by hand; what is due later is done when time passes."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.told: list[dict[str, Any]] = []
        self._due: list[tuple[int, Callable[[], None]]] = []
        self.repeats = Repeats(self.clock, self._later)
        structlog.configure(
            processors=[self.repeats, structlog.processors.add_log_level, self._keep],
            wrapper_class=structlog.make_filtering_bound_logger(10),
            logger_factory=lambda name="here": _Named(name),
            cache_logger_on_first_use=False,
        )

    def _later(self, wait_s: float, work: Callable[[], None]) -> None:
        self._due.append((self.clock.monotonic_ns() + int(wait_s * S), work))

    def _keep(self, _: Any, __: str, event: Any) -> Any:
        self.told.append(dict(event))
        raise structlog.DropEvent

    def passes(self, seconds: float) -> None:
        """So much time goes by."""
        until_ns = self.clock.monotonic_ns() + int(seconds * S)
        while due := [each for each in self._due if each[0] <= until_ns]:
            first = min(due, key=lambda each: each[0])
            self._due.remove(first)
            self.clock.advance(first[0] - self.clock.monotonic_ns())
            first[1]()
        self.clock.advance(until_ns - self.clock.monotonic_ns())

    def take(self) -> list[dict[str, Any]]:
        """What was told since this was asked last."""
        told, self.told = self.told, []
        return told


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def msg(self, *_: Any, **__: Any) -> None: ...

    debug = info = warning = error = critical = msg


@pytest.fixture
def lines() -> Iterator[Log]:
    before = structlog.get_config()
    yield Log()
    structlog.configure(**before)


def test_it_is_told_when_it_begins_and_when_it_is_over_with_the_count_between(lines: Log) -> None:
    log = structlog.get_logger("there")
    for n in range(25):
        log.warning("cannot connect", url="ws://x", error=f"refused after {n} ms", wait_s=n)
        lines.passes(10.0)
    first = {"event": "cannot connect", "url": "ws://x", "error": "refused after 0 ms", "wait_s": 0}
    assert lines.take() == [{**first, "level": "warning"}]
    lines.passes(2 * AGAIN_S)
    last = {"event": "cannot connect", "url": "ws://x", "error": "refused after 24 ms", "wait_s": 24}
    assert lines.take() == [{**last, "level": "warning", "repeated": 24, "within_s": 240.0}]
    log.warning("cannot connect", url="ws://x", error="refused after 7 ms", wait_s=1)
    assert len(lines.take()) == 1, "it begins anew"
    lines.passes(10 * AGAIN_S)
    assert lines.take() == [], "and all of it was told"


def test_one_that_goes_on_is_told_again_every_five_minutes(lines: Log) -> None:
    log = structlog.get_logger("there")
    for n in range(61):
        log.warning("cannot connect", wait_s=n)
        lines.passes(10.0)
    told = [(each["wait_s"], each.get("repeated"), each.get("within_s")) for each in lines.take()]
    assert told == [(0, None, None), (30, 30, 300.0), (60, 30, 600.0)]
    lines.passes(2 * AGAIN_S)
    assert lines.take() == [], "all of it was told"


def test_what_differs_in_its_words_its_logger_or_its_level_is_another(lines: Log) -> None:
    log = structlog.get_logger("there")
    log.warning("failed", symbol="A1", error="it was late")
    log.warning("failed", symbol="A2", error="it was late")
    log.warning("failed", symbol="A1", error="it was early")
    log.error("failed", symbol="A1", error="it was late")
    structlog.get_logger("elsewhere").warning("failed", symbol="A1", error="it was late")
    log.warning("failed again", symbol="A1", error="it was late")
    assert len(lines.take()) == 6
    log.warning("failed", symbol="A1", error="it was late")
    assert lines.take() == []


def test_news_are_told_however_often_they_come(lines: Log) -> None:
    log = structlog.get_logger("there")
    for _ in range(3):
        log.info("connected")
        log.debug("polled")
    assert len(lines.take()) == 6


def test_an_exception_is_known_by_kind_and_words_and_kept_without_its_frames(lines: Log) -> None:
    log = structlog.get_logger("there")
    for error in (ValueError("no 1"), ValueError("no 2"), KeyError("no 3")):
        try:
            raise error
        except (ValueError, KeyError):
            log.exception("a pass failed")
    assert [each["exc_info"] for each in lines.take()] == [True, True]
    lines.repeats.flush()
    (last,) = lines.take()
    assert last == {
        "event": "a pass failed", "level": "error", "error": "ValueError: no 2", "repeated": 1, "within_s": 0.0,
    }  # fmt: skip
    log.error("told", exc_info=None)
    log.error("told", exc_info=(ValueError, ValueError("x"), None))
    assert len(lines.take()) == 2


def test_of_very_many_alike_some_are_told_and_all_are_counted(lines: Log) -> None:
    log = structlog.get_logger("there")
    for n in range(600):
        log.warning("history could not be loaded", symbol=f"S{n}USDT", error="the exchange is busy")
    told = len(lines.take())
    assert 20 <= told <= 25
    log.warning("something else")
    assert len(lines.take()) == 1
    lines.passes(3 * AGAIN_S)
    assert sum(each["repeated"] for each in lines.take()) == 600 - told


def test_memory_has_a_bound_and_what_is_forgotten_is_told(lines: Log) -> None:
    log = structlog.get_logger("there")
    log.warning("first")
    log.warning("first")
    lines.take()
    for n in range(2_000):
        said = f"a{'b' * (n % 40)}{'c' * (n // 40)} failed"
        log.warning(said)
    assert {"event": "first", "level": "warning", "repeated": 1, "within_s": 0.0} in lines.take()
    assert len(lines.repeats._known) <= 500


def test_whoever_logs_goes_on_where_no_thread_can_be_had(lines: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lines.repeats._later = _by_timer
    log = structlog.get_logger("there")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        for _ in range(3):
            log.warning("failed")
    lines.repeats._later = lines._later
    log.warning("failed")
    assert len(lines.take()) == 1
    lines.passes(3 * AGAIN_S)
    assert [each["repeated"] for each in lines.take()] == [3]


_PROGRAM = """
import logging
from virtuoso.operations import logs
import structlog
logs.configure("info", "json")
for n in range(30):
    structlog.get_logger("here").warning("it failed", n=n)
    logging.getLogger("lib").error("lost %d bytes", n)
"""


def test_a_program_that_ends_tells_what_it_counted() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=True)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(each["logger"], each["event"], each.get("repeated")) for each in told] == [
        ("here", "it failed", None), ("lib", "lost 0 bytes", None),
        ("here", "it failed", 29), ("lib", "lost 29 bytes", 29),
    ]  # fmt: skip
    assert told[2]["n"] == 29
