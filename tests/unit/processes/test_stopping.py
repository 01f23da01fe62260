"""A process that is told to end does: by itself, or after a while with a word about where it stood."""

import signal
import subprocess
import sys

import pytest

_PROGRAM = """
import asyncio, sys
from virtuoso.processes import stopping

stopping._LAST_S = float(sys.argv[1])

async def main():
    stop = stopping.stop_signals()
    print("begun", flush=True)
    await stop.wait()
    if sys.argv[2] == "hangs":
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(("last_s", "how", "code"), [("0.2", "hangs", 1), ("60", "ends", 0)])
def test_a_process_that_was_told_to_end_does(last_s: str, how: str, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, last_s, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == code
        said = process.stderr.read()
    assert ("most recent call first" in said) is (how == "hangs"), said
