"""Alerts in the record: seldom enough or not, worth an interruption or not, and what cannot be told is said so."""

from types import SimpleNamespace
from typing import Any

import pytest

from virtuoso.research.track_record.alerts import Alerts, tables
from virtuoso.research.track_record.markdown import table_lines
from virtuoso.research.track_record.sections import Gate


def figure(value: float | None, low: float | None = None, high: float | None = None, n: int = 40) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n}


def horizon(minutes: int, lift: dict[str, Any]) -> dict[str, Any]:
    return {
        "horizon_min": minutes, "days": 9, "lift": lift, "precision": figure(0.2, 0.1, 0.3), "base": 0.05,
        "lead_s": figure(180.0, 120.0, 300.0), "remained": figure(None, n=3), "reason": None,
    }  # fmt: skip


def document(sudden: float = 0.5, median: float | None = 4.0, busy: float | None = 10.0) -> dict[str, Any]:
    counts = {"found": 40, "after_cooldown": 30, "at_once": 9, "in_group": 1, "in_digest": 10, "untold": 20}
    lifts = (figure(4.0, 2.0, 6.0), figure(1.2, 0.4, 3.0))
    return {
        "assumed": "a path", "symbol_days": 80.0, "kinds": {"sudden_move": {**counts, "per_symbol_and_day": sudden}},
        "worth": {
            "sudden_move": {
                "kind": "sudden_move", "incidents": 30, "interruptions": 9,
                "horizons": [horizon(minutes, lift) for minutes, lift in zip((15, 60), lifts, strict=True)],
            }
        },
        "interruptions_a_day": {"median": median, "of_95_pct_of_days_at_most": busy, "most": 10, "days": 30},
    }  # fmt: skip


def judged(found: dict[str, Any] | None) -> Alerts:
    topic = Alerts()
    topic.add(SimpleNamespace(spec=SimpleNamespace(name="planted"), alerts=found))  # type: ignore[arg-type]
    return topic


def verdicts(gates: list[Gate]) -> list[bool | None]:
    return [gate.passed for gate in gates]


def test_what_comes_as_seldom_as_it_should_holds() -> None:
    assert verdicts(judged(document()).gates()) == [True, True, True]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (document(sudden=0.61), [False, True, True]),
        (document(median=4.5), [True, False, True]),
        (document(busy=11.0), [True, True, False]),
        (document(median=None, busy=None), [True, None, None]),
    ],
)
def test_what_comes_too_often_fails_and_what_was_not_seen_is_not_judged(
    found: dict[str, Any], expected: list[bool | None]
) -> None:
    assert verdicts(judged(found).gates()) == expected


def test_a_kind_without_an_incident_comes_never() -> None:
    assert verdicts(judged(document() | {"kinds": {}, "worth": {}}).gates())[0] is True


def test_the_page_says_which_kinds_were_worth_more_than_any_minute() -> None:
    (section,) = judged(document()).sections()
    assert section.text[1] == (
        "More often than after equal minutes a move followed: sudden_move at 15 m (planted). "
        "Not significant (the interval holds 1): sudden_move at 1 h (planted)."
    )
    interruptions, incidents, followed = map(list, map(table_lines, section.tables))
    assert interruptions[2] == "| planted | 4.0 | 10.0 | 10 | 30 |"
    assert incidents[2] == "| planted | sudden_move | 40 | 0.50 | 30 | 9 | 1 | 10 | 20 |"
    assert followed[2].startswith(
        "| planted | sudden_move | 15 m | 4.00 [2.00, 6.00] | 20.0 [10.0, 30.0] | 5.0 | 3.0 [2.0, 5.0] | unknown | 9 |"
    )


def test_a_set_without_alerts_adds_nothing_and_one_run_alone_is_not_named() -> None:
    topic = judged(None)
    assert (topic.gates(), topic.sections()) == ([], [])
    assert [table.columns[0].title for table in tables(document())] == ["median", "kind", "kind"]
