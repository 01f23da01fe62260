"""Forecasts of a closing minute, what they keep, and the daily refit."""

from contextlib import ExitStack

from benchmarks.figures import Section, Series, Target
from benchmarks.processes import own_module, worker

SIZES = (15, 600)
EXCHANGE = 600
MINUTE, QUARTER = "only 1m closes", "a quarter of an hour closes"


def measure(rounds: int) -> list[Section]:
    """Our outlook at both sizes."""
    section = Section(
        "forecast", "Forecasts of a closing minute: volatility, cone, touch, probabilities, market, claims"
    )
    samples: dict[str, list[float]] = {}
    units = {"minute_ms": "ms", "quarter_ms": "ms", "state_mb": "MB", "refit_s": "s"}
    names = {"minute_ms": MINUTE, "quarter_ms": QUARTER, "state_mb": "what is kept", "refit_s": "refit, a full pool"}
    with ExitStack() as stack:
        driver = own_module("benchmarks.drivers.forecast")
        subjects = {n: stack.enter_context(worker([*driver, str(n)])) for n in SIZES}
        for _ in range(rounds):
            for n, subject in subjects.items():
                for key, value in subject.sample().items():
                    samples.setdefault(f"{n} {key}", []).append(value)
    series = {
        key: Series(f"virtuoso, {key.split()[0]} symbols, {names[key.split()[1]]}", units[key.split()[1]], values)
        for key, values in samples.items()
    }
    section.series += series.values()
    section.targets += [
        Target.value(f"forecasts of {EXCHANGE} symbols, {MINUTE}", "≤", 4.0, series[f"{EXCHANGE} minute_ms"]),
        Target.value(f"forecasts of {EXCHANGE} symbols, {QUARTER}", "≤", 4.0, series[f"{EXCHANGE} quarter_ms"]),
        Target.value(f"kept for forecasts of {EXCHANGE} symbols", "≤", 15.0, series[f"{EXCHANGE} state_mb"]),
        Target.value("refit to the samples of 16 symbols × 30 days", "≤", 20.0, series[f"{EXCHANGE} refit_s"]),
    ]
    section.notes += ["the shipped fit; a pool of 49,152 samples, which is a month of sixteen symbols"]
    return [section]
