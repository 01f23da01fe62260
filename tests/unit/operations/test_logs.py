"""`logging.format: json` holds for every line of a process, whoever writes it; chatter is said once a minute."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog

from virtuoso.operations import logs
from virtuoso.operations.logs import _Seldom
from virtuoso.operations.streams import MaskedStream

_PROGRAM = """
import asyncio, logging, sys, threading, warnings
from virtuoso.operations import logs
logs.configure("info", "json", ["canary-secret"])
print("a banner · with canary-secret")
print("begun ", end=""); print("and ended")
print()
warnings.warn("it is old", DeprecationWarning if "quiet" in sys.argv else UserWarning)
logging.getLogger("lib").warning("what %s said", "it")
logging.getLogger("lib").info("chatter")
logging.getLogger("lib").warning("%d", "no number")
sys.stderr.write('{"event": "already"}\\n[1, 2]\\n')
async def lost():
    asyncio.get_running_loop().call_exception_handler({"message": "nobody took it"})
asyncio.run(lost())
def fails(): raise ValueError("in a thread")
thread = threading.Thread(target=fails); thread.start(); thread.join()
print("no end", end="")
raise RuntimeError("at the end, canary-secret")
"""


def _objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_line_is_json_whoever_writes_it() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "canary" not in done.stdout + done.stderr
    said, told = _objects(done.stdout), _objects(done.stderr)
    assert [each["event"] for each in said] == ["a banner · with ***", "begun and ended", "no end"]
    assert all(each["level"] == "info" and each["timestamp"].endswith("Z") for each in said)
    events = [each["event"] for each in told]
    for event in ("what it said", "already", "[1, 2]", "nobody took it", "a thread failed", "the program failed"):
        assert event in events, told
    assert any("UserWarning: it is old" in event for event in events)
    assert "chatter" not in events
    failed = told[events.index("the program failed")]
    assert failed["exception"][0]["exc_value"] == "at the end, ***"
    assert (failed["level"], told[events.index("what it said")]["logger"]) == ("critical", "lib")


def test_a_logger_goes_on_when_the_stream_of_its_first_line_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = io.StringIO(), io.StringIO()
    earlier = structlog.get_config()
    try:
        monkeypatch.setattr(sys, "stderr", before)
        logs.configure("info", "console")
        log = structlog.get_logger("here")
        log.warning("first")
        monkeypatch.setattr(sys, "stderr", after)
        before.close()
        log.warning("second")
    finally:
        structlog.configure(**earlier)
    assert "second" in after.getvalue()


def test_a_line_is_json_however_it_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    stream = MaskedStream(sys.stdout, [])
    stream.as_json = True
    for part in ("a", "b\nc", "\n\n", '{"event"', ': "d"}\n', "{not json}\n", "e"):
        assert stream.write(part) == len(part)
    stream.finish()
    stream.finish()
    assert [each["event"] for each in _objects(capsys.readouterr().out)] == ["ab", "c", "d", "{not json}", "e"]


def test_what_is_seldom_is_said_once_a_minute_of_each_symbol() -> None:
    now_s = 1_000.0

    class Clock:
        def monotonic_ns(self) -> int:
            return int(now_s * 1e9)

    seldom = _Seldom(Clock())  # type: ignore[arg-type]

    def passes(**event: Any) -> bool:
        try:
            return seldom(None, "debug", {"seldom": True, **event}) == event
        except structlog.DropEvent:
            return False

    assert passes(event="polled")
    assert not passes(event="polled")
    assert passes(event="polled", symbol="A")
    assert seldom(None, "info", {"event": "polled"}) == {"event": "polled"}
    now_s += 59.9
    assert not passes(event="polled")
    now_s += 0.2
    assert passes(event="polled")
    assert not passes(event="polled")


_HOSTILE = """
import logging, sys
from virtuoso.operations import logs
import structlog
logs.configure("info", "json")
class Unsayable(Exception):
    def __str__(self): raise RuntimeError("it cannot be said")
lib, log = logging.getLogger("lib"), structlog.get_logger("here")
lib.log(35, "between two levels")
lib.log(99, "above all levels")
lib.warning("%s", Unsayable())
for say in (lib.exception, log.exception):
    try:
        raise Unsayable
    except Unsayable:
        say("it failed")
log.info("and went on")
"""


def test_nobody_fails_by_what_was_logged() -> None:
    done = subprocess.run([sys.executable, "-c", _HOSTILE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = [(each["event"], each["level"]) for each in _objects(done.stderr)]
    assert [each for each in told if each[0] in {"between two levels", "above all levels", "it failed"}] == [
        ("between two levels", "warning"), ("above all levels", "critical"), ("it failed", "error"),
        ("it failed", "error"),
    ]  # fmt: skip
    assert told[-1] == ("and went on", "info")


_COLLECTED = """
import faulthandler, gc, logging, sys
from pathlib import Path
from virtuoso.operations import logs
from virtuoso.operations.log_file import LogFile
import structlog
faulthandler.dump_traceback_later(240, exit=True)
logs.configure("info", "json", (), LogFile(Path(sys.argv[1]), 2_000, 5))
log, lib = structlog.get_logger("here"), logging.getLogger("lib")
class Forgotten:
    def __init__(self, word): self.word, self.me = word, self
    def __del__(self): lib.warning("never awaited: " + self.word)
for n in range(1, 500):
    gc.collect()
    word = "".join(chr(97 + int(digit)) for digit in str(n))
    Forgotten(word)
    gc.set_threshold(n)
    log.warning("it failed", word=word)
    log.warning("it failed", word=word)
    gc.set_threshold(0)
"""


def test_what_is_collected_while_a_line_is_logged_may_log_too(tmp_path: Path) -> None:
    """As an exception of a task does that nobody asked for: every place of the way is tried where that may come."""
    done = subprocess.run(
        [sys.executable, "-c", _COLLECTED, str(tmp_path / "v.log")], capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3_000:]
    told = _objects(done.stderr)
    assert {each["event"] for each in told} >= {"it failed", f"never awaited: {'b' * 3}"}
