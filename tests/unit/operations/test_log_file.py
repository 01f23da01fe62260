"""The file of logs: every line of every process is in it once, and it stays within its size."""

import json
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from virtuoso.config import Settings
from virtuoso.config.loading import load
from virtuoso.model.errors import UsageError
from virtuoso.operations.log_file import LogFile
from virtuoso.wiring.folders import check_folders
from virtuoso.wiring.logs import speak

_WRITER = """
import sys
from pathlib import Path
from virtuoso.operations.log_file import LogFile
name, count = sys.argv[2], int(sys.argv[3])
file = LogFile(Path(sys.argv[1]), 20_000, 100)
sys.stdin.readline()
for i in range(count):
    file.write(f"{name} {i} " + "x" * 40)
"""
_PROGRAM = """
import sys
import structlog
from virtuoso.config.loading import load
from virtuoso.wiring.logs import speak
speak(load([], {"VIRTUOSO__LOGGING__FILE": sys.argv[1], "VIRTUOSO__LOGGING__FORMAT": sys.argv[2],
                "VIRTUOSO__WEB__TOKEN": "canary-canary-canary"}))
log = structlog.get_logger("virtuoso.here")
log.info("begun", said="canary-canary-canary", password="hush")
try:
    raise ValueError("canary-canary-canary, too")
except ValueError:
    log.exception("it failed")
"""


def lines(folder: Path) -> list[str]:
    return [line for path in sorted(folder.glob("v.log*")) for line in path.read_text().splitlines()]


def test_it_is_put_by_before_it_is_too_large_and_the_oldest_goes(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "made" / "v.log", 100, 2)
    for i in range(10):
        file.write(f"{i}".ljust(39, "."))  # two fit
    kept = {path.name: [line[0] for line in path.read_text().splitlines()] for path in (tmp_path / "made").glob("v*")}
    assert kept == {"v.log": ["8", "9"], "v.log.1": ["6", "7"], "v.log.2": ["4", "5"]}
    file.write("a line that is longer than all of it".ljust(300, "."))
    assert (tmp_path / "made" / "v.log").stat().st_size == 301


def test_where_none_is_kept_it_begins_anew(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "v.log", 100, 0)
    for i in range(5):
        file.write(f"{i}".ljust(39, "."))
    assert [line[0] for line in lines(tmp_path)] == ["4"]


def test_processes_that_share_it_lose_no_line_and_tear_none(tmp_path: Path) -> None:
    count = 2_000
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path / "v.log"), name, str(count)], stdin=subprocess.PIPE
        )
        for name in "abc"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"\n")
        writer.stdin.close()
    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    found = sorted(lines(tmp_path))
    assert found == sorted(f"{name} {i} " + "x" * 40 for name in "abc" for i in range(count))
    assert len(list(tmp_path.glob("v.log*"))) > 5


def test_it_goes_on_where_it_was_moved_away_and_says_once_what_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "log"
    file = LogFile(folder / "v.log", 1_000, 2)
    file.write("one")
    (folder / "v.log").rename(folder / "elsewhere")
    file.write("two")
    assert (folder / "v.log").read_text() == "two\n"
    folder.rename(tmp_path / "gone")
    for _ in range(3):
        file.write("three")
    folder.mkdir()
    file.write("four")
    assert (folder / "v.log").read_text() == "four\n"
    assert capsys.readouterr().err.splitlines() == [
        f"virtuoso: {folder / 'v.log'}: cannot be written: No such file or directory; log lines are missing there",
        f"virtuoso: {folder / 'v.log'}: can be written again; 3 log lines are missing there",
    ]


@pytest.mark.parametrize("form", ["auto", "json", "console"])
def test_what_is_configured_gets_every_line_without_secrets(tmp_path: Path, form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path / "v.log"), form],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    text = (tmp_path / "v.log").read_text()
    assert "canary" not in text
    assert "hush" not in text
    assert text == done.stderr, "nobody looks at a terminal here, so both are the same"
    if form == "console":
        assert "[INFO] virtuoso.here - begun said=***" in text.splitlines()[0]
        assert text.splitlines()[-1] == "ValueError: ***, too"
    else:
        begun, failed = map(json.loads, text.splitlines())
        assert (begun["event"], begun["said"], failed["exception"][0]["exc_value"]) == ("begun", "***", "***, too")


def test_what_is_no_file_is_refused_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"LOGGING__FILE.*is a folder; it must be a file"):
        load([], {"VIRTUOSO__LOGGING__FILE": str(tmp_path)})
    (tmp_path / "file").write_text("")
    settings = Settings.model_validate({"logging": {"file": str(tmp_path / "file" / "v.log")}})
    with pytest.raises(UsageError, match=r"logging.file = .*v.log: cannot be written: (File exists|Not a directory)"):
        speak(settings)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "v"))
        settings = Settings.model_validate({"data_dir": str(tmp_path), "logging": {"file": str(tmp_path / "v")}})
        for look in (check_folders, speak):
            with pytest.raises(
                UsageError, match=r"logging.file = .*v: cannot be written: [Nn]o such device or address"
            ):
                look(settings)
    for key, value in (("FILE_MB", "0"), ("FILE_KEEP", "-1")):
        with pytest.raises(UsageError, match=f"LOGGING__{key}"):
            load([], {f"VIRTUOSO__LOGGING__{key}": value})


def test_half_a_line_of_a_full_disk_spoils_no_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "v.log"
    file = LogFile(path, 10_000, 2)
    file.write("one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        file.write("two, which is long")
        file.write("three")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    for line in ("four", "five"):
        file.write(line)
    assert path.read_text().splitlines() == ["one", "two, w", "four", "five"]
    assert capsys.readouterr().err.splitlines() == [
        f"virtuoso: {path}: cannot be written: File too large; log lines are missing there",
        f"virtuoso: {path}: can be written again; 2 log lines are missing there",
    ]
