"""Examples for the OpenAPI document: alerts."""

from dataclasses import asdict
from typing import Any

from virtuoso.model.catalogue.detectors import SuddenMoveParameters
from virtuoso.model.catalogue.kinds import KINDS

ALERT: dict[str, Any] = {
    "id": "1f2e3d4c5b6a7988", "level": "warning", "message": "LAYERUSDT down 3.41 % in 5 min, to 0.8483",
    "details": {"move_pct": -3.41, "minutes": 5}, "timestamp": "2026-11-23T20:45:02.000Z", "source": "monitor",
    "alert_type": "sudden_move", "symbol": "LAYERUSDT", "resolved": False, "resolved_at": None, "acknowledged": True,
    "labels": {"exchange": "bybit", "kind": "sudden_move", "side": "down", "symbol": "LAYERUSDT"}, "state": "firing",
    "value": 3.41, "acknowledged_by": "anna", "held": None, "told_at": "2026-11-23T20:45:02.000Z",
}  # fmt: skip
HISTORY = {"alerts": [ALERT], "next": None, "reason": None}
DETAIL = ALERT | {
    "part": None, "pending_at": None, "escalated_at": None, "told_level": "warning", "signal": None,
    "path": [
        {"at": "2026-11-23T20:45:02.000Z", "stage": "inhibit", "passed": True, "reason": "nothing inhibits it"},
        {
            "at": "2026-11-23T20:45:02.000Z", "stage": "route", "passed": True,
            "reason": "notified: notice 9f2c4e1a7b3d5860 to discord",
        },
    ],
    "outcomes": [{
        "horizon_min": 15, "symbol": "LAYERUSDT", "delivered_at": "2026-11-23T20:45:02.000Z",
        "due_at": "2026-11-23T21:01:00.000Z", "settled_at": "2026-11-23T21:01:01.000Z", "interrupted": True,
        "band": [-1.9, 1.9], "band_reason": None, "base": 0.058, "entry": 0.8481, "closed": -2.14, "highest": 0.22,
        "lowest": -2.6, "left_band": True, "touched_min": 9, "reason": None,
    }],
    "around": [{
        "id": "5c6d7e8f90a1b2c3", "level": "info", "message": "LAYERUSDT: one order sold 84,000 USDT",
        "alert_type": "whale_trade", "symbol": "LAYERUSDT", "timestamp": "2026-11-23T20:44:58.000Z", "resolved": True,
        "state": "resolved", "told_at": None,
        "withheld": {
            "at": "2026-11-23T20:44:58.000Z", "stage": "budget", "passed": False,
            "reason": "digest: an info, whose lift is not known to be 1.3 or more",
        },
    }],
}  # fmt: skip
ACKNOWLEDGING = {"by": "anna", "comment": "looking at it"}
SILENCING = {
    "matcher": {"kind": "sudden_move", "symbol": "LAYER*"}, "duration_s": 7200.0, "author": "anna",
    "comment": "listing of spot today", "starts_in_s": 0.0,
}  # fmt: skip
SILENCE = {
    "id": "8a7b6c5d4e3f2a1b", "state": "active", "matcher": {"kind": "sudden_move", "symbol": "LAYER*"},
    "starts_at": "2026-11-23T20:50:00.000Z", "ends_at": "2026-11-23T22:50:00.000Z",
    "created_at": "2026-11-23T20:50:00.000Z", "author": "anna", "comment": "listing of spot today",
}  # fmt: skip
SILENCES = {"silences": [SILENCE], "reason": None}
DELIVERY: dict[str, Any] = {
    "id": "0f6c9b0a5d3e4f71a2b8c4d5e6f70812", "channel": "discord", "state": "dead", "role": "alert",
    "level": "warning", "title": "LAYERUSDT down 3.41 % in 5 min", "alerts": ["1f2e3d4c5b6a7988"],
    "created_at": "2026-11-23T20:45:02.000Z", "expires_at": "2026-11-24T02:45:02.000Z", "attempts": 1,
    "repeat": False, "error": "status 400: the message is too long", "folded_into": None,
}  # fmt: skip
DELIVERIES = {"deliveries": [DELIVERY], "next": None, "reason": None}
ADDING: dict[str, Any] = {
    "name": "stretched", "when": "score_percentile > 95", "severity": "warning", "author": "anna",
}  # fmt: skip
ADDED = ADDING | {"created_at": "2026-11-23T20:50:00.000Z"}
_MOVE = KINDS["sudden_move"]
_POLICY: dict[str, Any] = {
    "kind": "sudden_move", "enabled": True, "system": False, "severity": None, "severities": list(_MOVE.severities),
    "for": 0.0, "cooldown": 43200.0, "rearm": 0.0, "change": None, "escalate_after": None, "channels": None,
    "place": None, "removable": False,
    "when": _MOVE.condition_of(asdict(SuddenMoveParameters())), "labels": {}, "title": _MOVE.title,
    "meaning": _MOVE.meaning, "check": _MOVE.check,
}  # fmt: skip
RULES = {
    "timestamp": "2026-11-23T20:46:10.000Z", "kinds": [_POLICY],
    "rules": [_POLICY | {
        "kind": "funding-and-score", "severity": "warning", "severities": ["warning"], "for": 300.0,
        "place": "rules.yaml:3", "when": "funding > 0.05 and score < 35", "labels": {"desk": "perps"},
        "title": None, "meaning": None, "check": None,
    }],
    "left_out": [{
        "rule": ADDED | {"name": "funding-and-score"}, "reason": "there is a rule 'funding-and-score' already",
    }],
    "reason": None,
}  # fmt: skip
PIPELINE = {
    "timestamp": "2026-11-23T20:46:10.000Z", "fired": 41, "resolved": 39, "open": 2,
    "stages": [{"stage": "cooldown", "passed": 38, "withheld": 3, "held": 1}],
    "channels": [{
        "name": "discord", "state": "up", "since": "2026-11-23T20:40:00.000Z", "not_before": None, "error": None,
        "waiting": 0, "dead": 0, "oldest": None, "counters": {"sent": 12, "failed": 0},
    }],
    "reason": None,
}  # fmt: skip
_NONE = {"value": None, "low": None, "high": None}
PERFORMANCE = {
    "timestamp": "2026-11-23T20:46:10.000Z",
    "kinds": [{
        "kind": "sudden_move", "incidents": 64, "interruptions": 31,
        "horizons": [{
            "horizon_min": 60, "days": 33, "lift": {"value": 2.4, "low": 1.5, "high": 3.3, "n": 64},
            "precision": {"value": 0.14, "low": 0.07, "high": 0.25, "n": 64}, "base": 0.058,
            "lead_s": _NONE | {"n": 11}, "remained": {"value": 0.31, "low": 0.22, "high": 0.4, "n": 64}, "reason": None,
        }],
    }],
    "pending": 2, "interruptions_today": 1, "interruptions_allowed": 10,
    "interrupting": [
        {"kind": "sudden_move", "level": "warning", "interrupts": True, "reason": None},
        {"kind": "whale_trade", "level": "info", "interrupts": False,
         "reason": "digest: an info, whose lift is not known to be 1.3 or more"},
    ],
    "reason": None,
}  # fmt: skip
