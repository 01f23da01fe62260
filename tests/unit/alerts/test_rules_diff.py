"""Two rule sets beside each other: which alerts are new, gone, or moved, and what they send."""

from virtuoso.alerts.rules.parse import parse
from virtuoso.alerts.stages.pipeline import PipelineSettings
from virtuoso.alerts.stages.stage_state import Route
from virtuoso.model.alerts.incident import Severity
from virtuoso.playback.rule_diff import Alert, Judged, differing


def alert(rule: str, symbol: str | None, fired_ms: int) -> Alert:
    return Alert(rule, symbol, fired_ms, f"{rule} {symbol}")


def test_alerts_of_a_rule_and_symbol_are_paired_first_by_time_then_in_order() -> None:
    old = [alert("a", "X", 10), alert("a", "X", 50), alert("a", "Y", 10), alert("b", None, 7), alert("c", "X", 3)]
    new = [alert("a", "X", 50), alert("a", "X", 20), alert("a", "X", 90), alert("b", None, 7), alert("d", "X", 3)]
    appear, vanish, moved = differing(old, new)
    assert appear == [alert("d", "X", 3), alert("a", "X", 90)]
    assert vanish == [alert("c", "X", 3), alert("a", "Y", 10)]
    assert moved == [(alert("a", "X", 10), alert("a", "X", 20))]
    assert differing(old, old) == ([], [], [])


def judged(rule: str) -> Judged:
    routes = [Route(channel="all"), Route(channel="grave", least=Severity.CRITICAL), Route(channel="chat")]
    settings = PipelineSettings(group_wait_ms=5_000, group_interval_ms=60_000)
    return Judged(parse([("r", f"rules:\n  - {rule}")]), "bybit", routes, settings)


def played(rule: str) -> tuple[list[tuple[str | None, int]], dict[str, int]]:
    """Scores of ten symbols rise through 70 in the tenth second, and fall in the thirtieth."""
    side = judged(rule)
    for second in range(1, 61, 2):
        score = 80.0 if 10 <= second < 30 else 60.0
        side.step(second * 1_000, {f"S{i}": {"symbol": f"S{i}", "score": score} for i in range(10)}, {}, {})
    side.finish()
    return [(each.symbol, each.fired_ms) for each in side.alerts()], dict(side.messages)


def test_what_is_told_is_folded_routed_and_ended_as_it_would_be() -> None:
    alerts, messages = played("{name: hot, when: score > 70}")
    assert sorted(alerts) == sorted((f"S{i}", 11_000) for i in range(10))
    # The first at once, nine folded 5 s later, and that all of each are over.
    assert messages == {"all": 4, "chat": 4}
    assert played("{name: hot, when: score > 70, severity: critical, channels: [grave]}")[1] == {"grave": 4}
    assert played("{name: hot, when: score > 70, channels: [grave]}")[1] == {"grave": 4}  # whatever else it takes


def test_time_passes_between_cycles_as_it_does_live() -> None:
    """The condition is known to hold at 11 s; with `for: 4.5s` it fires at 15.5 s, between two cycles."""
    assert {at for _, at in played("{name: hot, when: score > 70, for: 4.5}")[0]} == {15_500}
    assert played("{name: hot, when: score > 70, for: 30}") == ([], {})
