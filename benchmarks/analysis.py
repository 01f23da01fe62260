"""Analysis of a closing minute, beside TA-Lib + pandas per pair; warm-up; the backtest."""

from contextlib import ExitStack

from benchmarks.environments import LOCKS, python_of
from benchmarks.figures import Section, Series, Target
from benchmarks.processes import own_module, worker

SIZES = (15, 150, 600, 2400)
EXCHANGE = 600
PEER_FRAMES = 20
BACKTESTS = ((16, 4_800), (600, 480))
ALL, BASE, WARM = "all four close", "only 1m closes", "warm-up, 4 × 300 bars"


def measure(rounds: int) -> list[Section]:
    """Our engine at every size, its technical set alone, the backtest, and the peer per pair and timeframe."""
    section = Section("analysis", "Analysis of a closing minute: CPU time, six factors, four timeframes")
    peer = str(python_of("talib"))
    samples: dict[str, list[float]] = {}
    rates: dict[int, list[float]] = {n: [] for n, _ in BACKTESTS}
    driver = own_module("benchmarks.drivers.analysis")
    with ExitStack() as stack:
        engines = {n: stack.enter_context(worker([*driver, str(n)])) for n in SIZES}
        technical = stack.enter_context(worker([*own_module("benchmarks.drivers.technical"), str(EXCHANGE)]))
        talib = stack.enter_context(worker([peer, str(LOCKS / "talib_driver.py"), str(PEER_FRAMES)]))
        backtests = {
            n: stack.enter_context(worker([*own_module("benchmarks.drivers.backtest"), str(n), str(minutes)]))
            for n, minutes in BACKTESTS
        }
        for _ in range(rounds):
            for n, engine in engines.items():
                answer = engine.sample()
                for what, key in ((ALL, "all_ms"), (BASE, "base_ms"), (WARM, "warm_up_ms")):
                    samples.setdefault(f"virtuoso, {n} symbols, {what}", []).append(answer[key])
            name = f"virtuoso, {EXCHANGE} symbols, technical set, one timeframe"
            samples.setdefault(name, []).append(technical.sample()["bar_ms"])
            samples.setdefault("TA-Lib + pandas, one pair and timeframe", []).append(talib.sample()["frame_ms"])
            for n, run in backtests.items():
                rates[n].append(run.sample()["rate"])
    series = {name: Series(name, "ms", values) for name, values in samples.items()}
    speeds = {n: Series(f"backtest, {n} symbols", "symbol-bars/s", values) for n, values in rates.items()}
    section.series += [*series.values(), *speeds.values()]
    _judge(section, series, speeds)
    return [section]


def _judge(section: Section, series: dict[str, Series], speeds: dict[int, Series]) -> None:
    largest = series[f"virtuoso, {EXCHANGE} symbols, {ALL}"]
    peer = series["TA-Lib + pandas, one pair and timeframe"]
    alone = series[f"virtuoso, {EXCHANGE} symbols, technical set, one timeframe"]
    ours = Series("virtuoso per pair", "ms", [ms / EXCHANGE for ms in alone.samples])
    per_symbol = {n: series[f"virtuoso, {n} symbols, {ALL}"].median / n for n in SIZES}
    linear = per_symbol[SIZES[-1]] / per_symbol[EXCHANGE]
    few, many = (speeds[n] for n, _ in BACKTESTS)
    section.targets += [
        Target.value(f"{EXCHANGE} symbols × 4 timeframes, six factors", "≤", 25.0, largest),
        Target.value(f"warm-up of {EXCHANGE} symbols × 4 timeframes × 300 bars", "≤", 1500.0,
                     series[f"virtuoso, {EXCHANGE} symbols, {WARM}"]),
        Target.ratio("TA-Lib + pandas over virtuoso, technical set, one new bar", "≥", 500.0, peer, ours),
        Target(f"cost per symbol, {SIZES[-1]} over {EXCHANGE}", "≤", 1.2, linear, linear),
        Target.value("backtest, 16 symbols", "≥", 15_000.0, few),
        Target.value("backtest, 600 symbols", "≥", 100_000.0, many),
    ]  # fmt: skip
    costs = ", ".join(f"{n}: {1e3 * cost:.1f} µs" for n, cost in per_symbol.items())
    section.notes += [
        f"per symbol when all four timeframes close: {costs}",
        f"the technical set, µs a pair: virtuoso {1e3 * ours.median:.2f}, TA-Lib + pandas {1e3 * peer.median:.0f}",
        "the backtest scores every base bar on all timeframes with labels; reading and writing files is not in it",
    ]
