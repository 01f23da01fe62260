"""While nothing is answered few requests go out, it is said after a while, and over with the first good answer."""

import numpy as np
import pytest

from virtuoso.exchange.reach import Reach
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ExchangeUnavailable

S = 1_000_000_000
ERROR = ExchangeUnavailable("GET /x: connection refused")


class Caller:
    """Someone who asks every tenth of a second, whatever happens."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.reach = Reach(self.clock, np.random.default_rng(1))
        self.sent = 0
        self.answers = False

    def run(self, seconds: float) -> None:
        for _ in range(int(10 * seconds)):
            self.clock.advance(S // 10)
            try:
                self.reach.admit("GET /x")
            except ExchangeUnavailable:
                continue
            self.sent += 1
            if self.answers:
                self.reach.answered()
            else:
                self.reach.failed(ERROR)


def test_requests_back_off_while_nothing_is_answered() -> None:
    caller = Caller()
    caller.run(5)
    assert caller.sent == 50  # for some seconds each may find out for itself
    caller.run(295)
    assert 70 <= caller.sent - 50 <= 200  # one in two to four seconds, in place of ten a second


def test_it_is_told_after_half_a_minute_and_over_at_once() -> None:
    caller = Caller()
    caller.run(29)
    assert caller.reach.down is None
    caller.run(2)
    assert "connection refused" in str(caller.reach.down)
    caller.answers = True
    caller.run(5)
    assert caller.reach.down is None
    sent = caller.sent
    caller.run(1)
    assert caller.sent == sent + 10


def test_what_is_told_of_an_error_is_short() -> None:
    clock = ManualClock()
    reach = Reach(clock, np.random.default_rng(1), told_after_s=0.0)
    reach.failed(ExchangeUnavailable("x" * 10_000))
    assert reach.down == f"no good answer to any request for 0 s: {'x' * 199}…"


def test_one_at_a_time_finds_out() -> None:
    caller = Caller()
    caller.run(6)
    caller.clock.advance(5 * S)
    caller.reach.admit("GET /x")
    for _ in range(100):
        with pytest.raises(ExchangeUnavailable, match="not asked"):
            caller.reach.admit("GET /y")
    caller.clock.advance(20 * S)  # whoever asked never came back
    caller.reach.admit("GET /y")
