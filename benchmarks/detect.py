"""Fast detectors: what they add to the mixed stream, and how soon an event in a frame is an incident."""

from pathlib import Path

from benchmarks import workload
from benchmarks.figures import Section, Series, Target
from benchmarks.processes import Answer, ask, own_module

FOLDER = Path(__file__).parent.parent / "build/benchmarks"
MOST_US = 1_000.0
KINDS: dict[str, tuple[str, float | None]] = {
    "orderbook": ("book delta", 0.3), "publicTrade": ("trade message", 1.0), "tickers": ("ticker message", None),
}  # fmt: skip


def measure(rounds: int, capture: Path, passes: int) -> list[Section]:
    """Both sections; with and without detectors by turns, each in a process of its own."""
    workload.write(capture, passes, FOLDER)
    driver = own_module("benchmarks.drivers.detect")
    commands = {
        "without": [*driver, "cost", str(FOLDER), "without"],
        "with": [*driver, "cost", str(FOLDER), "with"],
        "added": [*driver, "added", str(FOLDER)],
        "latency": [*driver, "latency"],
    }
    answers: dict[str, list[Answer]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            answers[name].append(ask(command))
    return [_cost(answers), _latency(answers["latency"])]


def _cost(answers: dict[str, list[Answer]]) -> Section:
    """What they add: to all messages by CPU time, to one message by the median of the differences."""
    section = Section("detect", "Fast detectors: the mixed stream through handlers and state, without and with them")
    for name in ("without", "with"):
        each = [answer["cpu_s"] * 1e6 / answer["messages"] for answer in answers[name]]
        section.series.append(Series(f"{name} detectors", "µs/message", each))
    for kind, (name, most) in KINDS.items():
        added = Series(f"added to a {name}", "µs", [answer["median_us"][kind] for answer in answers["added"]])
        section.series.append(added)
        if most is not None:
            section.targets.append(Target.value(f"detectors add to a {name}, median", "≤", most, added))
    first = answers["with"][0]
    section.notes.append(
        f"{first['messages']} messages a round, {first['incidents']} incidents; each book is looked at once a second "
        "of event time, which is every tenth delta of this capture (depth 200), and every fiftieth of depth 50"
    )
    return section


def _latency(told: list[Answer]) -> Section:
    """By kind, and the slowest of them."""
    section = Section("detect latency", "Fast detectors: from a frame's receipt to its incident, median by kind")
    for kind in told[0]["median_us"]:
        section.series.append(Series(kind, "µs", [answer["median_us"][kind] for answer in told]))
    slowest = Series("slowest kind", "µs", [max(answer["median_us"].values()) for answer in told])
    section.targets.append(Target.value("frame received to incident raised, slowest kind", "≤", MOST_US, slowest))
    section.notes.append("thirty planted events of each kind a round, through the production handlers and sink")
    return section
