"""The program is stopped for forty seconds and goes on: a gap in the watch, told once, and nothing worse."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from tests.support.program import Program
from tests.support.watcher import FLIP_S, Watcher

pytestmark = pytest.mark.slow

_AWAY_S = 40.0
_KNOWN = ("watch_gap", "restarts", "failed_cycle", "task_died", "list_doubted", "symbol_failed")
MINUTE = timedelta(minutes=1)


def ids(program: Program, kind: str) -> set[str]:
    return {alert["id"] for alert in program.incidents(kind)}


def opens(program: Program) -> list[datetime]:
    return [datetime.fromisoformat(bar["open_time"]) for bar in program.ask("/api/symbols/BTCUSDT/bars")["bars"]]


def test_forty_seconds_of_freeze_are_one_gap_and_no_crash_loop(watcher: Watcher, watching: Program) -> None:
    watcher.until(
        "its history is kept", lambda: (o := opens(watching)) and o[-1].timestamp() >= watching.pace.now_s() - 130
    )
    before, last = {kind: ids(watching, kind) for kind in _KNOWN}, opens(watching)[-1]
    with watching.pace.stopped(watching.process):
        watching.pace.sleep(_AWAY_S)
    watcher.until("the gap is told", lambda: ids(watching, "watch_gap") - before["watch_gap"])
    watcher.until("all live again", watcher.is_fine, 2 * FLIP_S)
    watcher.until("a later minute", lambda: opens(watching)[-1] > last, 60 + FLIP_S)
    assert {later - earlier for earlier, later in pairwise(opens(watching))} == {MINUTE}
    new = {kind: [a for a in watching.incidents(kind) if a["id"] not in before[kind]] for kind in _KNOWN}
    (gap,) = new.pop("watch_gap")
    details = gap["details"]
    assert _AWAY_S - 1 <= (details["until_ms"] - details["since_ms"]) / 1000 <= _AWAY_S + 2
    assert {kind: found for kind, found in new.items() if found} == {}
    assert watching.answer("/health/live")[0] == 200
