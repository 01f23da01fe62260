"""What recording costs the whole program: `virtuoso up` beside `virtuoso record --while-running`, by turns."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.figures import Section, Series, Target
from benchmarks.running import COMMAND, as_users_start_it, exchange, up

SYMBOLS = 70
SETTINGS = f"universe: {{size: all, detailed: {SYMBOLS}}}\n"
READY_S, SETTLE_S, MEASURE_S = 60.0, 8.0, 30.0
BOUND = 3.0


def recorded(config: Path) -> list[str]:
    """`virtuoso record --while-running`, beside its configuration."""
    return [*COMMAND, "record", str(config.parent / "wire"), "--while-running", "-c", str(config)]


def _one(port: int, command: Callable[[Path], list[str]]) -> tuple[float, float]:
    """Percent of a core, messages per second."""
    with up(port, SETTINGS, command) as program:
        program.until_ready(READY_S)
        time.sleep(SETTLE_S)
        cpu_s, counted, at_s = program.cpu_s(), program.messages(), time.monotonic()
        time.sleep(MEASURE_S)
        took_s = time.monotonic() - at_s
        return 100 * (program.cpu_s() - cpu_s) / took_s, (program.messages() - counted) / took_s


def measure(rounds: int) -> list[Section]:
    """By turns, over one exchange."""
    section = Section(
        "recording", f"Recording: `virtuoso up` with {SYMBOLS} symbols in full, without and with recording"
    )
    plain, with_record, rates = list[float](), list[float](), list[float]()
    with exchange("--source", "model", "--universe", str(SYMBOLS)) as port:
        for _ in range(rounds):
            for command, found in ((as_users_start_it, plain), (recorded, with_record)):
                cpu, rate = _one(port, command)
                found.append(cpu)
                rates.append(rate)
    section.series += [
        Series("virtuoso up", "% of a core", plain),
        Series("virtuoso record --while-running", "% of a core", with_record),
        Series("messages", "messages/s", rates),
    ]
    added = Series("added", "% of a core", [after - before for before, after in zip(plain, with_record, strict=True)])
    section.targets.append(
        Target("recording adds", "≤", BOUND, median(added.samples), min(with_record) - min(plain), "% of a core")
    )
    return [section]
