"""One monitor of an identity: whoever is second waits, gives up or takes over, and a zombie never publishes again."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis
from tests.support.services import Service, Site, quality, running_site, started, until, url_of
from tests.support.soak import soak_only

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path) as running:
        yield running


def fence(site: Site) -> tuple[int, int]:
    """Epoch and flush of what Redis holds."""
    with redis.Redis(port=site.redis.port) as client:
        index = client.get("vt_shared:index")
    if not index:
        return 0, 0
    epoch, flush = msgspec.json.decode(index)["fence"]
    return epoch, flush


@soak_only("test_database_lease.py has five processes")
def test_of_five_that_start_at_once_one_lives_and_the_others_name_it(site: Site) -> None:
    five = [site.monitor(f"monitor{i}") for i in range(5)]
    with started(*five):
        until("one publishes", lambda: fence(site)[0] > 0)
        until("four have ended", lambda: sum(service.alive for service in five) == 1, 30)
        (winner,) = [service for service in five if service.alive]
        assert winner.process is not None
        for loser in five:
            if loser is not winner:
                assert loser.ended() == 2
                last = loser.log.read_text().strip().splitlines()[-1]
                assert "monitor is already run by" in last
                assert f":{winner.process.pid}" in last
        assert winner.stop() == 0
    assert not (site.folder / "data" / "virtuoso.sqlite-journal").exists()


def test_a_holder_that_was_stopped_never_publishes_again(site: Site) -> None:
    first, second, web = site.monitor("first"), site.monitor("second"), site.web()
    with started(first, web):
        url = url_of(web)
        until("live", lambda: quality(url) == "live")
        mine = fence(site)[0]
        first.send(signal.SIGSTOP)
        stopped = time.monotonic()
        with started(second):
            until("another takes over", lambda: fence(site)[0] > mine, 30)
            took = time.monotonic() - stopped
            epoch = fence(site)[0]
            first.send(signal.SIGCONT)
            assert first.ended(15) == 1
            assert "stepping down: the lease was taken over by" in first.log.read_text()
            until("live", lambda: quality(url) == "live", 20)
            assert fence(site)[0] == epoch
            assert second.stop() == 0
        assert took < 6 + 10  # the lease, and the start of a program on a busy machine


def test_one_that_was_killed_is_followed_at_once_and_one_that_ended_too(site: Site) -> None:
    first, second = site.monitor("first"), site.monitor("second")
    with started(first):
        until("one publishes", lambda: fence(site)[0] > 0)
        first.kill()
        before = fence(site)[0]
        with started(second):
            second.says(r"monitor: monitor \(epoch \d+\)", 20)
            until("the other publishes", lambda: fence(site)[0] > before, 20)
            assert second.stop() == 0
        first.start()
        first.says(r"monitor: monitor \(epoch \d+\)", 20)
        assert first.stop() == 0


def test_up_is_one_of_its_identity_too(site: Site) -> None:
    first = Service(site.folder, "up1", "up", "-c", str(site.config))
    second = Service(site.folder, "up2", "up", "-c", str(site.config))
    other = Service(site.folder, "up3", "up", "-c", str(site.config), "-c", str(site.folder / "other.yaml"))
    (site.folder / "other.yaml").write_text("identity: other\ncache: {prefix: other}\n")
    with started(first):
        until("the first serves", lambda: quality(url_of(first)) == "live")
        with started(second, other):
            assert second.ended(20) == 2
            assert "already run by" in second.log.read_text().strip().splitlines()[-1]
            until("another identity serves", lambda: quality(url_of(other)) == "live")
