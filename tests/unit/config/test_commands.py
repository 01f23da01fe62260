"""`virtuoso config` as it is typed."""

import json
import subprocess
from pathlib import Path

from tests.support import warm
from tests.support.program import command


def run(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return warm.run(command(*arguments), timeout=30, cwd=folder)


def test_init_writes_the_commented_default_once(tmp_path: Path, root: Path) -> None:
    done = run("config", "init", folder=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "virtuoso.yaml").read_text() == (root / "config" / "config.yaml").read_text()
    again = run("config", "init", folder=tmp_path)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    assert run("config", "init", "--force", folder=tmp_path).returncode == 0
    assert run("config", "check", "-c", "virtuoso.yaml", folder=tmp_path).stdout == "ok: virtuoso.yaml\n"


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
    assert shown["monitoring.interval"] == {"value": 10.0, "origin": "default"}
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
    assert moon.stderr == ("virtuoso: --source moon: there is no such market; choose recording or capture or model\n")
    for name in ("exchange", "demo"):
        assert run(name, "--start", "yesterday").stderr == (
            "virtuoso: --start yesterday: must be ISO 8601, such as 2026-08-09T21:26:57Z, or epoch ms\n"
        )
    assert run("--version").stdout.startswith("virtuoso ")
