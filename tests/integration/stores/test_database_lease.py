"""The lease between real processes that are started at once, stopped, resumed and killed."""

import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.databases import DatabaseProcess, postgres, postgres_url, rows, sqlite_url, started, wait_until
from tests.support.servers import Server
from tests.support.stopping import stop

pytestmark = pytest.mark.slow
SLACK_S = 3.0  # for the start of processes on a busy machine


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> str:
    return sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url(server)


def seconds(line: list[str]) -> float:
    return int(line[1]) / 1e9


def puts(process: DatabaseProcess) -> list[tuple[float, int]]:
    """When it put something out (s), and its epoch."""
    return [(seconds(line), int(line[2])) for line in process.lines("put")]


def assert_never_two(processes: list[DatabaseProcess]) -> None:
    """In order of time, no epoch comes back once a higher one was put out."""
    everything = sorted(put for process in processes for put in puts(process))
    assert everything
    for (_, before), (at_s, after) in pairwise(everything):
        assert after >= before, f"epoch {after} was put out at {at_s} s, after {before}"


def test_of_five_that_start_at_once_one_holds_and_four_name_it(url: str, tmp_path: Path) -> None:
    with started(5, "hold", url, tmp_path) as processes:
        wait_until(lambda: sum(p.process.poll() is not None for p in processes) == 4, "four have ended")
        (holder,) = (p for p in processes if p.process.poll() is None)
        name = holder.lines("start")[0][2]
        for process in processes:
            if process is not holder:
                assert process.end() == 2
                (refusal,) = process.lines("refused")
                assert name in refusal
                waited_s = seconds(refusal) - seconds(process.lines("start")[0])
                assert 5.0 <= waited_s < 7.0 + SLACK_S
        holder.wait_for("put", more_than=len(holder.lines("put")) + 100)
        assert_never_two(processes)
    assert len(rows(url, "SELECT * FROM runs")) == 1


def test_one_that_was_stopped_never_puts_anything_out_again(url: str, tmp_path: Path) -> None:
    with started(1, "hold", url, tmp_path) as (first,):
        first.wait_for("acquired")
        beats = "SELECT beat FROM leases"
        seen = rows(url, beats)
        wait_until(lambda: rows(url, beats) != seen, "a renewal")  # so that it is not stopped within one
        stop(first.process.pid)
        stopped_s = time.monotonic()
        with started(1, "hold", url, tmp_path) as (second,):
            second.wait_for("start")
            taken = second.wait_for("acquired")
            assert seconds(taken) - seconds(second.lines("start")[0]) < 5.5 + SLACK_S
            assert seconds(taken) - stopped_s >= 4.0
            second.wait_for("put")
            resumed_s = time.monotonic()
            first.process.send_signal(signal.SIGCONT)
            lost = first.wait_for("lost")
            assert second.lines("start")[0][2] in " ".join(lost)
            assert first.wait_for("commit-refused")[1] == taken[2]
            assert first.end() == 0
            assert not [put for put in puts(first) if put[0] >= resumed_s]
            assert_never_two([first, second])


def test_one_that_was_killed_is_replaced_at_once(url: str, tmp_path: Path) -> None:
    with started(1, "hold", url, tmp_path) as (first,):
        acquired = first.wait_for("acquired")
        assert seconds(acquired) - seconds(first.lines("start")[0]) < 1.0 + SLACK_S, "a lease nobody ever had is free"
        epoch = int(acquired[2])
        first.kill()
        with started(1, "hold", url, tmp_path) as (second,):
            taken = second.wait_for("acquired")
            assert seconds(taken) - seconds(second.lines("start")[0]) < 1.0 + SLACK_S  # less than a lease
            assert int(taken[2]) > epoch
    assert rows(url, "SELECT ending FROM runs ORDER BY epoch")[0] == ("did not end by itself",)


def test_what_was_acknowledged_before_a_kill_is_there_and_nothing_is_doubled(url: str, tmp_path: Path) -> None:
    acknowledged: dict[str, str] = {}
    for _ in range(4):
        with started(1, "write", url, tmp_path) as (process,):
            process.wait_for("kept", more_than=10)
            process.process.kill()
            process.end()
            acknowledged |= {number: key for _, number, key in process.lines("kept")}
    kept = rows(url, "SELECT id, close_ms FROM signals ORDER BY close_ms")
    assert set(acknowledged.values()) <= {key for key, _ in kept}
    numbers = [int(str(close_ms)) // 60_000 for _, close_ms in kept]
    assert numbers == list(range(len(numbers))), "one row a signal, without a gap"
    ((state,),) = rows(url, "SELECT body FROM state")
    assert int(str(state)) == len(numbers), "state and signals are of one commit"
