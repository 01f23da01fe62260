"""Alert stages: 10,000 incidents from firing to the deliveries that tell of them, the database left out."""

from benchmarks.figures import Section, Series, Target
from benchmarks.processes import own_module, worker

MOST_MS = 100.0


def measure(rounds: int) -> list[Section]:
    """In a process of its own, warm."""
    section = Section("alert stages", "Alert stages: 10,000 incidents, from firing to what is told of them")
    with worker(own_module("benchmarks.drivers.alert_stages")) as driver:
        driver.sample()  # warm
        answers = [driver.sample() for _ in range(max(rounds, 5))]
    told = Series("10,000 incidents of 500 symbols and 20 kinds", "ms", [answer["all_ms"] for answer in answers])
    apart = Series("1,000 incidents, a notice each, two channels", "ms", [answer["apart_ms"] for answer in answers])
    section.series += [told, apart]
    section.targets.append(Target.value("10,000 incidents through all stages", "≤", MOST_MS, told))
    section.notes.append(
        f"{answers[0]['incidents']} of 10,000 told in twenty messages at once and twenty folded ones; three silences"
    )
    return [section]
