"""Child processes of the runner: started, spoken to in lines of JSON, and always ended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TIMEOUT_S = 180.0
GRACE_S = 10.0

Answer = dict[str, Any]


def environment() -> dict[str, str]:
    """One thread for numpy, and the repository's root importable."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def own_module(module: str) -> list[str]:
    """The command of a driver that runs in the project's own environment."""
    return [sys.executable, "-m", module]


def ask(command: Sequence[str]) -> Answer:
    """Run to its end; its last line of output as JSON.

    Raises:
        SystemExit: it failed, or ran for more than three minutes; the message holds its errors.
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, cwd=ROOT, env=environment()
        )
    except subprocess.TimeoutExpired as error:
        raise SystemExit(f"{' '.join(command)} did not end within {TIMEOUT_S:.0f} s") from error
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2_000:]}")
    answer: Answer = json.loads(done.stdout.splitlines()[-1])
    return answer


class Worker:
    """A long-lived child that answers each empty line with one line of JSON."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def read(self) -> Answer:
        """The next line; `SystemExit` when the child has ended."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise SystemExit(f"{self.process.args!r} ended with {self.process.wait(GRACE_S)}")
        answer: Answer = json.loads(line)
        return answer

    def sample(self) -> Answer:
        """Ask for one more sample."""
        if self.process.stdin:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        return self.read()


@contextmanager
def worker(command: Sequence[str]) -> Iterator[Worker]:
    """A child that lives as long as the block."""
    with running(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Worker(process)


@contextmanager
def running(command: Sequence[str], **streams: Any) -> Iterator["subprocess.Popen[str]"]:
    """A process that is terminated at the end of the block, and killed if it does not mind."""
    process = subprocess.Popen(command, text=True, cwd=ROOT, env=environment(), **streams)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
