"""Answers of how good what was lived was, and what was measured on files, shortened, for the API's description."""

from typing import Any

_NONE: dict[str, Any] = {"value": None, "low": None, "high": None, "n": 0, "n_eff": None, "days": 0}


def _figure(value: float, low: float, high: float, n: int = 20_160, n_eff: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n, "n_eff": n_eff, "days": 21}


_NO_CHANCE = dict.fromkeys(
    ("skill", "log_skill", "log_score", "calibration_error", "claimed", "came"), _NONE
) | {"reliability": ()}  # fmt: skip
_NO_RESULT = {"hit": _NONE, "net_bp": _NONE, "net_twice_cost_bp": _NONE}
_LARGE = {
    "skill": _figure(0.061, 0.048, 0.073, n_eff=1_840.0), "log_skill": _figure(0.058, 0.045, 0.07, n_eff=1_840.0),
    "log_score": _figure(0.471, 0.455, 0.488), "calibration_error": _figure(0.011, 0.008, 0.021),
    "claimed": _figure(0.198, 0.188, 0.209), "came": _figure(0.203, 0.187, 0.22, n_eff=1_840.0),
    "reliability": ({"claimed": 0.151, "came": 0.149, "n": 6_204},),
}  # fmt: skip
_CONE = {
    "bands": (
        {"claimed": 0.8, "inside": _figure(0.797, 0.782, 0.812), "below": _figure(0.104, 0.092, 0.116),
         "above": _figure(0.099, 0.088, 0.111)},
    ),
    "touched": ({"tail": 0.9, "high": _figure(0.894, 0.881, 0.906), "low": _figure(0.903, 0.89, 0.915)},),
    "pinball_bp": _figure(6.1, 5.6, 6.7), "pinball_skill": _figure(0.047, 0.036, 0.059),
}  # fmt: skip
PERFORMANCE: dict[str, Any] = {
    "timestamp": "2026-11-23T20:45:10.000Z", "origin": "lived", "since": "2026-11-03T00:00:00.000Z", "pending": 102,
    "horizons": ({
        "horizon_min": 15, "readings": 20_160, "unknown": 15, "large_move": _LARGE, "beyond_costs": _NO_CHANCE,
        "cone": _CONE, "any_time": ({"rule": "always_long"} | _NO_RESULT,),
        "claims": {
            "made": {"rule": "claims"} | _NO_RESULT, "confidence": _NONE, "rivals": (), "hold_confidence": _NONE,
            "hold_right": _NONE, "lean_probability": _NONE, "lean_right": _NONE,
        },
        "stop_first": _figure(0.11, 0.1, 0.12), "target_first": _figure(0.05, 0.04, 0.06),
    },),
    "groups": ({
        "by": "regime", "name": "VOLATILE", "horizon_min": 15, "readings": 2_404,
        "large_move_skill": _figure(0.07, 0.02, 0.12, 2_404), "beyond_costs_skill": _NONE,
        "inside_80": _figure(0.79, 0.76, 0.82, 2_404), "claim_hit": _NONE, "claim_net_bp": _NONE,
    },),
    "reason": None,
}  # fmt: skip
BACKTESTED: dict[str, Any] = {
    "origin": "files",
    "sets": [{
        "set": "2025-05", "title": "thirty days, May 2025: 16 perpetuals, 1m",
        "since": "2025-05-04T16:05:00.000Z", "until": "2025-06-03T16:00:00.000Z",
    }],
    "horizons": [{
        "horizon_min": 60,
        "forecasts": [{
            "set": "2025-05", "large_move_skill": [0.0548, 0.0403, 0.0709],
            "volatility_r2": [0.5679, 0.5012, 0.6233], "cone_50": [0.501, 0.4868, 0.5147],
            "cone_80": [0.8043, 0.7911, 0.8169], "cone_95": [0.9508, 0.9434, 0.9577],
        }],
    }],
}  # fmt: skip
