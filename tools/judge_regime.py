"""Judge the regimes walk-forward: how well do they rank the next hour's volatility and drift?

Usage: python -m tools.judge_regime BARS.parquet [--days 10] [--json]

The file holds 1m bars (`ts` in ms, `symbol`, `open`, `high`, `low`, `close`, `volume`). At every close of 30 minutes
each score is ranked against (1) the realised volatility of the next hour's minutes over that of the symbol's last
7 days, as a logarithm, and (2) the next hour's log return in units of that volatility. Figures are Spearman's rank
correlations (information coefficients): the mean over symbols of each one's own, and pooled over all. Constants were
chosen on the first `--days` days; whatever is fitted is fitted anew each day, on earlier days only. Intervals (95 %)
come from a bootstrap of whole days, all symbols of a day together; ranks are taken once, not within each resample.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tools.regime_data import DAY_MS, MINUTE_MS, Bars, Minutes, adx, drift, load, yang_zhang
from tools.regime_hmm import walk_forward

from virtuoso.analysis.regimes.dwell import Dwell, DwellRule
from virtuoso.analysis.regimes.regime import (
    BARS,
    LONG_BARS,
    REGIMES,
    SHORT_MINUTES,
    SLOPE,
    THRESHOLD,
    RegimeArrays,
    classify,
    leading,
    rescaled,
)
from virtuoso.model.timeframe import Timeframe

HORIZON, WEEK = 60, 7 * 1440
FIRST = 144  # bars until ADX is ready
LEAST = 96  # bars that a long average is made of at the beginning of the file, where there are not yet 336
HIGH = 1.25  # a next hour that much above its long average is a volatile one
RESAMPLES, SEED = 2_000, 7


@dataclass(frozen=True)
class Sample:
    """Everything known at the closes of 30 minutes: measures [4, t, n], targets and past volatility [t, n], day [t]."""

    half: Bars
    five: Bars
    measures: np.ndarray
    short: np.ndarray
    next_volatility: np.ndarray
    next_drift: np.ndarray
    bar_volatility: np.ndarray
    last_hour: np.ndarray
    day: np.ndarray


def sample(minutes: Bars) -> Sample:
    """Measures and targets of recorded minutes."""
    half, five = minutes.aggregated(30), minutes.aggregated(5)
    adx_, move = adx(half), drift(half, BARS)
    measures = np.stack([adx_, move, yang_zhang(half, BARS), yang_zhang(half, LONG_BARS, LEAST)])
    realised = Minutes(minutes)
    at = (half.close_ms - minutes.first_ms) // MINUTE_MS
    long = realised.volatility(np.maximum(0, at - WEEK), at)
    long[: LEAST - 1] = np.nan
    return Sample(
        half=half,
        five=five,
        measures=measures,
        short=rescaled(short_volatility(five)[5::6][: len(at)], Timeframe.M5, Timeframe.M30),
        next_volatility=np.log(realised.volatility(at, at + HORIZON) / long),
        next_drift=realised.move(at, at + HORIZON) / (long * np.sqrt(HORIZON)),
        bar_volatility=np.log(realised.volatility(at - 30, at) / long),
        last_hour=np.log(realised.volatility(at - HORIZON, at) / long),
        day=(half.close_ms - minutes.first_ms - 1) // DAY_MS,
    )


def short_volatility(five: Bars) -> np.ndarray:
    """The last hour's volatility, per five minutes, at every close of five."""
    return yang_zhang(five, SHORT_MINUTES // 5)


def former(measures: np.ndarray) -> np.ndarray:
    """The rules before this judgement: one softmax of four, volatility of the window alone."""
    adx_, move, volatility, average = measures
    z, a, q = move / volatility, (adx_ - 20) / 10, np.log(volatility / average)
    evidence = np.stack([1.5 * z + a / 2, -1.5 * z + a / 2, 1 - np.abs(z) / 2 - a / 2, 4 * (q - 0.35)])
    exponents = np.exp(evidence - evidence.max(axis=0))
    return exponents / exponents.sum(axis=0)


def rules(measures: np.ndarray, short: np.ndarray) -> RegimeArrays:
    """The rules of the program."""
    return classify(measures, np.full(short.shape, np.nan), Timeframe.M30, short)


def daily(data: Sample, x: np.ndarray, days: int, fit: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """Walk-forward: each day from `days` on, `fit(x, next volatility)` on what was known by then, times `x` [t, n, k]."""
    out = np.full(x.shape[:2], np.nan)
    for day in range(days, int(data.day[-1]) + 1):
        today = data.day == day
        past = np.arange(FIRST, int(np.flatnonzero(today)[0]) - HORIZON // 30)
        known = np.isfinite(x[past]).all(axis=-1) & np.isfinite(data.next_volatility[past])
        out[today] = x[today] @ fit(x[past][known], data.next_volatility[past][known])
    return out


def least_squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients of y on x."""
    return np.linalg.lstsq(x, y, rcond=None)[0]


def means_by_regime(probabilities: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean of y in each regime, weighted by its probability."""
    return probabilities.T @ y / probabilities.sum(axis=0)


def levels(data: Sample) -> np.ndarray:
    """1 and the logarithms of the last hour's and the window's volatility over the long average [t, n, 3]."""
    volatility, average = data.measures[2:]
    return np.stack([np.ones(volatility.shape), np.log(data.short / average), np.log(volatility / average)], axis=-1)


def scores(data: Sample, days: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What is judged, by name: scores [t, n] for the next hour's volatility, and for its drift."""
    now, then = rules(data.measures, data.short).probabilities, former(data.measures)
    move = data.measures[1] / data.measures[2]
    hour = drift(data.half, 2)
    rng = np.random.default_rng(SEED)
    volatility = {
        "rules: P(high volatility)": now[3],
        "rules: expected volatility": daily(data, np.moveaxis(now, 0, -1), days, means_by_regime),
        "former rules: P(high volatility)": then[3],
        "former rules: expected volatility": daily(data, np.moveaxis(then, 0, -1), days, means_by_regime),
        "realised volatility, last hour": data.last_hour,
        "Yang-Zhang volatility, 24 h": np.log(data.measures[2] / data.measures[3]),
        "the same two levels, OLS each day": daily(data, levels(data), days, least_squares),
        "random": rng.standard_normal(move.shape),
    }
    directed = {
        "rules: P(up) - P(down)": now[0] - now[1],
        "former rules: P(up) - P(down)": then[0] - then[1],
        "return, last hour": hour,
        "return, 24 h": move,
        "random": rng.standard_normal(move.shape),
    }
    returns = np.diff(np.log(data.half.close), axis=0, prepend=np.nan) / data.measures[3]
    seen = np.stack([data.bar_volatility, returns], axis=-1)[LEAST:]
    cuts = [int(np.flatnonzero(data.day == day)[0]) - LEAST for day in range(days, int(data.day[-1]) + 1)]
    for states in (3, 4):
        probabilities, models = walk_forward(seen, cuts, states)
        expected = np.full((2, *move.shape), np.nan)
        for model, cut, end in zip(models, cuts, [*cuts[1:], len(seen)], strict=True):
            expected[:, LEAST + cut : LEAST + end] = np.moveaxis(probabilities[cut:end] @ model.mean, -1, 0)
        volatility[f"HMM, {states} states: expected volatility"] = expected[0]
        directed[f"HMM, {states} states: expected return"] = expected[1]
    return volatility, directed


def ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 0, ties sharing their mean."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count + 1) / 2)[place]


def correlations(x: np.ndarray, y: np.ndarray, day: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Correlation of x and y with the days taken as often as `draws` [b, days] says [b]."""
    first = int(day.min())
    sums = np.stack([
        np.bincount(day - first, weights=v, minlength=draws.shape[1])
        for v in (np.ones(x.size), x, y, x * x, y * y, x * y)
    ])  # fmt: skip
    n, sx, sy, sxx, syy, sxy = sums @ draws.T
    return (sxy - sx * sy / n) / np.sqrt((sxx - sx**2 / n) * (syy - sy**2 / n))


def judged(
    score: np.ndarray, target: np.ndarray, day: np.ndarray, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Rank correlations of the resamples, by symbol averaged [b] and pooled [b], and the number of pairs."""
    known = np.isfinite(score) & np.isfinite(target)
    single = [
        correlations(ranks(score[k, j]), ranks(target[k, j]), day[k], draws)
        for j, k in enumerate(known.T)
    ]  # fmt: skip
    days = np.broadcast_to(day[:, None], known.shape)[known]
    return (
        np.mean(single, axis=0),
        correlations(ranks(score[known]), ranks(target[known]), days, draws),
        int(known.sum()),
    )


def table(named: dict[str, np.ndarray], target: np.ndarray, data: Sample, days: int) -> list[dict[str, object]]:
    """One row for each score: the choosing days, and the reported ones with intervals and the gap to the first row."""
    early = np.flatnonzero((data.day < days) & (np.arange(data.day.size) >= FIRST))
    late = np.flatnonzero(data.day >= days)
    count = int(data.day[-1]) + 1 - days
    rng = np.random.default_rng(SEED)
    draws = np.vstack([np.ones(count), rng.multinomial(count, np.full(count, 1 / count), RESAMPLES)])
    out: list[dict[str, object]] = []
    best: np.ndarray | None = None
    for name, score in named.items():
        mean, pooled, n = judged(score[late], target[late], data.day[late], draws)
        best = mean if best is None else best
        fit: float | None = None
        if np.isfinite(score[early]).any():
            fit = float(judged(score[early], target[early], data.day[early], np.ones((1, days)))[0][0])
        out.append({
            "score": name, "days_chosen_on": fit, "mean_ic": float(mean[0]), "mean_ic_95": interval(mean),
            "pooled_ic": float(pooled[0]), "pooled_ic_95": interval(pooled), "less_rules": float(mean[0] - best[0]),
            "less_rules_95": interval(mean - best), "n": n,
        })  # fmt: skip
    return out


def interval(resampled: np.ndarray) -> list[float]:
    """95 % of the resamples; the first is the sample itself."""
    return [float(q) for q in np.quantile(resampled[1:], [0.025, 0.975])]


def constants(data: Sample, days: int) -> dict[str, float]:
    """The constants of the rules as the first days have them: shares of the levels by OLS, slope and threshold."""
    x, y = levels(data), data.next_volatility
    known = (data.day < days)[:, None] & np.isfinite(x).all(axis=-1) & np.isfinite(y)
    known[:FIRST] = False
    _, short, window = least_squares(x[known], y[known])
    level = np.stack([np.ones(known.sum()), x[known] @ [0, 2 / 3, 1 / 3]], axis=1)
    b = logistic(level, y[known] > np.log(HIGH))
    return {"short_weight": float(short / (short + window)), "slope": float(b[1]), "threshold": float(-b[0] / b[1])}


def logistic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Maximum likelihood of a logistic regression, by Newton's method."""
    b = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ b))
        b = b + np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (y - p))
    return b


def calibration(data: Sample, days: int) -> dict[str, object]:
    """Is P(high volatility) the chance of an hour that is `HIGH` times the long average? On the reported days."""
    p, y = rules(data.measures, data.short).probabilities[3], data.next_volatility
    known = (data.day >= days)[:, None] & np.isfinite(p) & np.isfinite(y)
    p, hit = p[known], y[known] > np.log(HIGH)
    share = hit.mean()
    bins = np.digitize(p, [0.1, 0.2, 0.3, 0.5, 0.7])
    curve = [
        [float(p[bins == b].mean()), float(hit[bins == b].mean()), int((bins == b).sum())] for b in np.unique(bins)
    ]
    return {
        "base_rate": float(share), "brier": float(((p - hit) ** 2).mean()),
        "brier_of_base_rate": float(share * (1 - share)), "curve": curve,
    }  # fmt: skip


def transitions(data: Sample, days: int) -> dict[str, object]:
    """Regimes at every five minutes, raw and held, of symbols and of the market: changes a day and shares."""
    five = data.five
    at = (five.close_ms - data.half.first_ms) // (30 * MINUTE_MS) - 1
    bars = np.flatnonzero(at >= FIRST)
    at, day = at[bars], (five.close_ms[bars] - five.first_ms - 1) // DAY_MS
    short = rescaled(short_volatility(five)[bars], Timeframe.M5, Timeframe.M30)
    probabilities = rules(data.measures[:, at], short).probabilities
    turnover = np.cumsum(five.volume * five.close, axis=0)
    weight = turnover[bars] - turnover[np.maximum(0, bars - 288)]
    weight /= weight.sum(axis=1, keepdims=True)
    out: dict[str, object] = {}
    for name, p in {"symbols": probabilities, "market": (probabilities * weight).sum(axis=2)[..., None]}.items():
        raw, held = leading(p), hold(p, five.close_ms[bars])
        for period, chosen in {"days_chosen_on": day < days, "days_reported": day >= days}.items():
            count = chosen.sum() / 288
            row = {}
            for kind, codes in {"raw": raw[chosen], "held": held[chosen]}.items():
                changes = (np.diff(codes, axis=0) != 0).sum(axis=0) / count
                row[kind] = {
                    "changes_a_day": float(changes.mean()), "least": float(changes.min()), "most": float(changes.max()),
                    "shares": {r: float((codes == i).mean()) for i, r in enumerate(REGIMES)},
                }  # fmt: skip
            row["agreement"] = float((raw[chosen] == held[chosen]).mean())
            out[f"{name}, {period}"] = row
    return out


def hold(probabilities: np.ndarray, close_ms: np.ndarray) -> np.ndarray:
    """Regimes [t, n] as held by the program's dwell, of probabilities [4, t, n]."""
    dwell = Dwell(DwellRule(), MINUTE_MS)
    n = probabilities.shape[2]
    dwell.memory.reserve(n)
    steps = [dwell.hold(slice(0, n), int(ms), probabilities[:, t])[0] for t, ms in enumerate(close_ms)]
    return np.stack(steps)


def show(verdict: dict[str, object]) -> None:
    """Print it for people."""
    for title in ("volatility", "drift"):
        print(f"== next hour's {title}: rank IC, days reported; [95 %]")
        print(f"{'':38}{'chosen on':>10} {'mean over symbols':>26} {'pooled':>26} {'less the first row':>26} {'n':>7}")
        for row in verdict[title]:
            fit = "-" if row["days_chosen_on"] is None else f"{row['days_chosen_on']:+.3f}"
            cells = [
                f"{row[key]:+.3f} [{row[key + '_95'][0]:+.3f}, {row[key + '_95'][1]:+.3f}]"
                for key in ("mean_ic", "pooled_ic", "less_rules")
            ]
            print(f"{row['score']:38}{fit:>10} {cells[0]:>26} {cells[1]:>26} {cells[2]:>26} {row['n']:>7}")
    fitted = verdict["constants"]
    print(f"== constants as the first days have them: {fitted}; in use: slope {SLOPE}, threshold {THRESHOLD}")
    print(f"== calibration of P(high volatility): {verdict['calibration']}")
    print("== changes of regime a day")
    for name, row in verdict["transitions"].items():
        for kind in ("raw", "held"):
            of = row[kind]
            shares = "  ".join(f"{r} {100 * share:.0f} %" for r, share in of["shares"].items())
            print(f"{name:28}{kind:6}{of['changes_a_day']:6.2f} ({of['least']:.2f} to {of['most']:.2f})  {shares}")
        print(f"{'':28}held = raw {100 * row['agreement']:.0f} % of the time")


def main() -> None:
    """Judge a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bars", help="parquet file of 1m bars")
    parser.add_argument("--days", type=int, default=10, help="days that constants are chosen on")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with np.errstate(all="ignore"):
        data = sample(load(options.bars))
        volatility, directed = scores(data, options.days)
        verdict = {
            "symbols": data.half.symbols,
            "volatility": table(volatility, data.next_volatility, data, options.days),
            "drift": table(directed, data.next_drift, data, options.days),
            "constants": constants(data, options.days),
            "calibration": calibration(data, options.days),
            "transitions": transitions(data, options.days),
        }
    if options.json:
        print(json.dumps(verdict, indent=2))
    else:
        show(verdict)


if __name__ == "__main__":
    main()
