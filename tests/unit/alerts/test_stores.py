"""A store or a channel that goes and comes back: one notice each."""

from virtuoso.alerts.conditions import (
    ChannelCondition,
    StoreState,
    observe_calibration,
    observe_channels,
    observe_stores,
    observe_wrong_tokens,
)
from virtuoso.alerts.incidents import IncidentLog


def test_one_incident_and_one_recovery() -> None:
    log = IncidentLog(10)
    for now_ms in range(0, 10_000, 500):
        down = StoreState("redis", "down", 1_000, "refused") if now_ms >= 1_000 else StoreState("redis", "up", 0, None)
        observe_stores(log, [down, StoreState("memcached", "up", 0, None)], now_ms)
    (incident,) = log.recent(10)
    assert (incident.kind, incident.part, incident.fired_ms) == ("store_down", "redis", 3_000)
    assert incident.message == "redis is down: refused"
    observe_stores(log, [StoreState("redis", "up", 10_000, None)], 10_000)
    assert [i.resolved_ms for i in log.recent(10)] == [10_000]


def test_a_store_that_was_never_tried_and_a_blink_are_no_incident() -> None:
    log = IncidentLog(10)
    observe_stores(log, [StoreState("redis", "down", None, None), StoreState("x", "down", 9_000, "e")], 10_000)
    assert log.recent(10) == ()


def test_a_full_store_is_another_matter() -> None:
    log = IncidentLog(10)
    observe_stores(log, [StoreState("timeseries", "full", 0, "no space")], 5_000)
    assert [i.kind for i in log.open()] == ["store_full"]
    observe_stores(log, [StoreState("timeseries", "down", 6_000, "gone")], 9_000)
    assert [(i.kind, i.resolved_ms) for i in log.recent(10)] == [("store_down", None), ("store_full", 9_000)]


def test_a_channel_whose_address_is_gone_is_told_at_once_and_one_that_is_away_after_a_minute() -> None:
    log = IncidentLog(10)
    gone, away = ChannelCondition("discord", "disabled", 0, "404"), ChannelCondition("desk", "down", 0, "refused")
    observe_channels(log, [gone, away], 1)
    assert [(i.part, i.severity) for i in log.open()] == [("discord", "critical")]
    observe_channels(log, [gone, away], 60_000)
    assert log.open_parts("channel_down") == ("discord", "desk")
    observe_channels(log, [gone, ChannelCondition("desk", "limited", 60_500, "429")], 61_000)
    assert log.open_parts("channel_down") == ("discord",)


def test_wrong_tokens_in_a_row_are_an_incident_until_they_are_over() -> None:
    log = IncidentLog(10)
    observe_wrong_tokens(log, 9, "10.0.0.9", 1)
    assert not log.open()
    observe_wrong_tokens(log, 10, "10.0.0.9", 2)
    (told,) = log.open()
    assert told.kind == "auth_failures"
    assert told.message == "the web was given 10 wrong tokens, the last by 10.0.0.9"
    assert told.details == {"count": 10, "client": "10.0.0.9"}
    observe_wrong_tokens(log, 3, "10.0.0.9", 3)
    assert len(log.open()) == 1, "over only once none came for a while"
    observe_wrong_tokens(log, 0, "", 4)
    assert not log.open()


def test_what_is_withdrawn_is_one_incident_however_much_it_is() -> None:
    log = IncidentLog(10)
    observe_calibration(log, (), 1)
    assert not log.open()
    observe_calibration(log, ("cone at 15 min: a",), 2)
    observe_calibration(log, ("cone at 15 min: a", "large move at 60 min: b"), 3)
    (found,) = log.open()
    assert (found.kind, found.fired_ms) == ("calibration", 2)
    assert found.message == "forecasts do not hold and are withdrawn: cone at 15 min: a", "as it began"
    observe_calibration(log, (), 4)
    assert not log.open()
