"""`virtuoso config` as it is typed."""

import json
import socket
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.program import command

from virtuoso.cli.terminal.address import address
from virtuoso.config.starter import starter_text


def run(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return warm.run(command(*arguments), timeout=30, cwd=folder)


def test_init_writes_what_a_start_then_takes(tmp_path: Path) -> None:
    done = run("config", "init", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "wrote virtuoso.yaml; start with: virtuoso up\n")
    assert (tmp_path / "virtuoso.yaml").read_text() == starter_text()
    again = run("config", "init", folder=tmp_path)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    assert run("config", "init", "--force", folder=tmp_path).returncode == 0
    other = run("config", "init", "other.yaml", folder=tmp_path)
    assert other.stdout == "wrote other.yaml; start with: virtuoso up -c other.yaml\n"
    assert run("config", "check", "-c", "virtuoso.yaml", folder=tmp_path).stdout == "ok: virtuoso.yaml\n"


def test_a_token_is_made_with_the_hash_that_a_configuration_may_hold(tmp_path: Path) -> None:
    made = dict(line.split() for line in run("config", "token").stdout.splitlines())
    assert len(made["token"]) >= 43
    assert made["hash"] == f"sha256:{sha256(made['token'].encode()).hexdigest()}"

    def hashed(text: str) -> subprocess.CompletedProcess[str]:
        asked = command("config", "token", "--given")
        return subprocess.run(asked, input=text, capture_output=True, text=True, timeout=60, check=False)

    assert hashed(f"{made['token']}\n").stdout == f"hash   {made['hash']}\n"
    assert (hashed("\n").returncode, hashed(made["hash"]).returncode) == (2, 2)
    short = hashed("fifteen-letters\n")
    assert (short.returncode, short.stdout, "at least 16 characters" in short.stderr) == (2, "", True)
    file = tmp_path / "virtuoso.yaml"
    file.write_text(f"web: {{host: 0.0.0.0, token: '{made['hash']}', read_token: '{made['token']}'}}\n")
    assert "read_token and token must differ" in run("config", "check", folder=tmp_path).stderr
    file.write_text(f"web: {{host: 0.0.0.0, token: '{made['hash']}'}}\n")
    assert run("config", "check", folder=tmp_path).returncode == 0
    assert made["hash"] not in run("config", "show", folder=tmp_path).stdout
    assert address(None, [file], {}).token is None, "it is sent to nobody"


def test_the_file_of_the_folder_is_used_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "virtuoso.yaml").write_text("web: {port: 9000}\n")
    (tmp_path / "other.yaml").write_text("web: {host: localhost}\n")

    def ports(*arguments: str) -> tuple[int, str]:
        done = run("config", "show", "--json", *arguments, folder=tmp_path)
        return json.loads(done.stdout)["web.port"]["value"], done.stderr

    used = "virtuoso: using virtuoso.yaml of this folder; --no-config leaves it out\n"
    assert ports() == (9000, used)
    assert ports("-c", "other.yaml") == (8002, "")
    assert ports("--no-config") == (8002, "")
    both = run("config", "show", "-c", "other.yaml", "--no-config", folder=tmp_path)
    assert (both.returncode, both.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["up"], ["monitor"], ["web"], ["analyze", "BTCUSDT"], ["universe"], ["record", "a.vrec"], ["replay", "a.vrec"],
        ["backtest", "a.csv"], ["export", "bars", "-o", "a.csv"], ["rules", "list"], ["rules", "check", "a.yaml"],
        ["rules", "diff", "a.yaml", "b.yaml", "--on", "a.vrec"], ["alerts", "test"], ["config", "check"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_every_command_takes_the_file_of_the_folder(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "virtuoso.yaml").write_text("web: {prt: 9000}\n")
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "virtuoso: using virtuoso.yaml of this folder; --no-config leaves it out",
        "virtuoso: virtuoso.yaml:1: web.prt = 9000: unknown key; did you mean web.port?",
    ]


def test_the_demo_says_that_it_does_not_use_it(tmp_path: Path) -> None:
    (tmp_path / "virtuoso.yaml").write_text("web: {prt: 9000}\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run("demo", "--port", str(taken.getsockname()[1]), folder=tmp_path)
    assert done.returncode == 2
    first, last = done.stderr.splitlines()[0], done.stderr.splitlines()[-1]
    assert first == "virtuoso: virtuoso.yaml of this folder is not used here; -c virtuoso.yaml does"
    assert "choose another port" in last


def test_check_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("universe: {sise: 3}\n")
    done = run("config", "check", "-c", "bad.yaml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "virtuoso: bad.yaml:1: universe.sise = 3: unknown key; did you mean universe.size?\n"


def test_show_names_the_origin_and_hides_the_secret(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("web: {port: 9000, token: hush-hush-hush-hush}\n")
    done = run("config", "show", "--json", "-c", "a.yaml", folder=tmp_path)
    shown = json.loads(done.stdout)
    assert shown["web.port"] == {"value": 9000, "origin": "a.yaml:1"}
    assert shown["web.token"] == {"value": "***", "origin": "a.yaml:1"}
    assert shown["monitoring.interval"] == {"value": "10s", "origin": "default"}
    table = run("config", "show", "-c", "a.yaml", folder=tmp_path)
    assert "hush" not in done.stdout + table.stdout
    assert "monitoring.interval" in table.stdout


def test_schema_is_json_schema() -> None:
    schema = json.loads(run("config", "schema").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["WebSettings"]["properties"]["port"]["default"] == 8002


def test_wrong_use_exits_with_2() -> None:
    assert run("nonsense").returncode == 2
    moon = run("exchange", "--source", "moon")
    assert (moon.returncode, moon.stdout) == (2, "")
    assert moon.stderr == ("virtuoso: --source moon: there is no such market; choose history or capture or model\n")
    for name in ("exchange", "demo"):
        assert run(name, "--start", "yesterday").stderr == (
            "virtuoso: --start yesterday: must be ISO 8601, such as 2026-08-09T21:26:57Z, or epoch ms\n"
        )
    assert run("--version").stdout.startswith("virtuoso ")
