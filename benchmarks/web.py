"""The web in one worker while documents are published: against constant bytes, and streamed to a thousand clients."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psutil

from benchmarks.api import CONNECTIONS, wrk
from benchmarks.figures import Section, Series, Target, by_rounds
from benchmarks.processes import ask, own_module, running
from benchmarks.running import DEADLINE_S, POLL_S, free_port, get

ROUTE = "/api/dashboard/data"
DASHBOARD_BYTES, STREAMED_BYTES = 6_000, 2_000
TURNS = 3
"""Samples of requests a round: the difference looked for is smaller than what a shared machine does to one sample."""
CLIENTS, STREAM_S = 1_000, 20
SHARE, DELAY_MS, DROPPED_S = 90.0, 250.0, 30.0
ALONE, BESIDE = "1,000 clients", "1,000 clients and one that never reads"


@dataclass(frozen=True)
class Web:
    """A running server."""

    port: int
    process: psutil.Process

    @property
    def url(self) -> str:
        """Of the dashboard's route."""
        return f"http://127.0.0.1:{self.port}{ROUTE}"

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def web(kind: str, size: int) -> Iterator[Web]:
    """A server of this kind, once it answers.

    Raises:
        SystemExit: it does not.
    """
    port = free_port()
    command = [*own_module("benchmarks.drivers.web_server"), str(port), kind, str(size)]
    with running(command) as process:
        deadline = time.monotonic() + DEADLINE_S
        while get(f"http://127.0.0.1:{port}{ROUTE}") is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(command)} does not answer")
            time.sleep(POLL_S)
        yield Web(port, psutil.Process(process.pid))


def measure(rounds: int) -> list[Section]:
    """Requests, then the stream."""
    return [requests(rounds), fan_out(rounds)]


def requests(rounds: int) -> Section:
    """Ours and the constant bytes in turn."""
    section = Section("web", f"Requests per second of {ROUTE} while documents are published, beside constant bytes")
    rates: dict[str, list[float]] = {}
    costs: dict[str, list[float]] = {}
    names: Mapping[str, str] = {"virtuoso": "cycles", "constant bytes": "constant"}
    with ExitStack() as stack:
        servers = {who: stack.enter_context(web(kind, DASHBOARD_BYTES)) for who, kind in names.items()}
        for turn in range(TURNS * rounds):
            for who, server in list(servers.items())[:: 1 if turn % 2 else -1]:
                cpu_s, began = server.cpu_s(), time.monotonic()
                rates.setdefault(who, []).append(wrk(server.url))
                answered = rates[who][-1] * (time.monotonic() - began)
                costs.setdefault(who, []).append(answered / (server.cpu_s() - cpu_s))
    for title, samples, unit in (("wall", rates, "req/s"), ("CPU", costs, "req/CPU s")):
        ours, theirs = (Series(f"{who}, {unit}", unit, samples[who]) for who in names)
        section.series += [ours, theirs]
        share = 100.0 * ours.median / theirs.median, 100.0 * max(ours.samples) / max(theirs.samples)
        what, by_turns = f"virtuoso's share of constant bytes, {title}", by_rounds(ours, theirs)
        section.targets.append(Target(what, "≥", SHARE, *share, "%", by_turns))
    section.notes.append(
        f"wrk -t1 -c{CONNECTIONS}; one uvicorn worker each, same settings, {DASHBOARD_BYTES:,} bytes; into virtuoso's "
        "cache go 600 symbols' documents every two seconds (five times the default pace) and ticks twice a second"
    )
    return section


def fan_out(rounds: int) -> Section:
    """A thousand clients, alone and beside one that never reads, in turn."""
    section = Section("stream", f"/api/stream: {CLIENTS:,} clients, a document of {STREAMED_BYTES:,} bytes a second")
    found: dict[str, dict[str, list[float]]] = {}
    missed = 0
    with web("stream", STREAMED_BYTES) as server:
        driver = own_module("benchmarks.drivers.web_clients")
        for _ in range(rounds):
            for who, deaf in ((ALONE, 0), (BESIDE, 1)):
                answer = ask([*driver, str(server.port), str(CLIENTS), str(STREAM_S), str(deaf)])
                missed += answer["gaps"] + answer["lost"]
                samples = found.setdefault(who, {"p50": [], "p99": [], "max": [], "dropped": []})
                for name in ("p50", "p99", "max"):
                    samples[name].append(answer["delays_ms"][name])
                # One that was not dropped shows as the minute it was watched for.
                samples["dropped"] += [60.0 if after is None else after for after in answer["dropped_s"]]
    for who, samples in found.items():
        series = {name: Series(f"{who}: {name}", "ms", samples[name]) for name in ("p50", "p99", "max")}
        section.series += series.values()
        section.targets.append(Target.value(f"added delay, p99, {who}", "≤", DELAY_MS, series["p99"]))
    dropped = Series("a client that never reads is dropped after", "s", found[BESIDE]["dropped"])
    section.series.append(dropped)
    section.targets.append(Target.value(dropped.name, "≤", DROPPED_S, dropped))
    section.notes.append(
        f"from publication to receipt, both by the machine's monotonic clock, the driver's own time included; "
        f"{STREAM_S} s a sample; {missed} versions missed or connections lost in all"
    )
    return section
