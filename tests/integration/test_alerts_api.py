"""The API of alerts on a database that a monitor has written, asked over HTTP."""

from collections.abc import AsyncIterator
from math import exp
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.alerts_web import NOW_MS, Web, delivery, incident, running_web

from virtuoso.model.alerts.documents import alert_of
from virtuoso.model.alerts.incident import Step
from virtuoso.model.alerts.outcome import Edge, Outcome
from virtuoso.model.catalogue import alert_examples as examples
from virtuoso.storage.cache.memory import Version
from virtuoso.storage.database.records import Acknowledgement, Changes

SILENCE: dict[str, Any] = {"matcher": {"symbol": "A*"}, "duration_s": 60, "author": "anna", "comment": "planned"}


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with running_web(tmp_path) as web:
        yield web


async def test_history_has_pages_and_filters(web: Web) -> None:
    await web.keep(*(incident(f"S{n}", NOW_MS + n) for n in range(5)))
    status, first = await web.ask("/api/alerts?limit=2")
    assert (status, [a["symbol"] for a in first["alerts"]]) == (200, ["S4", "S3"])
    _, rest = await web.ask(f"/api/alerts?limit=3&cursor={first['next']}")
    assert ([a["symbol"] for a in rest["alerts"]], rest["next"]) == (["S2", "S1", "S0"], None)
    _, since = await web.ask("/api/alerts?since=2026-11-18T11:06:40.003Z&severity=warning&state=firing")
    assert [a["symbol"] for a in since["alerts"]] == ["S4", "S3"]
    assert (await web.ask("/api/alerts?cursor=bad"))[0] == 404
    for wrong in ("severity=loud", "state=open", "limit=0", "since=2026-11-18T10:00:00"):
        assert (await web.ask(f"/api/alerts?{wrong}"))[0] == 422


async def test_recent_knows_what_was_before_and_what_is_not_kept_yet(web: Web) -> None:
    old, ended, fresh = incident("A", NOW_MS - 5), incident("B", NOW_MS - 4), incident("C", NOW_MS)
    await web.keep(old, ended)
    assert [a["symbol"] for a in (await web.ask("/api/alerts/recent"))[1]] == ["B", "A"], "no monitor publishes"
    over = msgspec.structs.replace(ended, resolved_ms=NOW_MS)
    web.cache.put("alerts", msgspec.json.encode([alert_of(fresh), alert_of(over)]), Version(1, 1), 60)
    await web.database.acknowledge(old.id, Acknowledgement(by="anna", at_ms=NOW_MS))
    _, found = await web.ask("/api/alerts/recent?limit=10")
    assert [(a["symbol"], a["resolved"], a["acknowledged"]) for a in found] == [
        ("C", False, False), ("B", True, False), ("A", False, True),
    ]  # fmt: skip
    assert [a["symbol"] for a in (await web.ask("/api/alerts/recent?limit=1"))[1]] == ["C"]
    await web.database.close()
    assert [a["symbol"] for a in (await web.ask("/api/alerts/recent?limit=10"))[1]] == ["C", "B"]


async def test_one_alert_shows_every_decision_about_it(web: Web) -> None:
    told = incident("A")
    await web.keep(told)
    status, found = await web.ask(f"/api/alerts/{told.id}")
    assert (status, found["state"], found["told_level"], found["value"]) == (200, "firing", "warning", 3.1)
    assert found["path"] == [
        {"at": "2026-11-18T11:06:40.000Z", "stage": "inhibit", "passed": True, "reason": "nothing inhibits it"}
    ]
    status, problem = await web.ask(f"/api/alerts/{'0' * 16}")
    assert (status, problem["detail"]) == (404, f"no alert {'0' * 16} is kept; /api/alerts lists those that are")


async def test_one_alert_tells_what_followed_and_why_others_were_withheld(web: Web) -> None:
    about = incident("A")
    withheld = Step(NOW_MS, "budget", False, "digest: an info")
    others = [incident("B", NOW_MS - 5, path=(withheld,)), incident("C", NOW_MS + 1), incident("D", NOW_MS + 900_000)]
    await web.keep(about, *others)
    outcome = Outcome(
        incident=about.id, horizon_min=15, kind=about.kind, symbol="A", severity=about.severity, side="up",
        delivered_ms=NOW_MS, interrupted=True, before=None, base=0.05, edge_reason=None, due_ms=NOW_MS + 960_000,
        edge=Edge(close_ms=NOW_MS, version="v", low=-0.02, high=0.02, volatility=0.01),
    )  # fmt: skip
    settled = msgspec.structs.replace(
        outcome, horizon_min=60, settled_ms=NOW_MS, entry=100.0, closed=0.03, highest=0.04, lowest=-0.01, touched_min=7
    )
    await web.database.commit(web.term, Changes(outcomes=(settled, outcome)))
    _, found = await web.ask(f"/api/alerts/{about.id}")
    assert [each["symbol"] for each in found["around"]] == ["C", "B"], "the nearest first, within a quarter of an hour"
    assert [each["withheld"] and each["withheld"]["reason"] for each in found["around"]] == [None, "digest: an info"]
    waiting, over = found["outcomes"]
    assert (waiting["horizon_min"], waiting["closed"], waiting["left_band"], waiting["settled_at"]) == (15, *[None] * 3)
    assert (over["entry"], over["left_band"], over["touched_min"]) == (100.0, True, 7)
    assert [over["closed"], *over["band"]] == pytest.approx([100 * (exp(x) - 1) for x in (0.03, -0.02, 0.02)])
    _, again = await web.ask(f"/api/alerts/{about.id}/ack", "POST", json={"by": "anna"})
    assert (again["outcomes"], again["around"]) == (found["outcomes"], found["around"])


async def test_an_acknowledgement_shows_at_once(web: Web) -> None:
    told = incident("A")
    await web.keep(told)
    status, found = await web.ask(f"/api/alerts/{told.id}/ack", "POST", json={"by": "anna", "comment": "on it"})
    assert (status, found["acknowledged"], found["acknowledged_by"]) == (200, True, "anna")
    assert (await web.database.alert_inputs("monitor", NOW_MS)).acknowledged[told.id].comment == "on it"
    assert (await web.ask(f"/api/alerts/{'0' * 16}/ack", "POST", json={"by": "anna"}))[0] == 404
    assert (await web.ask(f"/api/alerts/{told.id}/ack", "POST", json={"by": ""}))[0] == 422


async def test_a_silence_is_made_listed_and_ended(web: Web) -> None:
    status, made = await web.ask("/api/silences", "POST", json=SILENCE)
    assert (status, made["state"], made["ends_at"]) == (201, "active", "2026-11-18T11:07:40.000Z")
    _, coming = await web.ask("/api/silences", "POST", json=SILENCE | {"starts_in_s": 60})
    assert coming["state"] == "coming"
    assert [s["id"] for s in (await web.ask("/api/silences"))[1]["silences"]] == [coming["id"], made["id"]]
    assert {s.matcher["symbol"] for s in (await web.database.alert_inputs("monitor", NOW_MS)).silences} == {"A*"}
    assert (await web.ask(f"/api/silences/{made['id']}", "DELETE"))[0] == 204
    assert [s["id"] for s in (await web.ask("/api/silences"))[1]["silences"]] == [coming["id"]]
    _, all_of_them = await web.ask("/api/silences?over=true")
    assert {s["id"]: s["state"] for s in all_of_them["silences"]} == {made["id"]: "over", coming["id"]: "coming"}
    assert (await web.ask(f"/api/silences/{'0' * 16}", "DELETE"))[0] == 404


async def test_a_silence_that_cannot_be_is_refused(web: Web) -> None:
    for wrong in (
        {"matcher": {}}, {"matcher": {"a b": "x"}}, {"matcher": {"kind": ""}}, {"comment": ""}, {"author": "a\nb"},
        {"duration_s": 0}, {"duration_s": 1e9}, {"starts_in_s": -1}, {"comment": "x" * 1001}, {"ends": 5},
    ):  # fmt: skip
        status, problem = await web.ask("/api/silences", "POST", json=SILENCE | wrong)
        assert (status, problem["status"]) == (422, 422), wrong
    assert (await web.ask("/api/silences"))[1]["silences"] == []


async def test_no_form_of_another_site_can_post(web: Web) -> None:
    text = msgspec.json.encode(SILENCE)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert (await web.ask("/api/silences", "POST", data=text, headers={"content-type": kind}))[0] == 415
    elsewhere = {"origin": "https://elsewhere.example", "content-type": "application/json"}
    assert (await web.ask("/api/silences", "POST", data=text, headers=elsewhere))[0] == 403
    assert (await web.ask(f"/api/silences/{'0' * 16}", "DELETE", headers=elsewhere))[0] == 403
    assert (await web.ask("/api/silences"))[1]["silences"] == []
    large = b'{"matcher":{"a":"' + b"x" * 70_000 + b'"}}'
    assert (await web.ask("/api/silences", "POST", data=large, headers={"content-type": "application/json"}))[0] == 413


async def test_rules_and_pipeline_are_the_monitors_documents(web: Web) -> None:
    for path, name, example in (
        ("/api/alerts/rules", "alerts:rules", examples.RULES),
        ("/api/alerts/pipeline", "alerts:pipeline", examples.PIPELINE),
        ("/api/alerts/performance", "alerts:performance", examples.PERFORMANCE),
    ):
        assert (await web.ask(path))[1]["reason"] == "the monitor has not published anything yet"
        web.cache.put(name, msgspec.json.encode(example), Version(3, 4), 60)
        assert (await web.ask(path))[1] == example
        assert (await web.ask(path, headers={"if-none-match": '"3-4"'}))[0] == 304


async def test_messages_are_listed_and_sent_again(web: Web) -> None:
    dead = delivery("A", NOW_MS - 90_000, state="dead", error="status 400", attempts=1)
    await web.put(dead, delivery("B"), delivery("C", NOW_MS + 1, channel="desk"))
    _, found = await web.ask("/api/alerts/deliveries?limit=2")
    assert [row["title"] for row in found["deliveries"]] == ["C up 3.1 %", "B up 3.1 %"]
    _, rest = await web.ask(f"/api/alerts/deliveries?cursor={found['next']}")
    assert [(row["id"], row["error"], row["attempts"]) for row in rest["deliveries"]] == [(dead.id, "status 400", 1)]
    for filters, titles in (("channel=desk", "C"), ("state=dead", "A"), ("channel=desk&state=dead", "")):
        _, page = await web.ask(f"/api/alerts/deliveries?{filters}")
        assert [row["title"][0] for row in page["deliveries"]] == list(titles)
    assert (await web.ask("/api/alerts/deliveries?monitor=other"))[1]["deliveries"] == []
    path = f"/api/alerts/deliveries/{dead.id}/resend"
    assert (await web.ask(path, "POST", data=b"{}", headers={"content-type": "text/plain"}))[0] == 415
    status, again = await web.ask(path, "POST", json={})
    assert (status, again["state"], again["expires_at"]) == (200, "waiting", "2026-11-18T11:07:40.000Z")
    assert (await web.ask(path, "POST", json={}))[0] == 404, "it waits already"


async def test_without_the_database_reading_tells_why_and_writing_is_refused(web: Web) -> None:
    await web.database.close()
    for path in ("/api/alerts", "/api/silences", "/api/alerts/deliveries"):
        status, found = await web.ask(path)
        assert status == 200
        assert "is closed" in found["reason"]
    assert (await web.ask("/api/silences", "POST", json=SILENCE))[0] == 503
    status, problem = await web.ask(f"/api/alerts/{'0' * 16}")
    assert status == 503
    assert problem["detail"].endswith("is closed; try again")
