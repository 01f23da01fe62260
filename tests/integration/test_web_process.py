"""`up` is two processes: the monitor, and the web, which it feeds. Either may die."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
from tests.support import warm
from tests.support.exchange import running_exchange
from tests.support.program import Program, command, running_program, settings_for

SMALL = "universe: {size: 4}\n"


def web_of(program: Program) -> int:
    """The process id of the web."""
    program.until("a web", lambda: webs_of(program), 20)
    return webs_of(program)[0]


def webs_of(program: Program) -> list[int]:
    """The children that are webs: those that listen where the program is asked."""
    children = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children").read_text().split()
    port = int(program.url.rpartition(":")[2])
    return [each for each in map(int, children) if not gone(each) and _listens(each, port)]


def _listens(process: int, port: int) -> bool:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        found = psutil.Process(process).net_connections("tcp")
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in found)
    return False


def gone(process: int) -> bool:
    """Whether it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_web_that_dies_is_begun_anew_and_told_of_while_the_monitor_goes_on(tmp_path: Path) -> None:
    with running_exchange() as exchange, running_program(settings_for(exchange, tmp_path, SMALL)) as program:
        before, cycles = web_of(program), program.ask("/api/monitoring/status")["cycle"]["count"]
        os.kill(before, signal.SIGKILL)
        assert program.answer("/health")[0] == 200, "what is asked meanwhile waits, and is answered"
        assert web_of(program) != before
        program.until(
            "the death is told",
            lambda: any("web process ended (signal 9)" in each["message"] for each in program.incidents("task_died")),
            20,
        )
        program.until("and its end", lambda: all(each["resolved"] for each in program.incidents("task_died")), 20)
        program.until("cycles", lambda: program.ask("/api/monitoring/status")["cycle"]["count"] > cycles + 2, 20)
        program.until("bars", lambda: len(program.ask("/api/symbols/BTCUSDT/bars?limit=5")["bars"]) == 5, 60)
        program.until("a book", lambda: len(program.ask("/api/symbols/BTCUSDT/book?depth=5")["bids"]) == 5, 60)
        assert program.ask("/health")["mode"] == "embedded"


def test_the_web_ends_with_a_monitor_that_is_killed_even_when_it_stands_still(tmp_path: Path) -> None:
    config = settings_for(None, tmp_path)
    with (tmp_path / "log").open("w") as log:
        process = warm.Popen(command("up", "-c", str(config)), stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        program = Program(process.stdout.readline().split()[1], process)
        program.until("an answer", lambda: program.answer("/health/live")[0] == 200, 30)
        web = web_of(program)
        os.kill(web, signal.SIGSTOP)
        process.kill()
        process.wait(10)
        process.stdout.close()
        give_up = time.monotonic() + 10
        while not gone(web):
            assert time.monotonic() < give_up, "the web outlives its monitor"
            time.sleep(0.05)


def test_no_secret_stands_in_what_other_processes_can_read(tmp_path: Path) -> None:
    token = "a-token-nobody-may-see-0123456789"
    config = settings_for(None, tmp_path)
    config.write_text(config.read_text().replace("web: {port: 0}", f"web: {{port: 0, token: {token}}}"))
    with running_program(config, scored=False, cold=True) as program:
        web = web_of(program)
        program.until("a refusal", lambda: program.answer("/health")[0] == 401, 30)
        for name in ("cmdline", "environ"):
            assert token.encode() not in Path(f"/proc/{web}/{name}").read_bytes()


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = settings_for(None, tmp_path)
        config.write_text(config.read_text().replace("port: 0", f"port: {port}"))
        ended = warm.run(command("up", "-c", str(config)), timeout=60)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert f"web.port = {port}: cannot listen" in ended.stderr
