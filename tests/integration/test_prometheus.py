"""`/metrics`, scraped by a real Prometheus: every rule is evaluated, every panel finds something."""

import asyncio
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.support.raw_web import RawWeb, raw_web
from tests.support.servers import prometheus_server

from virtuoso.model.catalogue import alert_examples, examples, performance_example
from virtuoso.operations.health import Observed
from virtuoso.storage.cache.document import Version

DEPLOY = Path(__file__).parents[2] / "deploy/prometheus"
DASHBOARD = json.loads((DEPLOY / "grafana-system.json").read_text())
QUERIES = {
    f"{panel['title']}: {target['expr']}": target["expr"].replace("$instance", ".*")
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
}
TOKEN = "a-token-of-some-length"


def publish(web: RawWeb, sequence: int) -> None:
    """The documents of the catalogue's examples, with every kind of counter in them, rising."""
    status: dict[str, Any] = json.loads(json.dumps(examples.STATUS))
    status["cycle"]["count"] += sequence
    status["memory_mb"] = 130.0
    for feed in status["feeds"]:
        feed["messages"] += 10 * sequence
        feed["lag_ms"] = 38.0
        feed["refusals"] = {"last: below 0": sequence}
    for counted in status["latency"].values():
        counted["counts"] = [sequence * count for count in counted["counts"]]
    store = {"state": "up", "since": None, "error": None, "written": sequence, "dropped": 0, "pending": 3}
    status["stores"] = {**status["stores"], "timeseries": store}
    documents = {
        "status": status, "alerts:pipeline": alert_examples.PIPELINE,
        "signals:performance": performance_example.PERFORMANCE,
    }  # fmt: skip
    for name, document in documents.items():
        web.cache.put(name, msgspec.json.encode(document), Version(1, sequence), 600.0)


async def test_it_is_text_for_prometheus_and_asks_for_the_token() -> None:
    async with raw_web(token=TOKEN) as web:
        publish(web, 1)
        request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        assert (await web.ask(f"{request}\r\n".encode())).status == 401
        answer = await web.ask(f"{request}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    text = answer.body.decode()
    assert f"virtuoso_cycles_total {float(examples.STATUS['cycle']['count'] + 1)}\n" in text
    assert "virtuoso_web_process_resident_memory_bytes " in text


async def test_without_a_monitor_it_says_that_nothing_is_healthy() -> None:
    async with raw_web() as web:
        answer = await web.ask(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert answer.status == 200
    assert b"virtuoso_healthy 0.0\n" in answer.body
    assert b"virtuoso_cycles_total" not in answer.body


def test_promtool_takes_rules_and_configuration() -> None:
    tool = shutil.which("promtool")
    assert tool is not None, "promtool is not installed; `make test` installs what the tests need"
    done = subprocess.run(
        [tool, "check", "config", str(DEPLOY / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "rules found" in done.stdout


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["type"] == "row" or panel["description"].endswith(".") for panel in panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len(QUERIES) >= 30


@pytest.mark.slow
async def test_prometheus_scrapes_it_evaluates_every_rule_and_fills_every_panel(tmp_path: Path) -> None:
    async with raw_web() as web:
        settings = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
        settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        settings["rule_files"] = [str(DEPLOY / "virtuoso.rules.yml")]
        settings["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{web.port}"]}]
        config = tmp_path / "prometheus.yml"
        config.write_text(yaml.safe_dump(settings))
        web.health.succeeded()
        web.health.observed(Observed(watched=15, live=0, connected=0, close_age_s=3.0, empty=None))
        publish(web, 1)
        with prometheus_server(tmp_path / "data", config) as prometheus:
            sequence = 1

            async def until(what: str, left: Callable[[], list[str]]) -> None:
                nonlocal sequence
                for _ in range(60):
                    sequence += 1
                    publish(web, sequence)
                    found = await asyncio.to_thread(left)
                    if not found:
                        return
                    await asyncio.sleep(1)
                raise AssertionError(f"{what}: {found}")

            def asked(path: str) -> Any:
                with urllib.request.urlopen(f"http://{prometheus.address}/api/v1/{path}", timeout=60) as answer:
                    return json.load(answer)["data"]

            def empty() -> list[str]:
                return [
                    name
                    for name, query in QUERIES.items()
                    if not asked(f"query?query={urllib.parse.quote(query)}")["result"]
                ]

            await until("these panels find nothing", empty)

            def rules() -> list[dict[str, Any]]:
                return [rule for group in asked("rules")["groups"] for rule in group["rules"]]

            await until(
                "these rules are not evaluated", lambda: [rule["name"] for rule in rules() if rule["health"] != "ok"]
            )
            assert len(rules()) == 14
            unhealthy = next(rule for rule in rules() if rule["name"] == "VirtuosoUnhealthy")
            assert unhealthy["state"] in {"pending", "firing"}, "nothing of it is live"
            gone = next(rule for rule in rules() if rule["name"] == "VirtuosoGone")
            assert gone["state"] == "inactive"
