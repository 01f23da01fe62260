"""The API while cycles run, beside nginx serving the same bytes as a file."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL

from benchmarks.figures import Section, Series, Target, by_rounds
from benchmarks.processes import running
from benchmarks.running import Program, exchange, free_port, get, up

FOLDER = Path(__file__).parent.parent / "build/benchmarks/nginx"
INSTALL = "RUNLEVEL=1 apt-get install -y --no-install-recommends nginx-light wrk"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ROUTES = {"dashboard": "/api/dashboard/data", "overview": "/api/market/overview", "health": "/health"}
BOUNDS = {"dashboard": 60.0, "overview": 50.0}
"""Targets, in percent. The overview is the smallest published document; `/health` is computed for each request, so it
is shown for comparison only."""
CONNECTIONS, SECONDS = 32, 2
DEADLINE_S = 10.0


def require_tools() -> None:
    """`SystemExit` with the command to run when nginx or wrk is missing."""
    missing = [tool for tool, found in (("nginx", NGINX), ("wrk", shutil.which("wrk"))) if found is None]
    if missing:
        raise SystemExit(f"{' and '.join(missing)} not installed; run: {INSTALL}")


def configuration(port: int) -> str:
    """One worker, no access log, connections kept alive: nginx at its best."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    scratch = "".join(f"  {kind}_temp_path {FOLDER}/scratch;\n" for kind in kinds)
    return (
        f"{'user root;' if os.geteuid() == 0 else ''}\n"
        f"daemon off;\nworker_processes 1;\npid {FOLDER}/nginx.pid;\nerror_log stderr warn;\n"
        "events { worker_connections 1024; }\n"
        "http {\n"
        f"{scratch}"
        "  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  keepalive_requests 1000000000;\n"
        "  types { application/json json; }\n"
        f"  server {{ listen 127.0.0.1:{port}; root {FOLDER}/files; }}\n"
        "}\n"
    )


@contextmanager
def nginx() -> Iterator[str]:
    """A running nginx over `files`; its URL."""
    port = free_port()
    (FOLDER / "nginx.conf").write_text(configuration(port))
    command = [str(NGINX), "-p", str(FOLDER), "-c", str(FOLDER / "nginx.conf")]
    with running(command, stdout=DEVNULL, stderr=DEVNULL):
        deadline = time.monotonic() + DEADLINE_S
        while get(f"http://127.0.0.1:{port}/dashboard.json") is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"nginx did not answer within {DEADLINE_S:.0f} s")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


def wrk(url: str) -> float:
    """Requests per second.

    Raises:
        SystemExit: an answer was not 200, or a socket failed.
    """
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s*([\d.]+)", out)
    if rate is None or "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"{' '.join(command)}:\n{out}")
    return float(rate.group(1))


def bodies(program: Program) -> dict[str, bytes]:
    """What each route answers now."""
    answers = {name: get(program.url + route) or b"" for name, route in ROUTES.items()}
    if not all(answers.values()):
        raise SystemExit(f"no answer from {[ROUTES[name] for name, body in answers.items() if not body]}")
    return answers


def measure(rounds: int) -> list[Section]:
    """Each route, ours and nginx in turn."""
    section = Section("api", "API while cycles run: requests per second, beside nginx")
    with exchange() as port, up(port) as program:
        program.until_complete()
        served = bodies(program)
        (FOLDER / "files").mkdir(parents=True, exist_ok=True)
        for name, body in served.items():
            (FOLDER / "files" / f"{name}.json").write_bytes(body)
        samples: dict[tuple[str, str], list[float]] = {}
        with nginx() as static:
            for _ in range(rounds):
                for name, route in ROUTES.items():
                    samples.setdefault((name, "virtuoso"), []).append(wrk(program.url + route))
                    samples.setdefault((name, "nginx"), []).append(wrk(f"{static}/{name}.json"))
    for name, route in ROUTES.items():
        label = f"{route} ({len(served[name]):,} bytes)"
        ours, theirs = (Series(f"{who}, {label}", "req/s", samples[name, who]) for who in ("virtuoso", "nginx"))
        section.series += [ours, theirs]
        if name in BOUNDS:
            share = Target(
                f"virtuoso's share of nginx, {label}", "≥", BOUNDS[name],
                100.0 * ours.median / theirs.median, 100.0 * ours.best / theirs.best, "%",
                by_rounds(ours, theirs),
            )  # fmt: skip
            section.targets.append(share)
    section.notes.append(
        f"wrk -t1 -c{CONNECTIONS} -d{SECONDS}s; one worker each; access log off; the monitor and the embedded exchange "
        "run on throughout, for both"
    )
    return [section]
