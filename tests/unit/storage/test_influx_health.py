"""What is shown and logged of the store."""

from structlog.testing import capture_logs

from virtuoso.model.clock import ManualClock
from virtuoso.storage.timeseries.influx.health import Health

SECOND_NS = 1_000_000_000


def test_a_state_has_a_beginning_which_repeating_does_not_move() -> None:
    clock = ManualClock(1_000 * SECOND_NS)
    health = Health(clock)
    assert (health.state, health.since_ms) == ("down", None)
    health.down("refused")
    assert (health.state, health.since_ms, health.error) == ("down", 1_000_000, "refused")
    clock.advance(SECOND_NS)
    health.down("timed out")
    assert (health.since_ms, health.error) == (1_000_000, "timed out")
    health.up()
    assert (health.state, health.since_ms, health.error) == ("up", 1_001_000, None)


def test_a_full_disk_is_the_worse_news_until_there_is_room() -> None:
    health = Health(ManualClock(SECOND_NS))
    health.full("no space")
    health.down("refused")
    assert health.state == "full"
    health.relieved()
    assert health.state == "down"
    health.up()
    health.relieved()
    assert health.state == "up"


def test_refused_lines_are_said_once_a_minute() -> None:
    clock = ManualClock(SECOND_NS)
    health = Health(clock)
    with capture_logs() as said:
        for _ in range(180):
            health.refused(3, b"x" * 1_000, "type conflict")
            clock.advance(SECOND_NS)
    assert len(said) == 3
    assert said[0]["reason"] == "type conflict"
    assert len(said[0]["example"]) == 200


def test_a_refusal_is_forgotten_when_nothing_of_its_kind_is_sent_for_ten_minutes() -> None:
    clock = ManualClock(SECOND_NS)
    health = Health(clock)
    health.took({"bars": 2, "feeds": 1}, [(b"bars,symbol=A close=1 1", "type conflict")])
    assert health.state == "refusing", "half of them"
    health.took({"feeds": 1}, [])
    assert health.state == "refusing"
    clock.advance(600 * SECOND_NS)
    health.up()
    assert health.state == "up"


def test_what_came_out_of_the_spool_is_judged_by_what_is_refused_of_it() -> None:
    health = Health(ManualClock(SECOND_NS))
    health.took({}, [(b"feeds count=1 1", "type conflict")])
    assert (health.error or "").startswith("the server refuses 1 of 1 lines of feeds (type conflict; such as feeds ")
    health.took({}, [])
    assert health.state == "refusing", "it is not known whether there were any of feeds"
    health.took({"feeds": 1}, [])
    assert health.state == "up"
