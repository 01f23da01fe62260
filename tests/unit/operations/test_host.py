"""The machine is measured as it is."""

import os
import threading
import time
from pathlib import Path

import pytest

from virtuoso.operations.host import Host


async def test_the_machine_is_measured(tmp_path: Path) -> None:
    host, begun = Host(tmp_path), time.monotonic()
    first = await host.measure()
    assert first is not None
    assert (first.cpu_pct, first.process_cpu_pct) == (None, None), "there is nothing to compare with yet"
    began = time.process_time()
    while time.process_time() - began < 0.2:
        pass
    usage = await host.measure()
    took_s = time.monotonic() - begun
    assert usage is not None
    host.close()
    assert usage.cpu_pct is not None
    assert usage.process_cpu_pct is not None
    assert 0 < usage.cpu_pct <= 100
    assert usage.process_cpu_pct > 0.9 * 100 * 0.2 / took_s, "on a busy machine it takes long to get 0.2 s"
    assert 0 < usage.memory_pct < 100
    assert usage.rss_bytes > 10_000_000
    filled = os.statvfs(tmp_path)
    used = filled.f_blocks - filled.f_bfree
    assert usage.disk_pct == pytest.approx(100 * used / (used + filled.f_bavail), abs=1)


async def test_a_folder_that_is_gone_is_unknown_not_zero(tmp_path: Path) -> None:
    host = Host(tmp_path / "gone")
    usage = await host.measure()
    host.close()
    assert usage is not None
    assert usage.disk_pct is None


async def test_a_disk_that_does_not_answer_holds_up_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr("virtuoso.operations.host._ANSWER_S", 0.05)
    monkeypatch.setattr("psutil.disk_usage", lambda _: answers.wait(10) and None)
    host = Host(tmp_path)
    before = set(threading.enumerate())
    assert [await host.measure() for _ in range(3)] == [None, None, None]
    assert len(set(threading.enumerate()) - before) == 1, "one thread waits, however often it is asked"
    monkeypatch.undo()
    answers.set()
    host.close()
