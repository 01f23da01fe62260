"""Analysis of a closing minute, beside TA-Lib + pandas per pair."""

from contextlib import ExitStack

from benchmarks.environments import LOCKS, python_of
from benchmarks.figures import Section, Series, Target
from benchmarks.processes import own_module, worker

SIZES = (15, 150, 600)
TIMEFRAMES = 4
PEER_FRAMES = 20


def measure(rounds: int) -> list[Section]:
    """One section: our engine at every size, and the peer per pair and timeframe."""
    section = Section("analysis", "Analysis of a closing minute: CPU time, three factors, four timeframes")
    peer = str(python_of("talib"))
    samples: dict[str, list[float]] = {}
    with ExitStack() as stack:
        engines = {n: stack.enter_context(worker([*own_module("benchmarks.drivers.analysis"), str(n)])) for n in SIZES}
        talib = stack.enter_context(worker([peer, str(LOCKS / "talib_driver.py"), str(PEER_FRAMES)]))
        for _ in range(rounds):
            for n, engine in engines.items():
                answer = engine.sample()
                samples.setdefault(f"virtuoso, {n} symbols, all four close", []).append(answer["all_ms"])
                samples.setdefault(f"virtuoso, {n} symbols, only 1m closes", []).append(answer["base_ms"])
            samples.setdefault("TA-Lib + pandas, one pair and timeframe", []).append(talib.sample()["frame_ms"])
    series = {name: Series(name, "ms", values) for name, values in samples.items()}
    section.series.extend(series.values())
    largest = series[f"virtuoso, {SIZES[-1]} symbols, all four close"]
    per_frame = Series("virtuoso per pair", "ms", [ms / (SIZES[-1] * TIMEFRAMES) for ms in largest.samples])
    peer_series = series["TA-Lib + pandas, one pair and timeframe"]
    section.targets.append(Target.value(f"{SIZES[-1]} symbols × 4 timeframes", "≤", 15.0, largest))
    section.notes.append(
        f"per pair and timeframe: virtuoso {per_frame.median * 1e3:.1f} µs, TA-Lib + pandas "
        f"{peer_series.median * 1e3:.0f} µs, {peer_series.median / per_frame.median:.0f}× (it recomputes 1,000 candles)"
    )
    return [section]
