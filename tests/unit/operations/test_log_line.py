"""A line for people has one form, and stays one line whatever stands in it."""

import io
import re
import sys

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.operations import logs
from virtuoso.operations.log_line import LogLine

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[[A-Z]+\] [\w.]+ - .*")


def test_it_is_time_level_logger_and_what_is_said() -> None:
    event = {
        "timestamp": "2025-09-30T18:15:01.503912Z", "level": "info", "logger": "virtuoso.monitor.cycle",
        "event": "refresh complete", "symbols": 15, "seconds": 1.25, "reason": None, "close": "18:15", "error": "a b",
    }  # fmt: skip
    assert LogLine(coloured=False)(None, "info", dict(event)) == (
        "2025-09-30 18:15:01.503 [INFO] virtuoso.monitor.cycle - refresh complete"
        ' symbols=15 seconds=1.25 reason=null close=18:15 error="a b"'
    )
    warned = LogLine(coloured=True)(None, "warning", event | {"level": "warning"})
    assert warned.startswith("\x1b[33m2025-09-30 18:15:01.503 [WARNING]\x1b[0m virtuoso.monitor.cycle - ")


@given(
    said=st.text(), value=st.text() | st.lists(st.text(), max_size=2), key=st.from_regex(r"[a-z]{1,8}", fullmatch=True)
)
def test_no_text_begins_a_line_of_its_own(said: str, value: object, key: str) -> None:
    event = {"timestamp": "2025-09-30T18:15:01.503912Z", "level": "info", "logger": "a.b", "event": said}
    line = LogLine(coloured=False)(None, "info", {key: value, **event})
    assert len(line.splitlines()) == 1
    assert LINE.fullmatch(line)


def test_the_program_speaks_so_on_a_console_and_a_traceback_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, earlier = io.StringIO(), structlog.get_config()
    monkeypatch.setattr(sys, "stderr", stream)
    try:
        logs.configure("info", "console")
        log = structlog.get_logger("virtuoso.here")
        log.info("begun", symbols=3, token="canary")
        try:
            int("no\nsuch thing")
        except ValueError:
            log.exception("cycle failed")
    finally:
        structlog.configure(**earlier)
    first, second, *trace = stream.getvalue().splitlines()
    assert re.fullmatch(r"\S+ \S+ \[INFO\] virtuoso\.here - begun symbols=3 token=\*\*\*", first)
    assert LINE.fullmatch(second)
    assert second.endswith("[ERROR] virtuoso.here - cycle failed")
    assert trace[0] == "Traceback (most recent call last):"
