"""Redis and Memcached are killed again and again under load: every answer stays an answer, and says how old it is."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from tests.support.services import Site, ask, quality, running_site, started, until, url_of
from tests.support.soak import soak_only

pytestmark = pytest.mark.slow

KILLS = 20
PERIOD_S = 30.0
CLIENTS = 4
PAUSE_S = 0.005
FRESH_S = 10.0
"""The bound of every document that carries a quality, at a cycle of a second."""
BUILDING_S = 1.5
"""A document says when it was begun, and is judged from when it was published."""
FRESH_AGAIN_S = 5.0


def routes(url: str, symbol: str) -> list[str]:
    """Every documented path that can be read to its end."""
    paths = ask(f"{url}/openapi.json")[1]["paths"]
    found = [path.replace("{symbol}", symbol) for path, methods in paths.items() if "get" in methods]
    assert len(found) > 10
    return [path for path in found if path != "/api/stream"]


def get(address: str, path: str) -> tuple[int, Any]:
    """Status and what was answered, `None` where it is no JSON, over a new connection: any worker may get it.

    Raises:
        OSError, HTTPException, ValueError: there was no whole answer.
    """
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        json_is_said = "json" in (answer.headers["content-type"] or "")
        return answer.status, json.loads(body) if json_is_said else None
    finally:
        connection.close()


def own_time(body: Any) -> float | None:
    """When a document says that it was made (epoch s); `None` where it tells no time of its own, as a history."""
    if not isinstance(body, dict):
        return None
    said = body.get("timestamp") or body.get("system_status", {}).get("last_update") or body.get("updated_at")
    return None if said is None else datetime.fromisoformat(said).timestamp()


def called_live(body: Any) -> bool:
    """Whether anything in it is called live."""
    if isinstance(body, dict):
        return any((k in ("quality", "data_quality") and v == "live") or called_live(v) for k, v in body.items())
    return isinstance(body, list) and any(map(called_live, body))


class Client(threading.Thread):
    """Asks one route after the other."""

    def __init__(self, address: str, paths: list[str], first: int) -> None:
        super().__init__(daemon=True)
        self._address = address
        self._paths = [*paths[first:], *paths[:first]]
        self._end = threading.Event()
        self._began = time.monotonic()
        self.statuses: Counter[int] = Counter()
        self.problems: list[str] = []
        self.judged = self.old = 0

    def run(self) -> None:
        while not self._end.is_set():
            for path in self._paths:
                self._ask(path)
                if self._end.wait(PAUSE_S):
                    return

    def _ask(self, path: str) -> None:
        asked_s = time.time()
        try:
            status, body = get(self._address, path)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.problems.append(f"{path}: {error!r}")
            return
        self.statuses[status] += 1
        if status != 200 and not path.startswith("/health"):
            self.problems.append(f"{path}: {status} {body} at {time.monotonic() - self._began:.2f} s")
        elif (made_s := own_time(body)) is not None:
            self._judge(path, body, asked_s - made_s)

    def _judge(self, path: str, body: Any, age_s: float) -> None:
        self.judged += 1
        if age_s > FRESH_S + BUILDING_S:
            self.old += 1
            if called_live(body):
                self.problems.append(f"{path}: called live at an age of {age_s:.1f} s")

    def end(self) -> None:
        self._end.set()
        self.join(10)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running_site(tmp_path) as running:
        yield running


@contextmanager
def load(address: str, paths: list[str]) -> Iterator[list[Client]]:
    """Clients that ask until the block ends."""
    clients = [Client(address, paths, i * len(paths) // CLIENTS) for i in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        for client in clients:
            client.end()


def fresh(url: str, since_s: float) -> bool:
    """Whether all workers serve what was made after that moment (epoch s), live: eight connections meet both."""
    bodies = [ask(f"{url}/api/dashboard/data")[1] for _ in range(8)]
    return all((own_time(body) or 0.0) > since_s and called_live(body) for body in bodies)


def kill_both(site: Site, down_s: float, apart_s: float) -> None:
    """One a while after the other, and back in the same order."""
    site.redis.kill()
    time.sleep(apart_s)
    site.memcached.kill()
    time.sleep(down_s)
    site.redis.start()
    site.memcached.start()


@soak_only("test_services.py is its short form; this one")
@pytest.mark.timeout(1_500)
def test_answers_go_on_and_say_their_age(site: Site) -> None:
    rng = np.random.default_rng(30)
    # The last time for longer than the bound, so that what is held everywhere becomes old.
    downs_s = [*rng.uniform(0.2, 15.0, KILLS - 1).tolist(), 13.0]
    recovered_s = []
    monitor, web = site.monitor(), site.web("--workers", "2")
    with started(monitor, web):
        url = url_of(web)
        until("both workers began", lambda: web.log.read_text().count("documents loaded") == 2)
        until("live data", lambda: quality(url) == "live")
        address, paths = urlsplit(url).netloc, routes(url, "BTCUSDT")
        until("every route answered", lambda: all(get(address, path)[0] == 200 for path in paths for _ in range(8)))
        with load(address, paths) as clients:
            for down_s in downs_s:
                began = time.monotonic()
                kill_both(site, down_s, float(rng.uniform(0.0, 1.0)))
                recovered_s.append(until("fresh again", partial(fresh, url, time.time()), 20))
                time.sleep(max(0.0, PERIOD_S - (time.monotonic() - began)))
        assert web.stop() == 0
        assert monitor.stop() == 0
    statuses = sum((client.statuses for client in clients), Counter[int]())
    judged, old = sum(client.judged for client in clients), sum(client.old for client in clients)
    print(f"{KILLS} kills of each; {dict(statuses)} answers, {judged} with a time of their own, {old} of them old; "
          f"fresh again after {min(recovered_s):.2f}–{max(recovered_s):.2f} s")  # fmt: skip
    assert [problem for client in clients for problem in client.problems] == []
    assert all(client.statuses[200] > 10 * KILLS for client in clients)
    assert old > 20, "nothing ever became old: the labels were not put to the test"
    assert max(recovered_s) <= FRESH_AGAIN_S
