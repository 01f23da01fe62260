"""Health: every reason by itself, here and in a process that knows the published facts alone; liveness apart."""

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from virtuoso.model.clock import ManualClock
from virtuoso.model.documents import Health
from virtuoso.operations.health import HealthState, Observed, is_live, judge

S = 1_000_000_000
WELL = Observed(watched=15, live=15, connected=75, close_age_s=30.0, empty=None)


class Watched:
    """A board on a manual clock, at an interval of ten seconds."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_700_000_000 * S)
        self.board = HealthState(self.clock, 10.0, "embedded")

    def well(self, **changes: object) -> None:
        self.board.succeeded()
        self.board.observed(msgspec.convert({**as_dict(WELL), **changes}, Observed))

    def after(self, seconds: float) -> Health:
        self.clock.advance(int(seconds * S))
        return self.board.document()


def as_dict(observed: Observed) -> dict[str, object]:
    return {name: getattr(observed, name) for name in Observed.__dataclass_fields__}


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_all_well(watched: Watched) -> None:
    watched.well()
    health = watched.after(1)
    assert (health.status, health.reasons, health.last_close_age_s) == ("healthy", (), 31.0)
    assert watched.board.healthy
    assert watched.board.live


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"live": 0}, "none of the 15 watched symbols is live"),
        ({"connected": 0}, "no topic is connected"),
        ({"close_age_s": 121.0}, "no close was analysed for 121 s"),
        ({"close_age_s": None}, "no close has been analysed yet"),
        ({"close_age_s": -3_600.0}, "the last analysed close lies 3600 s ahead of the exchange's time"),
        ({"empty": "the universe is empty: …", "watched": 0, "live": 0}, "the universe is empty: …"),
    ],
)
def test_each_reason_makes_it_unhealthy_and_is_no_reason_to_restart(
    watched: Watched, changes: dict[str, object], reason: str
) -> None:
    watched.well()
    assert watched.after(0).status == "healthy"
    watched.well(**changes)
    assert (watched.after(0).status, watched.after(0).reasons) == ("unhealthy", (reason,))
    assert not watched.board.healthy
    assert watched.board.live
    watched.well()
    assert watched.after(0).status == "healthy"


def test_that_nobody_is_told_is_said_beside(watched: Watched) -> None:
    watched.well(untold="the database is down: nobody is notified of incidents")
    assert watched.after(0).reasons == ("the database is down: nobody is notified of incidents",)
    assert watched.board.healthy


def test_a_close_grows_old_while_nobody_looks(watched: Watched) -> None:
    watched.well(close_age_s=110.0)
    assert watched.after(10).reasons == ()
    watched.board.succeeded()
    assert watched.after(1).reasons == ("no close was analysed for 121 s",)


def test_feeds_that_nobody_looks_at_are_not_live(watched: Watched) -> None:
    watched.well()
    assert watched.after(15).reasons == ()
    assert watched.after(1).reasons == ("the feeds were looked at 16 s ago for the last time",)


def test_cycles_that_stop_are_told_after_three_intervals(watched: Watched) -> None:
    watched.well()
    watched.clock.advance(31 * S)
    watched.board.observed(WELL)
    assert watched.after(0).reasons == ("the last successful cycle is 31 s old; one is due every 10 s",)
    assert not watched.board.live
    watched.board.succeeded()
    watched.board.failed("ValueError: x")
    health = watched.after(0)
    assert (health.status, health.reasons) == ("healthy", ("the last cycle failed: ValueError: x",))


def test_it_is_starting_until_it_was_well_once_and_for_ten_minutes_at_most(watched: Watched) -> None:
    assert watched.after(1).status == "starting"
    watched.board.succeeded()
    assert (watched.after(0).status, watched.after(0).reasons) == (
        "starting",
        ("the feeds have not been looked at yet",),
    )
    watched.well(live=0, connected=0)
    assert watched.after(0).status == "starting"
    watched.clock.advance(600 * S)
    watched.well(live=0)
    assert watched.after(0).status == "unhealthy"


def test_a_start_that_asks_in_vain_is_alive_and_one_that_stands_still_is_not(watched: Watched) -> None:
    for _ in range(10):
        assert watched.after(500).status != "healthy"
        assert watched.board.live
        watched.board.tried()
    watched.after(601)
    assert not watched.board.live


def test_a_short_interval_leaves_a_supervisor_half_a_minute(watched: Watched) -> None:
    watched.board.interval_s = 1.0
    watched.well()
    assert watched.after(1).status == "healthy"
    watched.clock.advance(3 * S)
    assert watched.after(0).status == "unhealthy"
    assert watched.board.live
    watched.clock.advance(27 * S)
    assert not watched.board.live


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (11, "the feeds were looked at 16 s ago for the last time"),
        (27, "the last successful cycle is 32 s old; one is due every 10 s"),
        (86, "no close was analysed for 121 s"),
    ],
)
def test_published_facts_are_judged_by_their_age(watched: Watched, seconds: float, reason: str) -> None:
    watched.well()
    published = msgspec.json.decode(msgspec.json.encode(watched.after(5)), type=Health)
    assert judge(published).status == "healthy"
    judged = judge(published, seconds)
    assert judged.status == "unhealthy"
    assert reason in judged.reasons
    assert judge(published, seconds - 1).reasons != judged.reasons
    assert is_live(judged) == (seconds < 25)


def test_what_is_published_while_starting_is_starting_elsewhere_too(watched: Watched) -> None:
    published = watched.after(1)
    assert judge(published, 10).status == "starting"
    assert judge(published, 600).status == "unhealthy"
    assert judge(replace(published, status="healthy"), 10).status == "unhealthy"


_PLANTS: list[Callable[[Watched], None]] = [
    lambda it: it.well(), lambda it: it.well(live=0), lambda it: it.well(connected=0),
    lambda it: it.well(empty="e"), lambda it: it.board.failed("x"),
]  # fmt: skip


@pytest.mark.parametrize("plant", _PLANTS)
def test_the_board_and_a_replica_never_differ(watched: Watched, plant: Callable[[Watched], None]) -> None:
    watched.well()
    watched.board.document()
    plant(watched)
    published = watched.board.document()
    for _ in range(40):
        watched.clock.advance(5 * S)
        here, there = watched.board.document(), judge(published, (watched.clock.now_ns() - 1_700_000_000 * S) / S)
        assert (here.status, here.reasons) == (there.status, there.reasons)
