"""Minutes through detectors and stages: what is planted is found, told once, and the same however blocks are cut."""

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.support.panels import START_MS, part, random_bars

from virtuoso.alerts.policy import Policy
from virtuoso.alerts.stages.pipeline import PipelineSettings
from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.market.panel import BarBlock
from virtuoso.model.catalogue.detectors import DETECTORS, FastParameters
from virtuoso.research.detecting.minutes import DRIVEN, FORESEEN, LEARNT
from virtuoso.research.detecting.played import AlertPlan, PlayedAlerts
from virtuoso.research.seams import Seam

MINUTE, N, MINUTES = 60_000, 2, 1_700
FIRST, AGAIN = 1_400, 1_600
LIKELY = 1_500
NAMES = ("AUSDT", "BUSDT")
Rows = list[dict[str, Any]]


def plan(**policies: Policy) -> AlertPlan:
    parameters = FastParameters(**{name: make() for name, make in DETECTORS.items()})
    return AlertPlan(detectors=parameters, stages=PipelineSettings(), usual=Policy(), policies=policies)


def market(*jumps: int, percent: float = 6.0) -> BarBlock:
    """Calm walks; from these minutes on A is higher by a jump within that minute, on forty times the volume."""
    bars = random_bars(MINUTES, N, seed=11)
    steps = np.zeros((MINUTES, N))
    values = {name: getattr(bars, name).copy() for name in ("open", "high", "low", "close", "volume")}
    for at in jumps:
        steps[at, 0] = np.log1p(percent / 100)
        values["volume"][at, 0] *= 40
    after, before = np.exp(np.cumsum(steps, axis=0)), np.exp(np.cumsum(steps, axis=0) - steps)
    values["open"] *= before
    values["low"] *= before
    values["close"] *= after
    values["high"] *= after
    return replace(bars, **values)


def cut(of: Forecasts, a: int, b: int) -> Forecasts:
    """The closes of a part."""
    parts: dict[str, Any] = {}
    for field in fields(of):
        value = getattr(of, field.name)
        parts[field.name] = {h: x[..., a:b, :] for h, x in value.items()} if isinstance(value, dict) else value
    parts |= {
        "close_ms": of.close_ms[a:b], "outcomes": Outcomes(*(x[:, a:b] for x in vars_of(of.outcomes))),
    }  # fmt: skip
    return Forecasts(**parts)


def vars_of(of: Outcomes) -> tuple[np.ndarray, ...]:
    return of.close, of.high, of.low


def played(bars: BarBlock, cuts: tuple[int, ...] = (), **options: Any) -> tuple[Rows, dict[str, Any]]:
    alerts = PlayedAlerts(NAMES, options.pop("plan", plan()))
    own = options.pop("own", np.isfinite(bars.close))
    rows: Rows = []
    for a, b in pairwise((0, *cuts, MINUTES)):
        said = [cut(each, a, b) for each in options.get("forecasts", ())]
        rows += alerts.play(part(bars, a, b), own[a:b], options.get("seams", ()), said)
    rows += alerts.rest()
    return sorted(rows, key=lambda row: (row["fired"], row["kind"])), alerts.document()


def foreseen(bars: BarBlock, width: float) -> list[Forecasts]:
    """At each close the same: 95 % within ± `width`, a large move of an hour as likely as it can be at one of them."""
    closes, one = bars.open_ms + MINUTE, np.ones((MINUTES, N))
    sides = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0])[:, None, None]
    quantiles = dict.fromkeys((15, 60), sides * width * one)
    values: dict[str, Any] = {name: {} for name in Forecasts.__dataclass_fields__}
    values |= {
        "version": "f1", "close_ms": closes, "rows": np.arange(N),
        "volatility": dict.fromkeys((15, 60), width / 2 * one), "cone": quantiles, "high": quantiles, "low": quantiles,
        "cost_bp": one, "realised": np.zeros((3, MINUTES, N)),
        "outcomes": Outcomes(*(np.zeros((3, MINUTES, N)) for _ in range(3))),
        "large_move": {60: np.where(np.arange(MINUTES)[:, None] == LIKELY, 1.0, 0.1 * one)},
        "large_move_base": {60: 0.2 * one}, "large_move_threshold": {60: 0.01 * one},
    }  # fmt: skip
    return [Forecasts(**values)]


def of(rows: Rows, kind: str, after: int = 0, until: int = MINUTES) -> Rows:
    begin, end = START_MS + after * MINUTE, START_MS + until * MINUTE
    return [row for row in rows if row["kind"] == kind and begin <= row["fired"].timestamp() * 1_000 < end]


def test_a_jump_is_found_within_its_minute_and_told_once_within_the_cooldown() -> None:
    rows, document = played(market(FIRST, AGAIN))
    (first,) = of(rows, "sudden_move", FIRST, FIRST + 1)
    assert (first["symbol"], first["side"], first["how"], first["withheld_by"]) == ("AUSDT", "up", "at once", None)
    assert first["fired"].second in {20, 40, 59}
    (again,) = of(rows, "sudden_move", AGAIN, AGAIN + 1)
    assert (again["how"], again["withheld_by"]) == (None, "cooldown")
    assert again["reason"].startswith("cooldown: ")
    (spike,) = of(rows, "volume_spike", FIRST, FIRST + 2)
    assert spike["symbol"] == "AUSDT"
    counts = document["kinds"]["sudden_move"]
    assert counts["found"] == len(of(rows, "sudden_move")) > counts["after_cooldown"]
    assert counts["found"] == counts["at_once"] + counts["in_group"] + counts["untold"]
    days = N * (MINUTES - LEARNT) / 1_440
    assert document["symbol_days"] == pytest.approx(days)
    assert counts["per_symbol_and_day"] == pytest.approx(counts["found"] / days)


def test_without_a_cooldown_both_are_told() -> None:
    rows, document = played(market(FIRST, AGAIN), plan=plan(sudden_move=Policy(cooldown_ms=0)))
    assert [row["how"] for row in of(rows, "sudden_move", FIRST) if row["side"] == "up"].count("at once") == 2
    assert document["interruptions_a_day"]["most"] >= 2


def test_what_is_learnt_is_never_judged() -> None:
    rows, _ = played(market(LEARNT - 100))
    assert not of(rows, "sudden_move", 0, LEARNT)
    assert not of(rows, "volume_spike", 0, LEARNT)
    warm = np.arange(MINUTES)[:, None] >= np.full((1, N), FIRST + 10)
    rows, document = played(market(FIRST), own=warm)
    assert not of(rows, "sudden_move", 0, FIRST + 10)
    assert document["symbol_days"] == pytest.approx(N * (MINUTES - FIRST - 10) / 1_440)


@pytest.mark.parametrize("cuts", [(1,), (FIRST,), (500, FIRST - 1, FIRST + 1), (LEARNT - 1, LEARNT, AGAIN + 3)])
def test_where_blocks_are_cut_changes_nothing(cuts: tuple[int, ...]) -> None:
    bars = market(FIRST, AGAIN)
    bars.close[1_200:1_203, 1] = np.nan
    assert played(bars, cuts) == played(bars)


def test_a_contract_that_is_another_one_is_learnt_anew() -> None:
    bars = market(FIRST)
    seams = [Seam(NAMES[0], 0, START_MS + 1_300 * MINUTE, 3)]
    rows, document = played(bars, (1_300,), seams=seams)
    assert not [row for row in of(rows, "sudden_move", FIRST, FIRST + 1) if row["symbol"] == NAMES[0]]
    assert document["symbol_days"] == pytest.approx((MINUTES - LEARNT + 1_300 - LEARNT) / 1_440)


def test_a_run_in_which_nothing_is_judged_has_no_figures() -> None:
    _, document = played(market(), own=np.zeros((MINUTES, N), np.bool_))
    assert document["kinds"] == {}
    assert document["interruptions_a_day"] == {
        "median": None, "of_95_pct_of_days_at_most": None, "most": None, "days": 0,
    }  # fmt: skip


def test_with_forecasts_their_kinds_are_found_too_and_what_followed_is_measured() -> None:
    bars = market(FIRST, FIRST + 30)
    rows, document = played(bars, forecasts=foreseen(bars, 0.03))
    (first, again) = of(rows, "cone_touched", FIRST)
    assert (first["symbol"], first["side"], first["severity"]) == ("AUSDT", "up", "warning")
    assert [row["fired"].timestamp() * 1_000 // MINUTE - START_MS // MINUTE for row in (first, again)] == [
        FIRST, FIRST + 30,
    ]  # fmt: skip
    likely = of(rows, "large_move_likely")
    assert {row["symbol"] for row in likely} == set(NAMES)
    assert {row["fired"].timestamp() * 1_000 for row in likely} == {START_MS + (LIKELY + 1) * MINUTE}
    assert set(document["kinds_judged"]) == {*DRIVEN, *FORESEEN}
    (quarter, hour) = document["worth"]["cone_touched"]["horizons"]
    assert (quarter["precision"]["n"], hour["precision"]["n"]) == (1, 1), "of the second nobody was notified"


def test_forecasts_do_not_depend_on_where_blocks_are_cut() -> None:
    bars = market(FIRST, AGAIN)
    said = foreseen(bars, 0.03)
    assert played(bars, (500, FIRST, LIKELY + 1), forecasts=said) == played(bars, forecasts=said)
