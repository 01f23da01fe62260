"""A replay does not make what nobody sees before it is replaced, and is the same for it."""

import asyncio

import pytest
from tests.support.replayed import CONFIG, RECORDING

from virtuoso.config import load
from virtuoso.monitor.watching.refresh import Refresh
from virtuoso.playback.replay import Replay
from virtuoso.recording.reader import read
from virtuoso.wiring.monitor import monitor_parts


def played() -> tuple[Replay, int]:
    """The replay of the recording, and how many documents it passed over."""
    player, passed = Replay(monitor_parts(load([CONFIG], {"VIRTUOSO__MONITORING__INTERVAL": "10s"}))), 0
    publication = player._kernel.publication
    pass_over = publication.passed_over

    def noted(documents: int) -> None:
        nonlocal passed
        passed += documents
        pass_over(documents)

    publication.passed_over = noted  # type: ignore[method-assign]
    asyncio.run(player.play(read(RECORDING)))
    return player, passed


def test_what_is_not_seen_is_not_made_and_all_else_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    player, passed = played()
    monkeypatch.setattr(Refresh, "idle_ms", lambda _self, _analysed_ms: 0)  # a pass may be due at any frame
    whole, nothing = played()
    assert (player.digest, player.cycle.count) == (whole.digest, whole.cycle.count)
    assert passed > 20
    assert nothing == 0
    assert player.cache.names() == whole.cache.names()
    books = [player.cache.version(name) for name in player.cache.names() if name.startswith("book:")]
    overview = player.cache.version("overview")
    assert books
    assert overview is not None
    assert all(version is not None and version > overview for version in books), "made for whoever looks at the end"
