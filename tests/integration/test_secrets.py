"""Secrets in every place where one can stand appear in nothing that the program says, serves or keeps.

Each secret holds the word `canary`, and nothing else does: it is looked for in all there is.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support import warm
from tests.support.exchange import running_exchange
from tests.support.program import Program, command, running_program

WEB_TOKEN = "canary-web-token-1f0c"
DEAD = "127.0.0.1:9"  # nobody listens there
SECRETS: dict[str, str] = {
    "web.token": WEB_TOKEN,
    "web.read_token": "canary-web-read-token-77",
    "cache.redis_url": f"redis://user:canary-redis-pass@{DEAD}/0",
    "database.url": f"postgresql://user:canary-database-pass@{DEAD}/x",
    "timeseries.influx.token": "canary-influx-token",
    "timeseries.influx.password": "canary-influx-password",
    "monitoring.alerts.discord_webhook_url": f"http://{DEAD}/api/webhooks/11/canary-discord-general",
    "monitoring.alerts.system_alerts_webhook_url": f"http://{DEAD}/api/webhooks/12/canary-discord-system",
    "monitoring.alerts.heartbeat.url": f"http://{DEAD}/ping/canary-heartbeat",
    "monitoring.alerts.channels.hook.url": f"http://{DEAD}/hooks/canary-webhook",
    "monitoring.alerts.channels.hook.secret": "canary-hmac-secret",
    "monitoring.alerts.channels.chat.url": f"json://user:canary-apprise-pass@{DEAD}/canary-apprise",
}
REST: dict[str, Any] = {
    "cache.tiers": ["memory", "redis"],
    "timeseries.store": "influx",
    "timeseries.influx.url": f"http://{DEAD}",
    "monitoring.alerts.channels.hook.type": "webhook",
    "monitoring.alerts.channels.chat.type": "apprise",
    "monitoring.alerts.channels.hook.severity": "info",
    "monitoring.alerts.channels.chat.severity": "info",
    "monitoring.alerts.discord.severity": "info",
    "monitoring.alerts.discord.api_url": f"http://{DEAD}/api/v10",
    "monitoring.interval": 1,
    "logging.level": "debug",
}
NO_FILE = {"cache.redis_url"}
Place = Callable[[str, str, Path], tuple[str, Any]]


def literal(key: str, secret: str, folder: Path) -> tuple[str, Any]:
    return key, secret


def variable(key: str, secret: str, folder: Path) -> tuple[str, Any]:
    return key, f"${{{key.replace('.', '_').upper()}}}"


def file(key: str, secret: str, folder: Path) -> tuple[str, Any]:
    if key in NO_FILE:
        return key, secret
    path = folder / f"{key}.secret"
    path.write_text(secret)
    return f"{key}_file", str(path)


def written(folder: Path, values: dict[str, Any]) -> Path:
    """A configuration file of values by their dotted keys."""
    data: dict[str, Any] = {}
    for key, value in values.items():
        *sections, last = key.split(".")
        section = data
        for name in sections:
            section = section.setdefault(name, {})
        section[last] = value
    path = folder / "virtuoso.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def everything(folder: Path, places: list[Place], **others: Any) -> tuple[Path, dict[str, str]]:
    """A configuration with every secret, in each of the places by turns; and the environment it needs."""
    given = dict(others)
    for i, (key, secret) in enumerate(SECRETS.items()):
        if key not in others:
            name, value = places[i % len(places)](key, secret, folder)
            given[name] = value
    environment = {key.replace(".", "_").upper(): secret for key, secret in SECRETS.items()}
    return written(folder, {**REST, **given}), environment


def silent(what: str, text: str) -> None:
    at = text.find("canary")
    assert at < 0, f"{what} tells a secret: …{text[max(0, at - 200) : at + 60]}…"


@pytest.mark.parametrize("place", [literal, variable, file])
def test_the_configuration_is_shown_without_them(tmp_path: Path, place: Place) -> None:
    config, environment = everything(tmp_path, [place])
    for arguments in (["show"], ["show", "--json"], ["check"], ["schema"]):
        given = [] if arguments == ["schema"] else ["-c", str(config)]
        line = command("config", *arguments, *given)
        done = warm.run(line, timeout=60, env={**os.environ, **environment})
        assert done.returncode == 0, done.stderr
        silent(f"config {arguments}", done.stdout + done.stderr)
        if arguments == ["show", "--json"]:
            shown = json.loads(done.stdout)
            assert {key: shown[key]["value"] for key in SECRETS} == dict.fromkeys(SECRETS, "***")


@pytest.mark.parametrize("mistake", ["misspelt", "a list", "as a section", "beside it", "not YAML", "twice"])
def test_mistakes_are_told_without_them(tmp_path: Path, mistake: str) -> None:
    config = written(tmp_path, REST)
    given: dict[str, Any] = dict(REST)
    for key, secret in SECRETS.items():
        section = key.rpartition(".")[0]
        match mistake:
            case "misspelt":
                given[f"{key[:-1]}"] = secret
            case "a list":
                given[key] = [secret, {secret: secret}]
            case "as a section":
                given[key] = {"value": secret}
            case "beside it":
                given |= {key: secret, f"{key}_file": "x", f"{section}.no_such_key": secret, f"{section}.nor_this": 1}
    config = written(tmp_path, given)
    if mistake == "not YAML":
        config.write_text("web: {token: !canary-tag}\ncache: {redis_url: *canary-anchor}\n")
    if mistake == "twice":
        config.write_text(f"web: {{token: {WEB_TOKEN}}}\nweb: {{token: {WEB_TOKEN}}}\n")
    done = warm.run(command("config", "check", "-c", str(config)), timeout=60)
    assert done.returncode == 2
    silent("the mistake", done.stdout + done.stderr)
    expected = len(SECRETS) if mistake in {"misspelt", "a list", "as a section"} else 1
    assert len(done.stderr.splitlines()) >= expected


def test_a_start_that_fails_does_not_tell_them(tmp_path: Path) -> None:
    """The database is dead."""
    data = {"data_dir": str(tmp_path / "data"), "web.port": 0, "exchange.budget_dir": str(tmp_path / "budget")}
    config, environment = everything(tmp_path, [variable, file, literal], **data)
    done = warm.run(command("monitor", "-c", str(config)), timeout=60, env={**os.environ, **environment})
    assert done.returncode == 1, done.stderr
    assert "virtuoso: the database" in done.stderr
    silent("the failure", done.stdout + done.stderr)


def test_a_running_program_tells_none(tmp_path: Path) -> None:
    with running_exchange() as exchange:
        config, environment = everything(
            tmp_path, [literal, variable, file],
            **{
                "database.url": f"sqlite:///{tmp_path}/kept.sqlite", "data_dir": str(tmp_path / "data"), "web.port": 0,
                "exchange.rest_url": exchange.rest_url, "exchange.stream_url": exchange.stream_url,
                "exchange.budget_dir": str(tmp_path / "budget"), "universe.size": 3,
            },
        )  # fmt: skip
        with running_program(config, scored=False, environment=environment, cold=True) as program:
            program.until("an alert of the dead stores", lambda: stores_are_down(program), 60)
            for path in paths(program):
                silent(path, asked(program.url + path, {"Authorization": f"Bearer {WEB_TOKEN}"}))
            for path in ("/", "/health", "/api/alerts/recent"):  # each wrong token is answered later
                silent(path, asked(program.url + path, {"Authorization": f"Bearer {WEB_TOKEN}x"}))
            process = Path(f"/proc/{program.process.pid}")
            silent("the process title", (process / "cmdline").read_text() + (process / "comm").read_text())
    log = (tmp_path / "program.log").read_text()
    assert '"level": "warning"' in log
    silent("the log", log)
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".secret" and path != config]
    assert (tmp_path / "kept.sqlite") in kept
    for path in kept:
        silent(str(path), path.read_bytes().decode("latin-1"))


def stores_are_down(program: Program) -> bool:
    alerts = json.loads(asked(f"{program.url}/api/alerts/recent", {"Authorization": f"Bearer {WEB_TOKEN}"}))
    return "store_down" in {alert["alert_type"] for alert in alerts}


def paths(program: Program) -> list[str]:
    """Everything that can be read, by the program's own word."""
    text = asked(f"{program.url}/openapi.json", {"Authorization": f"Bearer {WEB_TOKEN}"})
    known = [path for path, verbs in json.loads(text)["paths"].items() if "get" in verbs and "stream" not in path]
    assert "/api/monitoring/status" in known
    return [*(path.replace("{symbol}", "BTCUSDT") for path in known), "/openapi.json", "/metrics", "/", "/nothing"]


def asked(url: str, headers: dict[str, str]) -> str:
    """The answer with its headers, whatever its status."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.headers}{error.read().decode()}"


LOUD = """
import logging, sys, structlog
from virtuoso.operations import logs, streams
secret = 'canary "quoted" ünd \\\\slashed'
logs.configure("info", sys.argv[1], {secret})
log = structlog.get_logger()
log.info("early")
streams.hide({"canary-token"})
def fail():
    inside = "canary-token"
    raise ValueError(f"at https://example.org/{inside}")
try:
    fail()
except ValueError:
    log.exception("failed", url="https://example.org/canary-token", why=secret, nested={"a": [secret]})
log.info(f"said {secret}", api_key="canary-under-a-secret-key")
logging.getLogger("library").warning("retrying %s", "https://example.org/canary-token")
print("said", secret)
fail()
"""


@pytest.mark.parametrize("form", ["json", "console"])
def test_whoever_says_a_secret_it_is_masked(form: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOUD, form], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.count("at https://example.org/***") >= 2
    assert done.stderr.count("ValueError") >= 2
    assert "retrying https://example.org/***" in done.stderr
    said = done.stdout if form == "console" else f"{json.loads(done.stdout)['event']}\n"
    assert said == "said ***\n"
    silent("the logs", done.stderr)
