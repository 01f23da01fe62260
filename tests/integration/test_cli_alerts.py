"""`virtuoso alerts` beside a running web: what is there, why, and what people say to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from tests.support import warm
from tests.support.alerts_web import NOW_MS, Web, delivery, incident, running_web
from tests.support.chat_server import chat_server
from tests.support.program import command
from typer.testing import CliRunner, Result

from virtuoso.cli.alerts import app
from virtuoso.model.alerts.incident import Step
from virtuoso.model.catalogue import alert_examples as examples
from virtuoso.model.errors import UsageError, VirtuosoError
from virtuoso.storage.cache.memory import Version


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Web]:
    async with running_web(tmp_path) as web:
        yield web


async def alerts(web: Web, *arguments: str) -> Result:
    """The command, in a thread: the web runs in this one."""
    runner = CliRunner(env={"COLUMNS": "160", "USER": "anna"})
    return await asyncio.to_thread(runner.invoke, app, [*arguments, "--url", web.url])


async def test_incidents_are_listed_shown_and_explained(web: Web) -> None:
    hostile = incident("A", NOW_MS + 1, message="\x1b[31mred [bold]A[/bold]")
    path = (Step(NOW_MS, "silence", True, "nothing silences it"), Step(NOW_MS + 90_500, "cooldown", False, "told 2 h"))
    held = incident("B", NOW_MS, notified=None, suppressed_by="cooldown", path=path)
    await web.keep(hostile, held, incident("C", NOW_MS - 1, resolved_ms=NOW_MS))
    listed, only_open = await alerts(web, "list"), await alerts(web, "list", "--open", "--limit", "1")
    as_json, shown = await alerts(web, "list", "--json"), await alerts(web, "show", held.id)
    why = await alerts(web, "why", held.id)
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [
        each["id"] for each in json.loads(as_json.stdout)["alerts"]
    ]
    assert "�[31mred [bold]A[/bold]" in listed.stdout
    assert "\x1b" not in listed.stdout
    assert hostile.id in only_open.stdout
    assert "older ones: --cursor " in only_open.stdout
    assert "label symbol" in shown.stdout
    lines = [line.split() for line in why.stdout.splitlines()]
    assert lines[2] == ["+0.000", "s", "silence", "passed", "nothing", "silences", "it"]
    assert lines[3] == ["+1", "min", "30", "s", "cooldown", "withheld", "told", "2", "h"]
    assert why.stdout.splitlines()[-1] == "it is withheld by cooldown now"
    assert [done.exit_code for done in (listed, only_open, as_json, shown, why)] == [0] * 5


async def test_people_acknowledge_and_silence(web: Web) -> None:
    told = incident("A")
    await web.keep(told)
    noted = await alerts(web, "ack", told.id, "--comment", "on it")
    matchers = ("symbol=A*", "kind=sudden_move")
    silenced = await alerts(web, "silence", *matchers, "--for", "1h30m", "--by", "ben", "--comment", "planned")
    assert (noted.exit_code, noted.stdout) == (0, f"{told.id} is acknowledged by anna\n")
    silence_id = silenced.stdout.split()[1]
    assert silenced.stdout == f"silence {silence_id} from 2026-11-18T11:06:40.000Z until 2026-11-18T12:36:40.000Z\n"
    found = await web.database.alert_inputs("monitor", NOW_MS)
    assert found.acknowledged[told.id].comment == "on it"
    assert found.silences[0].matcher == {"symbol": "A*", "kind": "sudden_move"}
    listed = await alerts(web, "silences")
    assert "kind=sudden_move symbol=A*" in listed.stdout
    assert "planned" in listed.stdout
    ended = await alerts(web, "unsilence", silence_id)
    assert (ended.exit_code, ended.stdout) == (0, f"silence {silence_id} is over\n")
    assert (await alerts(web, "silences")).stdout == "nothing is silenced\n"


async def test_rules_and_the_pipeline_are_shown(web: Web) -> None:
    web.cache.put("alerts:rules", msgspec.json.encode(examples.RULES), Version(1, 1), 60)
    web.cache.put("alerts:pipeline", msgspec.json.encode(examples.PIPELINE), Version(1, 1), 60)
    rules, pipeline = await alerts(web, "rules"), await alerts(web, "pipeline")
    assert "funding > 0.05 and score < 35" in rules.stdout
    assert "12h" in rules.stdout
    assert "41 fired, 39 over, 2 open" in pipeline.stdout
    assert [line.split()[:4] for line in pipeline.stdout.splitlines() if line.startswith("cooldown")] == [
        ["cooldown", "38", "3", "1"]
    ]


async def test_what_alerts_were_worth_is_shown(web: Web) -> None:
    assert (await alerts(web, "performance")).exit_code == 1, "nothing has been published yet"
    web.cache.put("alerts:performance", msgspec.json.encode(examples.PERFORMANCE), Version(1, 1), 60)
    shown = await alerts(web, "performance")
    assert "interruptions today: 1 of 10" in shown.stdout
    (move,) = [line for line in shown.stdout.splitlines() if line.startswith("sudden_move") and "min" in line]
    assert "2.40 [1.50, 3.30] of 64" in move
    assert "- of 11" in move
    assert "no" in next(line for line in shown.stdout.splitlines() if line.startswith("whale_trade")).split()
    as_json = await alerts(web, "performance", "--json")
    assert msgspec.json.decode(as_json.stdout) == examples.PERFORMANCE


async def test_messages_are_listed_and_sent_again(web: Web) -> None:
    dead = delivery("A", state="dead", error="status 400: too long")
    await web.put(dead, delivery("B"))
    listed = await alerts(web, "deliveries")
    states = [line.split()[4] for line in listed.stdout.splitlines()[1:]]
    assert sorted(states) == ["dead", "waiting"]
    only_dead = await alerts(web, "deliveries", "--dead")
    assert [line.split()[0] for line in only_dead.stdout.splitlines()[1:]] == [dead.id]
    assert "status 400: too long" in only_dead.stdout
    again = await alerts(web, "resend", dead.id)
    assert (again.exit_code, again.stdout) == (0, f"{dead.id} waits for discord again\n")
    assert (await alerts(web, "deliveries", "--dead")).stdout == "no such message\n"


async def test_mistakes_say_what_would_be_right(web: Web) -> None:
    silence, unknown = ("silence", "--comment", "x", "--for"), "0" * 16
    for arguments, kind, said in (
        (("why", "../x"), UsageError, "'../x' is no id"),
        (("ack", unknown), VirtuosoError, f"no alert {unknown} is kept"),
        ((*silence, "1h", "symbol"), UsageError, "'symbol' is no matcher: write NAME=PATTERN"),
        ((*silence, "1h", "a=1", "a=2"), UsageError, "a is given twice"),
        ((*silence, "soon", "a=1"), UsageError, "--for: 'soon' is no duration"),
        (("rules",), VirtuosoError, "the monitor has not published anything yet"),
    ):
        done = await alerts(web, *arguments)
        assert type(done.exception) is kind, done
        assert said in str(done.exception)
        assert done.stdout == ""


def test_where_nothing_runs_it_names_the_next_step() -> None:
    done = warm.run(command("alerts", "list", "--url", "http://127.0.0.1:9"), timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "virtuoso: http://127.0.0.1:9 (--url): cannot be reached: connection refused; start `virtuoso up`, or name "
        "another address with --url or VIRTUOSO_URL\n"
    )


def test_a_test_message_goes_through_each_channel_as_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The runner's streams are closed after it: the logs of this process must not be bound to them.
    monkeypatch.setattr("virtuoso.operations.logs.configure", lambda *_: None)
    with chat_server() as chat:
        config = tmp_path / "virtuoso.yaml"
        config.write_text(
            f"monitoring:\n  alerts:\n    discord_webhook_url: '{chat.url()}'\n"
            "    channels: {desk: {type: webhook, url: 'http://127.0.0.1:9/hook'}}\n"
        )
        found = CliRunner().invoke(app, ["test", "-c", str(config), "--channel", "discord"])
        assert (found.exit_code, found.stdout) == (0, "discord: accepted\n")
        assert [message.embed["title"] for message in chat.messages] == ["Test of this channel"]
        found = CliRunner().invoke(app, ["test", "-c", str(config), "--json"])
        assert found.exit_code == 1
        told = json.loads(found.stdout)
        assert [(name, each["ok"]) for name, each in told.items()] == [
            ("console", True), ("database", True), ("discord", True), ("desk", False),
        ]  # fmt: skip
        assert "cannot be reached" in told["desk"]["error"]
        found = CliRunner().invoke(app, ["test", "-c", str(config), "--channel", "slack"])
        assert "there is no channel slack; configured are console, database, discord, desk" in str(found.exception)
