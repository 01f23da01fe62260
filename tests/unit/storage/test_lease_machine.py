"""The lease as a machine: who takes, who waits, who gives up, and who may publish."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtuoso.storage.lease import Decision, LeaseRow, Tenure, Watch, next_epoch

S = 1_000_000_000
LEASE = 5 * S
HELD = LeaseRow(epoch=7, beat=1, holder="host:1", process=None)


def observe(watch: Watch, row: LeaseRow | None, now_ns: int, *, dead: bool = False) -> Decision:
    return watch.observe(row, now_ns, now_ns, dead=dead)


@pytest.mark.parametrize(
    ("row", "dead"),
    [(None, False), (replace(HELD, holder=None), False), (HELD, True)],
    ids=["new", "given back", "dead"],
)
def test_what_is_free_is_taken_at_once(row: LeaseRow | None, dead: bool) -> None:
    assert observe(Watch(LEASE, 0), row, 0, dead=dead) is Decision.TAKE


def test_a_silent_holder_is_replaced_after_one_lease_and_not_before() -> None:
    watch = Watch(LEASE, 0)
    for now in range(0, LEASE, S // 5):
        assert observe(watch, HELD, now) is Decision.WAIT
    assert watch.rest_ns(LEASE - S // 5) == S // 5
    assert observe(watch, HELD, LEASE) is Decision.TAKE


def test_a_living_holder_is_left_alone_after_one_lease() -> None:
    watch = Watch(LEASE, 0)
    for second in range(5):
        assert observe(watch, replace(HELD, beat=second), second * S) is Decision.WAIT
    assert observe(watch, replace(HELD, beat=5), LEASE) is Decision.GIVE_UP


def test_a_holder_that_stops_while_watched_is_replaced_one_lease_after_its_last_beat() -> None:
    watch = Watch(LEASE, 0)
    assert observe(watch, HELD, 0) is Decision.WAIT
    beaten = replace(HELD, beat=2)
    for now in range(2 * S, 7 * S, S):
        assert observe(watch, beaten, now) is Decision.WAIT
    assert observe(watch, beaten, 7 * S) is Decision.TAKE


def test_time_in_which_the_database_was_away_does_not_count() -> None:
    watch = Watch(LEASE, 0)
    for now in range(0, 4 * S, S):
        observe(watch, HELD, now)
    watch.missed()
    for now in range(5 * S, 10 * S, S):
        assert observe(watch, HELD, now) is Decision.WAIT
    assert observe(watch, HELD, 10 * S) is Decision.TAKE
    late = Watch(LEASE, 0)
    observe(late, HELD, 0)
    assert observe(late, HELD, 6 * S) is Decision.WAIT, "six seconds without a look prove nothing"


def test_a_tenure_is_good_for_one_lease_from_the_beginning_of_a_renewal() -> None:
    tenure = Tenure(7, LEASE, 0)
    assert tenure.may_publish(LEASE - 1)
    assert not tenure.may_publish(LEASE)
    tenure.renewed(began_ns=2 * S)
    assert tenure.may_publish(7 * S - 1)
    tenure.renewed(began_ns=S)  # answers may come in any order
    assert tenure.may_publish(7 * S - 1)


def test_a_database_that_is_away_stops_nobody_who_was_not_paused() -> None:
    tenure = Tenure(7, LEASE, 0)
    for second in range(1, 100):
        tenure.failed(second * S, second * S + S // 2)
        assert tenure.may_publish(second * S + S)


def test_after_a_pause_only_a_renewal_helps() -> None:
    tenure = Tenure(7, LEASE, 0)
    tenure.failed(S, 20 * S)  # begun before the pause, told after it
    tenure.failed(20 * S, 21 * S)
    assert not tenure.may_publish(21 * S)
    tenure.renewed(began_ns=2 * S)  # confirmed before the pause, told after it
    assert not tenure.may_publish(21 * S)
    tenure.renewed(began_ns=22 * S)
    assert tenure.may_publish(23 * S)


def test_only_a_higher_epoch_ends_a_tenure() -> None:
    tenure = Tenure(7, LEASE, 0)
    assert not tenure.superseded(7, None)
    assert not tenure.superseded(6, "old")
    assert tenure.may_publish(1)
    assert tenure.superseded(9, "other:2")
    assert not tenure.superseded(8, "another:3")
    assert tenure.lost is not None
    assert (tenure.lost.epoch, tenure.lost.holder) == (9, "other:2")
    assert "other:2" in str(tenure.lost)
    tenure.renewed(2)
    assert not tenure.may_publish(3)


def test_epochs_rise_with_the_time_and_whatever_the_time_says() -> None:
    assert next_epoch(None, 1000) == 1000
    assert next_epoch(5, 1000) == 1000
    assert next_epoch(1000, 1000) == 1001
    assert next_epoch(5000, 1000) == 5001


@dataclass
class Shared:
    """The row, in a database that is there for all or for none."""

    row: LeaseRow | None = None
    up: bool = True


@dataclass
class Actor:
    """It looks and takes, or renews: a call begins, reaches the database and is told at separate moments."""

    name: str
    watch: Watch | None = None
    tenure: Tenure | None = None
    paused: bool = False
    began_ns: int = 0
    call: str | None = None
    answer: object = None
    reached: bool = False
    taken: list[int] = field(default_factory=list)

    def begin(self, now: int) -> None:
        if self.tenure is not None and self.tenure.lost is not None:
            self.tenure, self.watch = None, None  # it restarts as a newcomer
        if self.tenure is None and self.watch is None:
            self.watch = Watch(LEASE, now)
        self.call, self.began_ns, self.reached = "renew" if self.tenure else "look", now, False

    def reach(self, shared: Shared) -> None:
        """The call takes effect in the database: as a thread may let it while the loop hears nothing of it."""
        self.reached = True
        if not shared.up:
            self.answer = "away"
        elif self.call == "renew":
            assert self.tenure is not None
            assert shared.row is not None
            self.answer = shared.row.epoch
            if shared.row.epoch == self.tenure.epoch:
                shared.row = replace(shared.row, beat=shared.row.beat + 1)
        else:
            self.answer = shared.row

    def told(self, shared: Shared, now: int) -> None:
        call, self.call = self.call, None
        if call == "renew":
            assert self.tenure is not None
            if self.answer == "away":
                self.tenure.failed(self.began_ns, now)
            elif not self.tenure.superseded(int(str(self.answer)), None):
                self.tenure.renewed(self.began_ns)
            return
        assert self.watch is not None
        if self.answer == "away":
            self.watch.missed()
            return
        row = self.answer
        assert row is None or isinstance(row, LeaseRow)
        decision = self.watch.observe(row, self.began_ns, now, dead=False)
        if decision is Decision.GIVE_UP:
            self.watch = None
        elif decision is Decision.TAKE:
            same = (row and (row.epoch, row.beat)) == (shared.row and (shared.row.epoch, shared.row.beat))
            if shared.up and same:
                epoch = next_epoch(row and row.epoch, 1)
                shared.row = LeaseRow(epoch=epoch, beat=0, holder=self.name, process=None)
                self.tenure = Tenure(epoch, LEASE, now)
                self.taken.append(epoch)
            else:
                self.watch.missed()


TICK = S // 10
SPAN = st.tuples(st.integers(0, 250), st.integers(0, 90))  # from which tick, for how many
PAUSES = st.lists(st.tuples(st.integers(0, 2), SPAN), max_size=5)
OUTAGES = st.lists(SPAN, max_size=3)


def within(spans: list[tuple[int, int]], tick: int) -> bool:
    return any(start <= tick < start + length for start, length in spans)


@settings(max_examples=150)
@given(PAUSES, OUTAGES, st.lists(st.integers(0, 2), min_size=7, max_size=7))
def test_never_two_may_publish_whatever_is_paused_or_away(
    pauses: list[tuple[int, tuple[int, int]]], outages: list[tuple[int, int]], lags: list[int]
) -> None:
    shared, actors = Shared(), [Actor(name) for name in "abc"]
    highest = 0
    for tick in range(400):
        shared.up = not within(outages, tick)
        for number, actor in enumerate(actors):
            actor.paused = within([span for who, span in pauses if who == number], tick)
            every = 10 if actor.tenure else 2
            in_flight = actor.call is not None
            if in_flight or (tick + number) % every == 0:
                if lags[(tick + number) % 7] and in_flight and not actor.reached:
                    continue  # slow on its way to the database
                advance(actor, shared, tick * TICK)
        publishing = [actor for actor in actors if actor.tenure and actor.tenure.may_publish(tick * TICK)]
        assert len(publishing) <= 1, f"{[actor.name for actor in publishing]} at {tick / 10} s"
        for actor in publishing:
            assert actor.tenure is not None
            assert actor.tenure.epoch >= highest
            highest = actor.tenure.epoch
    epochs = [epoch for actor in actors for epoch in actor.taken]
    assert len(set(epochs)) == len(epochs)


def advance(actor: Actor, shared: Shared, now: int) -> None:
    """One moment of a process; while it is paused, a call that was sent still reaches the database."""
    if actor.call is not None and not actor.reached:
        actor.reach(shared)
    elif actor.paused:
        return
    elif actor.call is None:
        actor.begin(now)
    else:
        actor.told(shared, now)


def test_the_walk_of_the_property_reaches_take_overs() -> None:
    shared, now = Shared(), 0
    first, second = Actor("a"), Actor("b")
    for _ in range(3):
        advance(first, shared, now)
    assert first.tenure is not None
    assert first.tenure.may_publish(now)
    for _ in range(40):
        now += S // 4
        advance(second, shared, now)
    assert second.tenure is not None
    assert second.tenure.epoch > first.tenure.epoch
    assert not first.tenure.may_publish(now)
