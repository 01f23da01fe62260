"""Two services that meet in Redis and Memcached: what one publishes the other serves, whichever store dies."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.pace import STORES_SPEED
from tests.support.services import Service, Site, ask, quality, running_site, started, url_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site"), speed=STORES_SPEED) as running:
        yield running


@pytest.fixture(scope="module")
def services(site: Site) -> Iterator[tuple[Service, str]]:
    """A monitor and the address of a web process with two workers."""
    monitor, web = site.monitor(), site.web("--workers", "2")
    with started(monitor, web):
        url = url_of(web)
        site.until("live data", lambda: quality(url) == "live")
        yield monitor, url
        assert web.stop() == 0
        assert monitor.stop() == 0


def qualities(url: str) -> set[str]:
    """Of both workers, which have a copy each and turn live or stale one after the other: so ask often."""
    return {quality(url) for _ in range(16)}


def stores(url: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(f"{url}/api/monitoring/status")[1]["stores"]
    return found


def test_everything_is_served_from_the_shared_cache(site: Site, services: tuple[Service, str]) -> None:
    _, url = services
    # Each of the workers has its own copy, so ask several times.
    site.until("healthy", lambda: all(ask(f"{url}/health")[0] == 200 for _ in range(8)))
    health = ask(f"{url}/health")
    assert (health[1]["mode"], health[1]["service"], health[1]["status"]) == ("standalone", "web_server", "healthy")
    for name in ("redis", "memcached", "database", "timeseries"):
        site.until(f"{name} up", lambda n=name: all(stores(url)[n]["state"] == "up" for _ in range(8)))
    assert stores(url)["lease"]["may_publish"] is True
    site.until("signals", lambda: all(len(ask(f"{url}/api/signals/top")[1]["signals"]) == 4 for _ in range(8)))
    symbol = ask(f"{url}/api/signals/top")[1]["signals"][0]["symbol"]
    assert ask(f"{url}/api/symbols/{symbol}")[1]["signal"]["symbol"] == symbol
    books: list[dict[str, Any]] = []

    def a_book() -> bool:
        books.append(ask(f"{url}/api/symbols/{symbol}/book?depth=5")[1])
        return bool(books[-1]["bids"])

    site.until("a book", a_book)
    book = books[-1]  # the other worker may not have it yet
    assert len(book["bids"]) == 5
    assert book["bids"][0][0] < book["asks"][0][0]
    site.until("stored bars", lambda: len(ask(f"{url}/api/symbols/{symbol}/bars?limit=50")[1]["bars"]) == 50)
    site.until("an hour", lambda: ask(f"{url}/api/symbols/{symbol}/bars?timeframe=4h&limit=3")[1]["bars"])
    site.until("a stored score", lambda: ask(f"{url}/api/symbols/{symbol}/scores")[1]["scores"])
    scores = ask(f"{url}/api/symbols/{symbol}/scores")[1]
    assert scores["reason"] is None
    assert scores["scores"][-1]["factors"]["technical"] is not None
    assert ask(f"{url}/api/signals")[1]["reason"] is None
    assert ask(f"{url}/api/symbols/NONEUSDT/bars")[0] == 404


@pytest.mark.parametrize("dead", ["redis", "memcached"])
def test_a_store_dies_and_returns(site: Site, services: tuple[Service, str], dead: str) -> None:
    _, url = services
    site.until("both up", lambda: stores(url)[dead]["state"] == "up")
    server = getattr(site, dead)
    server.kill()
    site.until(f"{dead} down in the status", lambda: stores(url)[dead]["state"] == "down", 10)
    site.until("an incident", lambda: incidents(url, dead, resolved=False), 10)
    site.until("still live", lambda: quality(url) == "live", 10)
    server.start()
    site.until(f"{dead} up in the status", lambda: stores(url)[dead]["state"] == "up", 10)
    # Each of the workers has its own copy, so ask several times.
    site.until("one recovery", lambda: all(len(incidents(url, dead, resolved=True)) == 1 for _ in range(8)), 10)
    assert not incidents(url, dead, resolved=False)


def incidents(url: str, part: str, *, resolved: bool) -> list[dict[str, Any]]:
    alerts = ask(f"{url}/api/alerts/recent")[1]
    return [
        a for a in alerts
        if a["alert_type"] == "store_down" and a["details"]["store"] == part and a["resolved"] is resolved
    ]  # fmt: skip


def test_without_both_the_last_documents_are_served_labelled_and_fresh_again_soon(
    site: Site, services: tuple[Service, str]
) -> None:
    _, url = services
    site.until("live", lambda: qualities(url) == {"live"}, 10)
    site.redis.kill()
    site.memcached.kill()
    site.until("labelled stale", lambda: qualities(url) == {"stale"}, 25)
    for path in ("/api/signals/top", "/api/market/overview", "/api/monitoring/status", "/api/symbols", "/api/signals"):
        assert ask(url + path)[0] == 200, path
    assert ask(f"{url}/health")[0] == 503
    site.redis.start()
    site.memcached.start()
    took = site.until("fresh again", lambda: qualities(url) == {"live"}, 15)
    assert took <= 5.0


def test_a_stalled_store_delays_nobody(site: Site, services: tuple[Service, str]) -> None:
    _, url = services
    site.until("live", lambda: qualities(url) == {"live"}, 10)
    for server in (site.redis, site.memcached):
        server.stall()
        try:
            slowest = 0.0
            for _ in range(80):
                asked = time.monotonic()
                assert quality(url) == "live"
                slowest = max(slowest, time.monotonic() - asked)
                site.pace.sleep(0.05)
            assert slowest < 1.0
        finally:
            server.go_on()
        site.until("up again", lambda s=server: stores(url)[s.name]["state"] == "up", 15)


def test_the_monitor_dies_and_the_web_says_so(site: Site, services: tuple[Service, str]) -> None:
    monitor, url = services
    monitor.kill()
    site.until("unhealthy", lambda: ask(f"{url}/health")[0] == 503, 15)
    site.until("labelled stale", lambda: quality(url) == "stale", 25)
    monitor.start()
    site.until("live again", lambda: quality(url) == "live", 20)
    site.until("healthy again", lambda: ask(f"{url}/health")[0] == 200, 60)
