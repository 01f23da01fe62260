"""The whole exchange: 600 symbols of the model market, watched by the real program, beside a bare reader."""

import json
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Section, Series, Target
from benchmarks.processes import ask, own_module
from benchmarks.running import Program, exchange, up

SYMBOLS, DETAILED = 600, 70
SETTINGS = f"universe: {{size: all, detailed: {DETAILED}}}\n"
READY_S, SETTLE_S, SAMPLE_S = 180.0, 30.0, 5.0
READER_S = 60.0


@dataclass
class Watched:
    """What was seen from outside, a sample every five seconds."""

    cpu: list[float] = field(default_factory=list)
    rss_mib: list[float] = field(default_factory=list)
    messages_s: list[float] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    quality: dict[str, int] = field(default_factory=dict)

    @property
    def growth(self) -> float:
        """Memory of the last fifth over that of the second fifth, in percent."""
        fifth = max(1, len(self.rss_mib) // 5)
        return 100 * (fmean(self.rss_mib[-fifth:]) / fmean(self.rss_mib[fifth : 2 * fifth]) - 1)


def watch(program: Program, seconds: float) -> Watched:
    """Look on for so long; messages are counted by the program's own status."""
    seen = Watched()
    cpu_s, counted, at_s = program.cpu_s(), program.messages(), time.monotonic()
    end_s = at_s + seconds
    while at_s < end_s:
        time.sleep(SAMPLE_S)
        now_cpu_s, now_s = program.cpu_s(), time.monotonic()
        now_counted = program.messages()
        seen.cpu.append(100 * (now_cpu_s - cpu_s) / (now_s - at_s))
        seen.messages_s.append((now_counted - counted) / (now_s - at_s))
        seen.rss_mib.append(program.rss_mib())
        cpu_s, counted, at_s = now_cpu_s, now_counted, now_s
        if len(seen.cpu) % 12 == 0:
            print(f"  {end_s - at_s:.0f} s to go", file=sys.stderr, flush=True)
    feeds = program.ask("/api/monitoring/status")["feeds"]
    seen.topics = [feed["topic"] for feed in feeds]
    for feed in feeds:
        seen.quality[feed["data_quality"]] = seen.quality.get(feed["data_quality"], 0) + 1
    return seen


def measure(minutes: float) -> list[Section]:
    """The program for so many minutes, then the bare reader on the same topics of the same exchange."""
    section = Section("whole", f"The whole exchange: {SYMBOLS} symbols of the model market, {minutes:g} minutes")
    with TemporaryDirectory() as folder:
        result, topics = Path(folder) / "result.json", Path(folder) / "topics.json"
        driver = own_module("benchmarks.drivers.stamping_exchange")
        with exchange(str(SYMBOLS), driver=driver) as port:
            command = own_module("benchmarks.drivers.watched_up")
            with up(port, SETTINGS, lambda config: [*command, str(config), str(result)]) as program:
                program.until_ready(READY_S)
                ready_s = time.monotonic() - program.started_s
                time.sleep(SETTLE_S)
                program.process.send_signal(signal.SIGUSR1)
                seen = watch(program, minutes * 60)
            topics.write_text(json.dumps(seen.topics))
            reader = own_module("benchmarks.drivers.bare_reader")
            bare = ask([*reader, str(port), str(topics), str(READER_S)])
        _fill(section, seen, json.loads(result.read_text()), bare)
    rate = fmean(seen.messages_s)
    section.notes += [
        f"{len(seen.topics)} topics ({DETAILED} symbols with book and trades), {rate:,.0f} messages/s",
        f"scored {ready_s:.0f} s after the start; at the end topics were {seen.quality}",
    ]
    return [section]


def _fill(section: Section, seen: Watched, inside: dict[str, Any], bare: dict[str, float]) -> None:
    cpu = Series("processor time", "% of a core", seen.cpu)
    rss = Series("resident memory", "MiB", seen.rss_mib)
    rate = Series("messages", "messages/s", seen.messages_s)
    section.series += [cpu, rss, rate]
    lag, state = inside["lag, outside collection"], inside["state"]
    growth, ratio, most = seen.growth, state["p50"] / bare["p50"], max(seen.rss_mib)
    section.targets += [
        Target.value("processor time", "≤", 60.0, cpu),
        Target("resident memory, the most", "≤", 400e6 / 2**20, most, most, "MiB"),
        Target("memory at the end over that after a fifth", "≤", 2.0, growth, growth, "% more"),
        Target("receive → state p50 over a bare picows + uvloop reader's", "≤", 1.5, ratio, ratio),
        Target("loop lag p99 outside garbage collection", "≤", 10.0, lag["p99"], lag["p99"], "ms"),
    ]
    section.notes += [
        f"from the exchange's write to our state: {_spread(state)}; to the bare reader: {_spread(bare)} (µs)",
        f"loop lag, 200 times a second (ms): {_spread(lag)}; with collections: {_spread(inside['lag, all'])}",
        f"collections (ms): {_spread(inside['pauses'])}",
    ]


def _spread(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:,.0f}" if name == "n" else f"{name} {value:.3g}" for name, value in values.items())
