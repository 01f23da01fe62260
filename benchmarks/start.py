"""Start of the whole program: to the first complete signal set, and its memory."""

import time

from benchmarks.figures import Section, Series, Target
from benchmarks.running import SYMBOLS, exchange, up

SETTLE_S = 3.0


def measure(rounds: int) -> list[Section]:
    """A fresh `virtuoso up` each round, over one embedded exchange."""
    section = Section("start", f"Start of `virtuoso up` with {SYMBOLS} symbols from the embedded exchange")
    seconds, memory = [], []
    with exchange() as port:
        for _ in range(rounds):
            with up(port) as program:
                seconds.append(program.until_complete())
                time.sleep(SETTLE_S)
                memory.append(program.rss_mib())
    first = Series("first complete signal set", "s", seconds)
    resident = Series("resident memory", "MiB", memory)
    section.series += [first, resident]
    section.targets += [
        Target.value("start to the first complete signal set", "≤", 5.0, first),
        Target.value("resident memory (exchange not counted)", "≤", 250.0, resident),
    ]
    section.notes.append(f"every symbol has a score; memory {SETTLE_S:.0f} s later, all processes of `up`")
    return [section]
