"""`config check` refuses whatever `up` would refuse: one table of mistakes, and `up` really started on each of them."""

import json
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import command, running_program, settings_for

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Mistake:
    """What is wrong, and what both must say of it.

    Attributes:
        text: sections of the configuration; `{here}` is the test's folder.
        says: what stands in the line of both.
        files: that are there, by name; a name that ends in `/` is a folder.
        connect: only who asks the servers can know it.
    """

    text: str
    says: str
    files: tuple[tuple[str, str], ...] = ()
    connect: bool = False


def alerts(text: str) -> str:
    return f"monitoring: {{alerts: {text}}}"


RULE = "rules: [{name: a, when: score > 70, channels: [nobody]}]"
WRONG_RULES = "rules:\n  - {name: a, when: scor > 70}\n  - {name: b, when: price >}\n"
TABLE = {
    "unknown key": Mistake("universe: {sise: 3}", "universe.sise = 3: unknown key; did you mean universe.size?"),
    "no YAML": Mistake("universe: [", "is not valid YAML"),
    "a list that is none": Mistake("universe: {include: BTCUSDT}", "must be a list; write [BTCUSDT]"),
    "an unset variable": Mistake("universe: {size: '${NO_SUCH_SIZE}'}", "${NO_SUCH_SIZE} is not set"),
    "a duration that is none": Mistake("websocket: {stale_after: 1:30}", "websocket.stale_after = '1:30'"),
    "another's scheme": Mistake("exchange: {rest_url: 'ws://127.0.0.1:9'}", "exchange.rest_url"),
    "a stream without one": Mistake("exchange: {stream_url: 'https://127.0.0.1:9'}", "must begin with wss:// or ws://"),
    "no host": Mistake("exchange: {rest_url: 'http://'}", "exchange.rest_url"),
    "no port": Mistake("exchange: {rest_url: 'http://127.0.0.1:99999'}", "with a port up to 65535"),
    "no port of Memcached": Mistake("cache: {memcached: '127.0.0.1:99999'}", "with a port from 1 to 65535"),
    "no such exchange": Mistake("exchange: {name: okxx}", "ccxt knows no exchange of this name; did you mean okx?"),
    "too short to poll": Mistake(
        "exchange: {name: kraken, category: spot}\nmonitoring: {interval: 1}",
        "monitoring.interval = 1s: too short to poll",
    ),
    "a budget where none can be": Mistake(
        "exchange: {budget_dir: '{here}/file/x'}", "exchange.budget_dir", (("file", ""),)
    ),
    "data below a file": Mistake("data_dir: '{here}/file/x'", "data_dir", (("file", ""),)),
    "data that is a file": Mistake("data_dir: '{here}/file'", "data_dir", (("file", ""),)),
    "data where nothing can be made": Mistake("data_dir: /proc/virtuoso", "data_dir = /proc/virtuoso"),
    "no database": Mistake(
        "database: {url: 'sqlite:///{here}/notes'}", "is not a database", (("notes", "shopping list\n" * 100),)
    ),
    "a database that is a folder": Mistake("database: {url: 'sqlite:///{here}/base'}", "{here}/base", (("base/", ""),)),
    "a database below a file": Mistake("database: {url: 'sqlite:///{here}/file/x'}", "{here}/file", (("file", ""),)),
    "a secret that is not there": Mistake(
        "database: {url_file: '{here}/none'}", "database.url_file = {here}/none: cannot be read: no such file"
    ),
    "a database that does not answer": Mistake(
        "database: {url: 'postgresql://u:hush-hush@127.0.0.1:9/x'}", "127.0.0.1:9/x does not answer", connect=True
    ),
    "no such host": Mistake(
        "web: {host: no.such.host.invalid, token: 0123456789abcdef}", "cannot listen on no.such.host"
    ),
    "a host that cannot be": Mistake("web: {host: 'a..b', token: 0123456789abcdef}", "cannot listen on a..b"),
    "open to all": Mistake("web: {host: 0.0.0.0}", "a token (or token_file) is required"),
    "no rules": Mistake(
        alerts("{rules: ['{here}/none.yaml']}"), "monitoring.alerts.rules = {here}/none.yaml: cannot be read: no such"
    ),
    "wrong rules": Mistake(alerts("{rules: ['{here}/r.yaml']}"), "r.yaml:2: rules[0].when", (("r.yaml", WRONG_RULES),)),
    "a rule for nobody": Mistake(alerts("{rules: ['{here}/r.yaml']}"), "nobody", (("r.yaml", RULE),)),
    "no such channel": Mistake(alerts("{kinds: {cpu: {channels: [nobody]}}}"), "names nobody, which is no channel"),
    "no such kind": Mistake(alerts("{kinds: {cpuu: {for: 3s}}}"), "unknown kind; did you mean cpu?"),
    "no such type": Mistake(alerts("{channels: {a: {type: pigeon}}}"), "there is no such type of channel"),
    "a host that is not allowed": Mistake(
        alerts("{channels: {a: {type: webhook, url: 'https://b.org/x', allowed_hosts: [c.org]}}}"),
        "is not in allowed_hosts",
    ),
    "nothing for Apprise": Mistake(alerts("{channels: {a: {type: apprise, url: 'x://y'}}}"), "Apprise cannot use it"),
    "no such option": Mistake(
        alerts("{channels: {a: {type: webhook, url: 'https://b.org/x', options: {colour: red}}}}"), "options.colour"
    ),
    "another's API": Mistake(
        alerts(
            "{discord_webhook_url: 'https://discord.com/api/webhooks/1/hush-hush', discord: {api_url: 'http://x.org/?q'}}"
        ),
        "api_url must be like",
    ),
    "a circle": Mistake(alerts("{channels: {a: {type: x, fallback: a}}}"), "go round in a circle"),
}


def begun(folder: Path, wrong: Mistake) -> Path:
    """The configuration with the mistake in it, beside what it needs else."""
    for name, content in wrong.files:
        if name.endswith("/"):
            (folder / name).mkdir()
        else:
            (folder / name).write_text(content)
    base, path = settings_for(None, folder), folder / "wrong.yaml"
    path.write_text(wrong.text.replace("{here}", str(folder)))
    assert base != path
    return path


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return warm.run(command(*arguments), timeout=60, cwd=folder)


@pytest.mark.parametrize("name", TABLE)
def test_what_up_refuses_is_refused_without_a_start(tmp_path: Path, name: str) -> None:
    wrong = TABLE[name]
    files = ["-c", str(tmp_path / "virtuoso.yaml"), "-c", str(begun(tmp_path, wrong))]
    says = wrong.says.replace("{here}", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    checked = run(tmp_path, "config", "check", *files, *(["--connect"] if wrong.connect else []))
    assert (checked.returncode, checked.stdout) == (2, "")
    assert says in checked.stderr
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and "budget" not in path.name] == []
    started = run(tmp_path, "up", *files)
    assert started.returncode in {1, 2}
    assert says in started.stderr
    for done in (checked, started):
        assert "Traceback" not in done.stderr
        assert "hush" not in done.stderr
    said = [line for line in started.stderr.splitlines() if line.startswith("virtuoso: ")]
    assert said, started.stderr


def test_a_database_of_a_newer_program(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new.sqlite")) as database:
        database.execute("CREATE TABLE alembic_version (version_num TEXT)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
        database.commit()
    wrong = Mistake(f"database: {{url: 'sqlite:///{tmp_path}/new.sqlite'}}", "has schema 9999")
    files = ["-c", str(tmp_path / "virtuoso.yaml"), "-c", str(begun(tmp_path, wrong))]
    for done in (run(tmp_path, "config", "check", *files), run(tmp_path, "up", *files)):
        assert done.returncode == 2
        assert wrong.says in done.stderr


def test_a_port_that_somebody_else_has(tmp_path: Path) -> None:
    settings_for(None, tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "wrong.yaml").write_text(f"web: {{port: {port}}}")
        for arguments in (["config", "check"], ["up"]):
            done = run(tmp_path, *arguments, "-c", "virtuoso.yaml", "-c", "wrong.yaml")
            assert done.returncode == 2
            assert f"web.port = {port}: cannot listen on 127.0.0.1:{port}" in done.stderr


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "virtuoso.yaml").write_text(
        "exchange: {name: okxx}\nuniverse: {sise: 3}\ndata_dir: /proc/virtuoso\nweb: {host: no.such.host.invalid, "
        "token: 0123456789abcdef}\nmonitoring: {alerts: {rules: [a.yaml, b.yaml], channels: {c: {type: pigeon}, "
        "d: {type: apprise, url: 'x://y'}}}}\n"
    )
    done = run(tmp_path, "config", "check", "--json")
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert (found["ok"], found["files"]) == (False, ["virtuoso.yaml"])
    parts = [
        "universe.sise", "data_dir = /proc/virtuoso", "exchange.name = okxx", "a.yaml", "b.yaml", "channels.c",
        "channels.d", "web.port",
    ]  # fmt: skip
    assert [sum(part in line for line in found["mistakes"]) for part in parts] == [1] * len(parts)
    assert len(found["mistakes"]) == len(parts)


SILENT = {
    "cache: {tiers: [redis], redis_url: 'redis://u:hush@127.0.0.1:{port}/0'}": "cache.redis_url",
    "cache: {tiers: [memcached], memcached: '127.0.0.1:{port}'}": "cache.memcached",
    "database: {url: 'postgresql://u:hush@127.0.0.1:{port}/x'}": "database.url",
    "timeseries: {store: influx, influx: {url: 'http://127.0.0.1:{port}'}}": "timeseries.influx.url",
    "exchange: {rest_url: 'http://127.0.0.1:{port}'}": "exchange: http://127.0.0.1",
    alerts("{heartbeat: {url: 'http://127.0.0.1:{port}/hush'}}"): "monitoring.alerts.heartbeat.url",
    alerts(
        "{discord_webhook_url: 'http://127.0.0.1:{port}/api/webhooks/1/hush'}"
    ): "monitoring.alerts.discord_webhook_url",
    alerts("{channels: {a: {type: webhook, url: 'http://127.0.0.1:{port}/hush'}}}"): "monitoring.alerts.channels.a",
}


@contextmanager
def refusing() -> Iterator[int]:
    """A port where nothing listens, and nothing will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def hanging() -> Iterator[int]:
    """A port that takes connections, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held.getsockname()[1]


@pytest.mark.parametrize("text", SILENT)
def test_who_does_not_answer_is_told_with_connect_alone(wall_exchange: Running, tmp_path: Path, text: str) -> None:
    settings_for(wall_exchange, tmp_path)
    with refusing() as port:
        (tmp_path / "wrong.yaml").write_text(text.replace("{port}", str(port)))
        files = ["-c", "virtuoso.yaml", "-c", "wrong.yaml"]
        assert run(tmp_path, "config", "check", *files).returncode == 0
        done = run(tmp_path, "config", "check", "--connect", *files)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert SILENT[text] in line
    assert str(port) in line
    assert "hush" not in line


@pytest.mark.parametrize("text", list(SILENT)[:5])
def test_a_server_that_hangs_is_waited_for_some_seconds(wall_exchange: Running, tmp_path: Path, text: str) -> None:
    settings_for(wall_exchange, tmp_path)
    with hanging() as port:
        (tmp_path / "wrong.yaml").write_text(text.replace("{port}", str(port)))
        done = run(tmp_path, "config", "check", "--connect", "-c", "virtuoso.yaml", "-c", "wrong.yaml")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert SILENT[text] in line


def test_beside_a_running_program_all_is_well(exchange: Running, tmp_path: Path) -> None:
    config = settings_for(exchange, tmp_path)
    with running_program(config, pace=exchange.pace, scored=False) as program:
        port = program.url.rpartition(":")[2]
        (tmp_path / "more.yaml").write_text(f"web: {{port: {port}}}")
        with exchange.pace.flowing():
            done = run(tmp_path, "config", "check", "-c", str(config), "-c", "more.yaml")
    assert (done.returncode, done.stdout) == (0, f"ok: {config}, more.yaml\n"), done.stderr
    assert f"web.port = {port}: a running Virtuoso listens there" in done.stderr
