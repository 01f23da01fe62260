"""What followed the incidents of a run: from the delivery on, by the band of the close before, never across a seam."""

from typing import Any

import numpy as np
import pytest

from virtuoso.analysis.forecast.forecasts import Forecasts
from virtuoso.analysis.forecast.outcomes import Outcomes
from virtuoso.model.alerts.incident import Incident, Severity
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.detecting.followed import FollowedIncidents

T0, MINUTE = 20_240 * DAY_MS, 60_000
DAYS, EVERY = 6, 240
N = 2


def forecasts(closes: np.ndarray, width: float = 0.01) -> Forecasts:
    """Bands of ± `width` at all closes, for either horizon."""
    sides = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0])[:, None, None]
    one = np.ones((closes.size, N))
    values: dict[str, Any] = {name: {} for name in Forecasts.__dataclass_fields__}
    values |= {
        "version": "f1", "close_ms": closes, "rows": np.arange(N), "cost_bp": one,
        "volatility": dict.fromkeys((15, 60), width / 2 * one), "cone": dict.fromkeys((15, 60), sides * width * one),
        "outcomes": Outcomes(*(np.zeros((3, closes.size, N)) for _ in range(3))), "realised": np.zeros((3, *one.shape)),
    }  # fmt: skip
    return Forecasts(**values)


def incident(number: int, fired_ms: int) -> Incident:
    return Incident(
        id=f"i{number}", kind="sudden_move", symbol="A", severity=Severity.WARNING, message="", fired_ms=fired_ms,
        details={"direction": "up", "from": 99.0},
    )  # fmt: skip


def played(*, seam: int | None = None, band: bool = True) -> dict[str, Any]:
    """Of the incidents, one each four hours, every second is followed by a rise of 2 % twenty minutes later."""
    count = DAYS * 1_440
    prices = np.full((count, N, 4), 100.0)
    begun = list(range(120, count, EVERY))
    for number, k in enumerate(begun):
        if number % 2 == 0:
            prices[k + 20 : k + 100, 0] = 102.0
    followed, said = FollowedIncidents(("A", "B")), forecasts(T0 + MINUTE * np.arange(1, count + 1))
    for k in range(count):
        if seam is not None and k % EVERY == 120 + seam:
            followed.begin_anew(0)
        if k in begun:
            at_ms = T0 + k * MINUTE + 20_000
            followed.begin([(incident(k, at_ms), k % 480 == 120)], at_ms)
        followed.close(T0 + k * MINUTE, prices[k].copy())
        if band and k + 1 in begun:
            followed.foresee(said, k)
    (found,) = followed.document().values()
    return dict(found)


def test_what_follows_the_delivery_is_measured_by_the_band_issued_before() -> None:
    found = played()
    assert (found["kind"], found["incidents"], found["interruptions"]) == ("sudden_move", 36, 18)
    quarter, hour = found["horizons"]
    assert (quarter["horizon_min"], quarter["precision"]["value"]) == (15, 0.0)
    assert (hour["precision"]["value"], hour["precision"]["n"]) == (0.5, 36)
    assert hour["remained"]["value"] == pytest.approx(np.log(1.02) / np.log(102 / 99) / 2)


def test_the_lead_is_from_the_entry_to_the_minute_in_which_the_band_was_left() -> None:
    _, hour = played()["horizons"]
    assert (hour["lead_s"]["value"], hour["lead_s"]["n"]) == (None, 18), "of eighteen only"


def test_no_way_leads_across_a_contract_that_became_another_one() -> None:
    quarter, hour = played(seam=30)["horizons"]
    assert quarter["precision"]["n"] == 36, "it was over before the seam"
    assert (hour["precision"]["n"], hour["reason"]) == (0, "bars of these minutes are missing")


def test_without_forecasts_there_is_no_lift_and_it_says_why() -> None:
    _, hour = played(band=False)["horizons"]
    assert (hour["lift"]["value"], hour["reason"]) == (None, "no forecast was made at the time")
    assert hour["remained"]["n"] == 36
