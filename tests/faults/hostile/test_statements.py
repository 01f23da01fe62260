"""Random sequences of faults against an oracle: no statement served is untrue.

`live` means that a true frame came within ten seconds, or that there was none to come; healthy, that something is
live; every price is the market's; a label has fresh inputs; what is watched is listed. The oracle is the proxy, which
knows what the exchange said and what became of it.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.faults.hostile.faults import FAULTS, Fault
from tests.faults.hostile.judge import calm
from tests.faults.hostile.odd import Answer, BodyEdit, Edit, FrameEdit, Json, Told
from tests.faults.hostile.oracle import Doubts
from tests.faults.hostile.world import WATCHED, Worlds
from tests.support.soak import SOAK

pytestmark = pytest.mark.slow
EXAMPLES, STEPS = (300, 30) if SOAK else (8, 10)
_STEP_S = 0.5

_made: list[Worlds] = []


@pytest.fixture(scope="module", autouse=True)
def _worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    _made.append(Worlds(tmp_path_factory))
    yield
    _made.pop().end()


def _list(change: Any) -> BodyEdit:
    def edit(document: Json, _: Any) -> Json:
        return document | {"result": document["result"] | {"list": change(document["result"]["list"])}}

    return edit


BODIES: dict[str, tuple[str, BodyEdit]] = {
    "503": ("*", lambda *_: Answer([b"busy"], 503)),
    "a page": ("*", lambda *_: Answer([b"<html>log in</html>"], headers={"Content-Type": "text/html"})),
    "nothing": ("*", lambda *_: Answer([b""])),
    "cut": ("*", lambda *_: Answer()),
    "no instruments": ("instruments-info", _list(lambda _: [])),
    "few instruments": ("instruments-info", _list(lambda rows: rows[2:4])),
    "no tickers": ("tickers", _list(lambda _: [])),
    "rows twice": ("instruments-info", _list(lambda rows: rows * 2)),
    "no bars": ("kline", _list(lambda _: [])),
    "absurd bars": ("kline", _list(lambda rows: [[row[0], "1", "9e9", "1e-9", "2", *row[5:]] for row in rows])),
}


class Statements(RuleBasedStateMachine):
    """Faults come and go in one world, and every half second everything served is held against the truth."""

    def __init__(self) -> None:
        super().__init__()
        self._faults: dict[str, Fault] = {}
        self._edits: dict[str, FrameEdit] = {}
        self._body: str | None = None
        self._well = False

    @initialize()
    def good_weather(self) -> None:
        self._world = _made[-1].get()
        self._watched = set(calm(self._world).symbols)
        self._doubts = Doubts(self._world)
        self._well = True

    @rule(symbol=st.sampled_from(WATCHED), fault=st.sampled_from(FAULTS))
    def topic_is_spoilt(self, symbol: str, fault: Fault) -> None:
        self._spoil(f"{fault.kind}.{symbol}", fault)

    @rule(fault=st.sampled_from(FAULTS))
    def topics_of_a_kind_are_spoilt(self, fault: Fault) -> None:
        for symbol in WATCHED:
            self._spoil(f"{fault.kind}.{symbol}", fault)

    @rule(body=st.sampled_from(sorted(BODIES)))
    def answers_are_spoilt(self, body: str) -> None:
        self._body = body
        self._apply()

    @rule()
    def streams_are_cut(self) -> None:
        self._world.cut()

    @rule(seconds=st.integers(1, 12))
    def time_passes(self, seconds: int) -> None:
        self._live(seconds)

    @precondition(lambda self: self._faults or self._body)
    @rule()
    def it_is_over(self) -> None:
        self._faults.clear()
        self._edits.clear()
        self._body = None
        self._apply()

    def teardown(self) -> None:
        """Whatever it was: it is over, and all is well again, with the same symbols."""
        if not self._well:
            return
        self.it_is_over()
        self._live(2)
        try:
            assert set(calm(self._world, 120).symbols) == self._watched
        except BaseException:
            _made[-1].end()
            raise

    def _spoil(self, topic: str, fault: Fault) -> None:
        self._faults[topic], self._edits[topic] = fault, fault.edit()
        self._apply()

    def _apply(self) -> None:
        frames = {topic: _true_as_told(edit, self._faults[topic]) for topic, edit in self._edits.items()}
        bodies = {} if self._body is None else dict([BODIES[self._body]])
        self._world.edit(Edit(frames, bodies))

    def _live(self, seconds: float) -> None:
        try:
            for _ in range(int(seconds / _STEP_S)):
                self._world.wait(_STEP_S)
                self._doubts.hold_true(self._world.seen())
        except BaseException:
            self._well = False
            _made[-1].end()
            raise


def _true_as_told(edit: FrameEdit, fault: Fault) -> FrameEdit:
    def told(message: Json) -> Any:
        made = edit(message)
        return Told(made) if fault.true and made is not None else made

    return told


TestStatements = Statements.TestCase
TestStatements.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=not SOAK,
    suppress_health_check=list(HealthCheck), phases=tuple(Phase) if SOAK else (Phase.generate,),
)  # fmt: skip
