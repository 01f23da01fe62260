"""What a rule set finds of the values of a moment, step by step."""

import time
from typing import Any

from virtuoso.alerts.rules.evaluator import Evaluator, Finding, RuleState
from virtuoso.alerts.rules.parse import parse
from virtuoso.alerts.rules.rule import RuleSet
from virtuoso.alerts.rules.values import CATALOGUE, Type
from virtuoso.model.alerts.incident import Incident, Severity

HOT = "{name: hot, when: score > 70, severity: critical, value: score, labels: {desk: a}, message: 'at {score}'}"
FALLS = "{name: falls, when: market_change_24h < -5}"
BUSY = "{name: busy, when: system_cpu_pct > 90, expire: 60}"


def rules(*each: str) -> RuleSet:
    return parse([("my.yaml", "rules:\n" + "".join(f"  - {text}\n" for text in each))])


def said(findings: list[Finding]) -> set[tuple[str, str | None, str]]:
    found = {(finding.kind, finding.symbol, str(finding.state)) for finding in findings}
    assert len(found) == len(findings)
    return found


class Driven:
    """An evaluator and the values it sees."""

    def __init__(self, *each: str) -> None:
        self.evaluator = Evaluator(rules(*each))

    def at(self, second: int, scores: dict[str, float | None], **shared: Any) -> set[tuple[str, str | None, str]]:
        return said(self.found(second, scores, **shared))

    def found(self, second: int, scores: dict[str, float | None], **shared: Any) -> list[Finding]:
        market = {name: value for name, value in shared.items() if name.startswith("market_")}
        system = {name: value for name, value in shared.items() if name.startswith("system_")}
        symbols = {symbol: {"symbol": symbol, "score": score} for symbol, score in scores.items()}
        return self.evaluator.step(second * 1_000, symbols, market, system)


def test_a_condition_that_holds_is_found_at_every_step_and_its_end_once() -> None:
    driven = Driven(HOT)
    assert driven.at(0, {"A": 71, "B": 70}) == {("hot", "A", "holds")}
    assert driven.at(1, {"A": 72, "B": 99}) == {("hot", "A", "holds"), ("hot", "B", "holds")}
    assert driven.at(2, {"A": 70, "B": 99}) == {("hot", "A", "over"), ("hot", "B", "holds")}
    assert driven.at(3, {"A": 70, "B": 99}) == {("hot", "B", "holds")}


def test_a_finding_says_what_the_rule_and_the_values_say() -> None:
    (found,) = Driven(HOT).found(0, {"A": 71.25})
    assert found == Finding(
        state=RuleState.HOLDS, kind="hot", symbol="A", labels={"desk": "a"}, severity=Severity.CRITICAL,
        message="at 71.25", value=71.25, details={"score": 71.25, "when": "score > 70", "measure": "score"},
    )  # fmt: skip
    (found,) = Driven("{name: hot, when: score > 70 and market_change_24h < 0}").found(
        0, {"A": 71.25}, market_change_24h=-1.5
    )
    assert found.message == "A: hot: score 71.25, market_change_24h -1.5"
    assert found.value is None


def test_a_rule_without_values_of_a_symbol_is_judged_once() -> None:
    driven = Driven(FALLS)
    assert driven.at(0, {"A": 1, "B": 2}, market_change_24h=-6) == {("falls", None, "holds")}
    assert driven.at(1, {}, market_change_24h=-6) == {("falls", None, "holds")}
    assert driven.at(2, {"A": 1}, market_change_24h=-5) == {("falls", None, "over")}


def test_unknown_never_fires() -> None:
    driven = Driven(HOT, FALLS)
    assert driven.at(0, {"A": None}) == set()
    assert driven.at(900, {"A": None}, market_change_24h=None) == set()


def test_values_that_a_rule_raises_at_are_unknown_and_cost_their_symbol_alone() -> None:
    driven = Driven(HOT, "{name: low, when: score < 30, expire: 60}")
    assert driven.at(0, {"A": 71, "B": 20}) == {("hot", "A", "holds"), ("low", "B", "holds")}
    broken: Any = "planted"
    assert driven.at(10, {"A": 72, "B": broken}) == {("hot", "A", "holds")}, "what is open of B goes on"
    assert isinstance(driven.evaluator.faults["B"], TypeError)
    assert driven.evaluator.faults.keys() == {"B"}
    assert driven.at(69, {"A": 50, "B": broken}) == {("hot", "A", "over")}
    assert driven.at(70, {"A": 50, "B": broken}) == {("low", "B", "expired")}, "as what is unknown for too long"
    assert driven.at(80, {"A": 50, "B": 20}) == {("low", "B", "holds")}
    assert driven.evaluator.faults == {}


def test_what_is_open_goes_on_while_it_is_unknown_and_expires_after_a_while() -> None:
    driven = Driven(BUSY)
    assert driven.at(0, {}, system_cpu_pct=95) == {("busy", None, "holds")}
    assert driven.at(10, {}) == set()
    assert driven.at(69, {}) == set()
    assert driven.at(70, {}) == {("busy", None, "expired")}
    assert driven.at(900, {}) == set()


def test_a_short_gap_in_what_is_known_does_not_count_towards_the_next_one() -> None:
    driven = Driven(BUSY)
    driven.at(0, {}, system_cpu_pct=95)
    for second in range(10, 200, 50):
        assert driven.at(second, {}) == set()
        assert driven.at(second + 40, {}, system_cpu_pct=95) == {("busy", None, "holds")}
    assert driven.at(300, {}) == set()
    assert driven.at(310, {}, system_cpu_pct=5) == {("busy", None, "over")}


def test_what_has_not_held_for_long_enough_begins_anew_when_it_is_unknown() -> None:
    driven = Driven("{name: hot, when: score > 70, for: 60}")
    assert driven.at(0, {"A": 71}) == {("hot", "A", "holds")}
    assert driven.at(59, {"A": None}) == {("hot", "A", "over")}
    assert driven.at(60, {"A": 71}) == {("hot", "A", "holds")}
    assert driven.at(120, {"A": None}) == set()


def test_a_symbol_that_left_expires_but_not_while_no_symbols_are_known_at_all() -> None:
    driven = Driven(HOT)
    driven.at(0, {"A": 71, "B": 71})
    assert driven.at(10, {}) == set()
    assert driven.at(20, {"B": 71}) == {("hot", "A", "expired"), ("hot", "B", "holds")}
    assert driven.at(30, {}) == set()
    assert driven.at(30 + 600, {}) == {("hot", "B", "expired")}


def test_a_rule_that_is_disabled_is_not_judged() -> None:
    assert Driven("{name: hot, when: score > 70, enabled: false}").at(0, {"A": 99}) == set()


def test_other_rules_expire_what_is_gone_or_means_something_else_and_leave_the_rest_alone() -> None:
    driven = Driven(
        HOT, FALLS, BUSY, "{name: off, when: score > 1}", "{name: gone, when: score > 1}",
        "{name: moved, when: score > 1}", "{name: renamed, when: score > 1, labels: {desk: a}}",
    )  # fmt: skip
    shared = {"market_change_24h": -6, "system_cpu_pct": 95}
    assert len(driven.at(0, {"A": 71}, **shared)) == 7
    driven.evaluator.reload(
        rules(
            HOT.replace("score > 70", "score>70").replace("critical", "info"), FALLS, "{name: new, when: score < 80}",
            "{name: off, when: score > 1, enabled: false}", "{name: moved, when: score > 2}",
            "{name: renamed, when: score > 1, labels: {desk: b}}",
        )
    )  # fmt: skip
    expired = [finding for finding in driven.found(10, {"A": 60}) if finding.state is RuleState.EXPIRED]
    of_symbols = {(name, "A", "expired") for name in ("off", "gone", "moved", "renamed")}
    assert said(expired) == {("busy", None, "expired"), *of_symbols}
    assert next(finding for finding in expired if finding.kind == "renamed").labels == {"desk": "a"}
    assert driven.at(20, {"A": 60}, **shared) == {
        ("falls", None, "holds"), ("new", "A", "holds"), ("moved", "A", "holds"), ("renamed", "A", "holds"),
    }  # fmt: skip


def test_what_is_unchanged_by_other_rules_ends_as_if_nothing_had_happened() -> None:
    driven = Driven(HOT)
    driven.at(0, {"A": 71})
    driven.evaluator.reload(rules(FALLS, HOT))
    assert driven.at(10, {"A": 60}) == {("hot", "A", "over")}


def incident(found: Finding, **changed: Any) -> Incident:
    labels = {"kind": found.kind, "exchange": "bybit"} | dict(found.labels)
    if found.symbol:
        labels["symbol"] = found.symbol
    fields: dict[str, Any] = {
        "id": "1", "kind": found.kind, "severity": found.severity, "message": "", "fired_ms": 0, "labels": labels,
        "symbol": found.symbol, "details": found.details or {},
    }  # fmt: skip
    return Incident(**fields | changed)


def test_after_a_restart_what_was_open_ends_when_it_is_over_and_expires_where_nobody_can_tell() -> None:
    (hot,) = Driven(HOT).found(0, {"A": 71})
    (busy,) = Driven(BUSY).found(0, {}, system_cpu_pct=95)
    (gone,) = Driven("{name: gone, when: score > 1}").found(0, {"A": 71})
    (moved,) = Driven("{name: moved, when: score > 1}").found(0, {"A": 71})
    found = [incident(each) for each in (hot, busy, gone, moved)]
    found += [incident(hot, symbol="B"), incident(hot, symbol="C", resolved_ms=5)]
    found += [incident(hot, kind="whale_trade", details={"size": 1}, symbol="A")]  # a built-in kind's
    driven = Driven(HOT, BUSY, "{name: moved, when: score > 2}")
    driven.evaluator.resume(found)
    assert driven.at(1, {"A": 60}) == {
        ("gone", "A", "expired"), ("hot", "A", "over"), ("hot", "B", "expired"), ("moved", "A", "expired"),
        ("moved", "A", "holds"),
    }  # fmt: skip
    assert driven.at(61, {"A": 60}) == {("busy", None, "expired"), ("moved", "A", "holds")}


def test_six_hundred_symbols_and_twenty_rules_cost_little() -> None:
    texts = [
        'score > 70 and agreement > 0.6 and data_quality == "live"',
        'signal in ("BUY", "SELL") and turnover_24h > 1e8',
        "abs(funding_rate) > 0.1",
        "(mark_price - index_price) / index_price * 100 > 0.5",
        'regime == "BULLISH" and market_regime != "BEARISH" and trend_strength > 25',
    ]
    driven = Evaluator(rules(*(f"{{name: r{i}, when: '{texts[i % 5]}'}}" for i in range(20))))
    values = {n: (v.choices or ("x",))[0] if v.type is Type.TEXT else 60.0 for n, v in CATALOGUE.items()}
    symbols = {f"S{i}": dict(values) for i in range(600)}
    took = []
    for step in range(3):
        began = time.thread_time()
        driven.step(step, symbols, {}, {})
        took.append(time.thread_time() - began)
    assert min(took) < 0.3, took  # 0.06 s of processor time on a quiet machine
