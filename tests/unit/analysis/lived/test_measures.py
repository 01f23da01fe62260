"""The sums against plain arithmetic of one statement at a time."""

from math import isclose, log

import numpy as np
import pytest
from tests.support.lived import came, statements

from virtuoso.analysis.forecast.horizons import OUTCOME_HORIZONS_MIN, TAILS
from virtuoso.analysis.lived.came import Came, inside
from virtuoso.analysis.lived.measures import AT, MEASURES, measured
from virtuoso.analysis.lived.statements import Statements
from virtuoso.analysis.lived.sums import ALL, GroupSums


@pytest.mark.parametrize("minutes", OUTCOME_HORIZONS_MIN)
def test_the_measures_of_a_horizon_are_those_of_plain_arithmetic(minutes: int) -> None:
    rng = np.random.default_rng(minutes)
    for _ in range(8):
        said = statements(rng, 12)
        after = came(rng, said, minutes, missing=2)
        found = measured(said, after)
        for i in range(12):
            expected = by_hand(said, after, i)
            for name in MEASURES:
                assert isclose(found[AT[name], i], expected.get(name, 0.0), rel_tol=1e-12, abs_tol=1e-15), (name, i)


def by_hand(said: Statements, after: Came, i: int) -> dict[str, float]:
    def of(name: str) -> float:
        return float(said[name][i])

    minutes, out = after.horizon_min, {"said": 1.0}
    if after["reason"][i]:
        return out
    r, high, low, first = (float(after[name][i]) for name in ("closed", "highest", "lowest", "first"))
    out |= {"known": 1.0, "entry_n": 1.0, "entry_stop": first == -1.0, "entry_target": first == 1.0}
    funding = of(f"funding_bp_{minutes}")
    long, short = 1e-4 * of("cost_bp") + 1e-4 * funding, 1e-4 * of("cost_bp") - 1e-4 * funding
    up, down = r > long, -r > short
    out |= {"cost_n": 1.0, "cost": (long + short) / 2, "up": up, "down": down, "long": r}
    if minutes <= 240:
        side = 1.0 if of(f"past_{minutes}") > 0 else -1.0
        out |= {"momentum_n": 1.0, "momentum": side * r, "momentum_cost": (long + short) / 2}
        out |= {"momentum_paid": up if side > 0 else down, "reversal_paid": down if side > 0 else up}
    label = of("label")
    if label in (-1.0, 1.0):
        cost = long if label > 0 else short
        out |= {
            "claim_n": 1.0, "claim_confidence": of("confidence"), "claim_paid": up if label > 0 else down,
            "claim_net": label * r - cost, "claim_cost": cost,
        }  # fmt: skip
    if minutes == 60:
        better = up if of("beyond_up_60") >= of("beyond_down_60") else down
        if label == 0:
            out |= {"hold_n": 1.0, "hold_confidence": of("confidence"), "hold_right": not better}
        if of("lean") in (-1.0, 1.0) and (up or down):
            right = up if of("lean") > 0 else down
            out |= {"lean_n": 1.0, "lean_probability": of("lean_probability"), "lean_right": right}
    if minutes <= 60:
        large = abs(r) > of(f"large_move_threshold_{minutes}")
        judged(out, "large", of(f"large_move_{minutes}"), of(f"large_move_base_{minutes}"), large)
        for name, paid in (("up", up), ("down", down)):
            judged(out, "beyond", of(f"beyond_{name}_{minutes}"), of(f"base_{name}_{minutes}"), paid)
        edge = of(f"large_move_threshold_{minutes}")
        inner = [of(f"cone_{minutes}_{k}") for k in (1, 4)]
        out |= {
            "rival_n": 1.0, "rival_pinball": pinball((-edge, edge), (0.1, 0.9), r),
            "own_pinball": pinball(inner, (0.1, 0.9), r),
        }  # fmt: skip
    if minutes <= 240:
        cone = [of(f"cone_{minutes}_{k}") for k in range(6)]
        out |= {"cone_n": 1.0, "touch_n": 1.0, "pinball": pinball(cone, TAILS, r)}
        for k in range(6):
            out[f"below_{k}"] = r <= cone[k]
            out[f"high_{k}"], out[f"low_{k}"] = high <= of(f"high_{minutes}_{k}"), low <= of(f"low_{minutes}_{k}")
    return out


def judged(out: dict[str, float], name: str, p: float, base: float, came: bool) -> None:
    y = float(came)
    losses = {
        "n": 1.0, "p": p, "came": y, "brier": (p - y) ** 2, "brier_base": (base - y) ** 2,
        "log": -log(p if came else 1 - p), "log_base": -log(base if came else 1 - base),
    }  # fmt: skip
    bins = {"n": 1.0, "p": p, "came": y}
    for prefix, values in ((name, losses), (f"{name}_bin{int(10 * p)}", bins)):
        for key, value in values.items():
            out[f"{prefix}_{key}"] = out.get(f"{prefix}_{key}", 0.0) + value


def pinball(quantiles: list[float] | tuple[float, ...], tails: tuple[float, ...], r: float) -> float:
    return float(
        np.mean([tau * (r - q) if r >= q else (tau - 1) * (r - q) for q, tau in zip(quantiles, tails, strict=True)])
    )


def test_what_was_not_said_counts_for_nothing() -> None:
    rng = np.random.default_rng(3)
    unknown = dict.fromkeys(
        ("large_move_15", "beyond_up_15", "beyond_down_15", "cone_15_0", "high_15_3", "cost_bp", "stop"), np.nan
    )
    said = statements(rng, 3, **unknown)
    found = measured(said, came(rng, said, 15))
    for name in ("large_n", "beyond_n", "cone_n", "touch_n", "rival_n", "cost_n", "claim_n", "hold_n", "momentum_n"):
        assert not found[AT[name]].any(), name
    assert np.isfinite(found).all()


def test_sums_are_exact_in_whatever_order_they_are_made() -> None:
    rng = np.random.default_rng(5)
    parts = [(said, came(rng, said, 60, missing=k % 3)) for k in range(40) for said in [statements(rng, 9)]]
    forth, back = GroupSums(), GroupSums()
    for part in parts:
        forth.add(*part)
    for part in reversed(parts):
        back.add(*part)
    np.testing.assert_array_equal(forth.table()[1], back.table()[1])
    whole = sum(measured(*part).sum(axis=1) for part in parts)
    np.testing.assert_allclose(forth[ALL], whole, rtol=1e-9, atol=1e-9)
    for by in ("symbol", "hour", "label", "regime"):
        each = [forth[group] for group in forth.groups() if group[0] == by]
        np.testing.assert_array_equal(np.sum(each, axis=0), forth[ALL])


def test_the_band_of_the_cone_that_a_return_lies_in() -> None:
    quantiles = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])[:, None] * np.ones(6)
    returns = np.array([0.0, 1.5, -2.5, 3.5, 3.0, np.nan])
    assert inside(returns, quantiles).tolist() == [3, 2, 1, 0, 1, -1]
