"""Measures what a kind of alerts was worth: lift, precision, lead time and the move left, with intervals. Pure.

Ratios are of sums over whole days (UTC), all symbols together, so that what comes together counts as one. Their
interval is that of the ratio estimator by days (Cochran 1977, §6) with Student's t, and never narrower than that of a
Poisson count (Byar's approximation; Breslow & Day 1987, §2.3). Medians have the interval of order statistics.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import ceil, floor, log, sqrt
from statistics import median

from virtuoso.model.alerts.documents.performance import Figure, HorizonPerformance, KindPerformance
from virtuoso.model.alerts.outcome import COMPARED_MIN, HORIZONS_MIN, Outcome
from virtuoso.model.alerts.worth import Worth
from virtuoso.model.timeframe import DAY_MS

FEWEST, FEWEST_DAYS = 20, 5
"""Incidents, and days on which there were any, below which no figure is given."""
_Z = 1.959964


def performance(outcomes: Sequence[Outcome]) -> tuple[KindPerformance, ...]:
    """Measure each kind, in alphabetical order. Of settled outcomes those count whose bars are known."""
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.settled_ms is not None:
            kinds[outcome.kind].append(outcome)
    return tuple(_of_kind(kind, kinds[kind]) for kind in sorted(kinds))


def worths(kinds: Sequence[KindPerformance]) -> dict[str, Worth]:
    """Return by kind the lift at the horizon by which kinds are compared."""
    found = {}
    for kind in kinds:
        (compared,) = (each for each in kind.horizons if each.horizon_min == COMPARED_MIN)
        lift = compared.lift
        found[kind.kind] = Worth(low=lift.low, high=lift.high, incidents=lift.n, days=compared.days)
    return found


def _of_kind(kind: str, outcomes: Sequence[Outcome]) -> KindPerformance:
    delivered = {outcome.incident: outcome.interrupted for outcome in outcomes}
    return KindPerformance(
        kind=kind,
        incidents=len(delivered),
        interruptions=sum(delivered.values()),
        horizons=tuple(
            _over([outcome for outcome in outcomes if outcome.horizon_min == horizon_min], horizon_min)
            for horizon_min in HORIZONS_MIN
        ),
    )


def _over(outcomes: Sequence[Outcome], horizon_min: int) -> HorizonPerformance:
    known = [outcome for outcome in outcomes if outcome.closed is not None]
    judged = [outcome for outcome in known if outcome.hit is not None]
    based = [outcome for outcome in judged if outcome.base is not None]
    touched = [60.0 * outcome.touched_min for outcome in judged if outcome.touched_min is not None]
    left = [share for outcome in known if (share := remained(outcome)) is not None]
    return HorizonPerformance(
        horizon_min=horizon_min,
        days=len({_day(outcome) for outcome in based}),
        lift=_ratio(based, lambda each: each.base or 0.0),
        precision=_ratio(judged, lambda _: 1.0),
        base=_mean([outcome.base for outcome in based if outcome.base is not None]),
        lead_s=_median(touched, len({_day(o) for o in judged if o.touched_min is not None})),
        remained=_median(left, len({_day(o) for o in known if remained(o) is not None})),
        reason=_reason(outcomes, known, judged),
    )


def remained(outcome: Outcome) -> float | None:
    """Return the share of the move that came after the delivery, to the extreme in its direction; `None` = no move."""
    if outcome.before is None or outcome.entry is None or outcome.side is None:
        return None
    extreme = outcome.highest if outcome.side == "up" else outcome.lowest
    if extreme is None:
        return None
    sign = 1.0 if outcome.side == "up" else -1.0
    before, after = sign * log(outcome.entry / outcome.before), max(0.0, sign * extreme)
    whole = max(0.0, before) + after
    return after / whole if whole > 0.0 else None


def _reason(outcomes: Sequence[Outcome], known: Sequence[Outcome], judged: Sequence[Outcome]) -> str | None:
    """Say why an alert kind has no figures yet; `None` when it has enough outcomes."""
    if len(judged) >= FEWEST:
        return None
    if known and not judged:
        return known[-1].edge_reason
    if outcomes and not known:
        return outcomes[-1].reason
    return f"fewer than {FEWEST} incidents were measured"


def _ratio(outcomes: Sequence[Outcome], expected: Callable[[Outcome], float]) -> Figure:
    """Divide hits by how many were expected, with the interval over days."""
    days: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for outcome in outcomes:
        day = days[_day(outcome)]
        day[0] += bool(outcome.hit)
        day[1] += expected(outcome)
    hits, base = sum(day[0] for day in days.values()), sum(day[1] for day in days.values())
    count = len(days)
    if len(outcomes) < FEWEST or count < FEWEST_DAYS or base <= 0.0:
        return Figure(value=None, low=None, high=None, n=len(outcomes))
    ratio = hits / base
    spread = sqrt(sum((hit - ratio * of) ** 2 for hit, of in days.values()) * count / (count - 1)) / base
    half = student(count - 1) * spread
    low, high = byar(hits)
    return Figure(value=ratio, low=max(0.0, min(ratio - half, low / base)), high=max(ratio + half, high / base),
                  n=len(outcomes))  # fmt: skip


def byar(count: float) -> tuple[float, float]:
    """Return the 95 % interval of a Poisson mean of which `count` were seen, by Byar's approximation."""
    more = count + 1.0
    high = more * (1.0 - 1.0 / (9.0 * more) + _Z / (3.0 * sqrt(more))) ** 3
    low = count * max(0.0, 1.0 - 1.0 / (9.0 * count) - _Z / (3.0 * sqrt(count))) ** 3 if count else 0.0
    return low, high


def student(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t, by its expansion in 1/freedom (Abramowitz & Stegun 26.7.5)."""
    z = _Z
    return (
        z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if len(values) >= FEWEST else None


def _median(values: Sequence[float], days: int) -> Figure:
    """Take the median, with the order statistics that hold the true one in 95 % of samples."""
    n = len(values)
    if n < FEWEST or days < FEWEST_DAYS:
        return Figure(value=None, low=None, high=None, n=n)
    ordered, half = sorted(values), _Z * sqrt(n) / 2
    low, high = max(0, floor(n / 2 - half) - 1), min(n - 1, ceil(n / 2 + half))
    return Figure(value=median(ordered), low=ordered[low], high=ordered[high], n=n)


def _day(outcome: Outcome) -> int:
    return outcome.delivered_ms // DAY_MS
