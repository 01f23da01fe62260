"""`virtuoso rules` as a user runs it: check, list, and diff on a real recording."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.exchange import Running
from tests.support.program import command, settings_for
from typer.testing import CliRunner, Result

from virtuoso.cli.rules import app, show
from virtuoso.model.errors import ConfigError, UsageError
from virtuoso.playback.rule_diff import Alert, Difference

pytestmark = pytest.mark.slow

GOOD = """\
rules:
  - name: there
    when: price > 0
    labels: {desk: majors}
  - name: gone
    when: price > 0 and symbol == "BTCUSDT"
    severity: critical
    channels: [console]
"""
CHANGED = """\
rules:
  - name: there
    when: price > 0
    for: 2
    labels: {desk: majors}
  - {name: market, when: market_symbols > 0, cooldown: 1h30m}
  - {name: busy, when: system_cpu_pct > 0}
"""
BAD = """\
rules:
  - name: hot
    when: scor > 70 and __import__('os').system('true') == 0
  - name: sure
    when: signal == "BUYY"
    fro: 5m
"""


def called(*arguments: str) -> Result:
    """The command in this process, for what does not need one of its own."""
    return CliRunner().invoke(app, arguments)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return warm.run(command("rules", *arguments), timeout=60)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, text in (("good", GOOD), ("changed", CHANGED), ("bad", BAD)):
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    return tmp_path


def test_check_names_the_line_and_the_nearest_word_and_the_exit_code_says_it(files: Path) -> None:
    bad, good = str(files / "bad.yaml"), str(files / "good.yaml")
    ended = run("check", good, bad)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.splitlines() == [
        f"{bad}:3: rules[0].when: unknown value 'scor'; did you mean 'score'?",
        f"{bad}:5: rules[1].when: signal is never 'BUYY'; did you mean 'BUY'?",
        f"{bad}:6: rules[1].fro: unknown key; did you mean 'for'?",
    ]
    ended = run("check", good, str(files / "missing.yaml"))
    assert (ended.returncode, ended.stderr) == (
        2, f"virtuoso: {files / 'missing.yaml'}: cannot be read: no such file or directory\n",
    )  # fmt: skip
    found = called("check", bad, "--json")
    assert found.exit_code == 1
    answer = json.loads(found.stdout)
    assert answer["ok"] is False
    assert answer["mistakes"][2] == {
        "file": bad, "line": 6, "path": "rules[1].fro", "text": "unknown key; did you mean 'for'?",
    }  # fmt: skip


def test_check_of_good_files_and_their_channels(files: Path) -> None:
    good = files / "good.yaml"
    found = called("check", str(good), str(files / "changed.yaml"))
    assert (found.exit_code, found.stdout.splitlines()) == (
        1, [f"{files / 'changed.yaml'}:2: rules[0]: there is a rule 'there' already, at {good}:2"],
    )  # fmt: skip
    found = called("check", str(good), "--json")
    assert (found.exit_code, json.loads(found.stdout)) == (0, {"ok": True, "rules": ["there", "gone"], "notes": []})
    (files / "config.yaml").write_text("monitoring: {alerts: {cooldown: 60}}")
    good.write_text(GOOD.replace("[console]", "[consle]"))
    assert called("check", str(good)).exit_code == 0
    found = called("check", str(good), "-c", str(files / "config.yaml"))
    assert (found.exit_code, found.stdout) == (
        1, f"{good}:8: rules[1].channels[0]: 'consle' is not known; did you mean 'console'?\n",
    )  # fmt: skip


def test_check_notes_once_a_file_what_older_rules_used_in_another_sense(files: Path) -> None:
    rules = (
        "rules:\n"
        '  - {name: sure, when: signal == "BUY" and confidence > 0.5}\n'
        '  - {name: told, when: score > 70, message: "{confidence:.0%}"}\n'
        "  - {name: new, when: agreement > 0.5}\n"
    )
    old, bad = files / "old.yaml", files / "bad.yaml"
    old.write_text(rules)
    found = called("check", str(old))
    ok, note = found.stdout.splitlines()
    assert (found.exit_code, ok) == (0, f"ok: 3 rules in {old}")
    assert note.startswith(f"{old}: note: `signal` was ")
    assert "; `confidence` was what `agreement` is now" in note
    assert json.loads(called("check", str(old), "--json").stdout)["notes"] == [note]
    refused = called("check", str(old), str(bad))
    assert (refused.exit_code, refused.stdout.splitlines()[-1]) == (1, note)
    assert json.loads(called("check", str(old), str(bad), "--json").stdout)["notes"] == [note]
    old.write_text(f"version: 2\n{rules}")
    assert called("check", str(old)).stdout.splitlines() == [ok]


def test_list_shows_what_is_in_force_with_defaults(files: Path) -> None:
    assert "no rules" in called("list").stdout
    config = files / "config.yaml"
    config.write_text(
        f"monitoring: {{alerts: {{cooldown: 60, rules: [{files / 'good.yaml'}, {files / 'more.yaml'}]}}}}"
    )
    (files / "more.yaml").write_text("rules:\n  - {name: '[red]', when: score > 1}")
    refused = called("list", "-c", str(config)).exception
    assert isinstance(refused, ConfigError)
    assert str(refused).startswith(f"{files / 'more.yaml'}:2: rules[0].name: '[red]'")
    (files / "more.yaml").write_text("rules:\n  - {name: late, when: score>1, for: 90, enabled: false}")
    there, gone, late = json.loads(called("list", "-c", str(config), "--json").stdout)
    assert (there["cooldown"], there["severity"], there["labels"], there["each_symbol"]) == (
        60.0, "warning", {"desk": "majors"}, True,
    )  # fmt: skip
    assert (gone["channels"], gone["severity"], late["when"], late["enabled"]) == (
        ["console"], "critical", "score > 1", False,
    )  # fmt: skip
    shown = called("list", str(files / "changed.yaml")).stdout
    assert "1h30m" in shown
    assert "as routed" in shown


@pytest.fixture(scope="module")
def recording(wall_exchange: Running, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recording of three symbols, and the configuration it was made with."""
    folder = tmp_path_factory.mktemp("recording")
    config = settings_for(wall_exchange, folder, "universe: {size: 3, detailed: 3}\n")
    ended = warm.run(command("record", str(folder / "day"), "-c", str(config), "--for", "10"), timeout=60)
    assert ended.returncode == 0, ended.stderr
    return folder / "day", config


def test_diff_tells_what_would_appear_vanish_and_move_and_what_would_be_sent(
    files: Path, recording: tuple[Path, Path]
) -> None:
    day, config = recording
    old, new = str(files / "good.yaml"), str(files / "changed.yaml")
    ended = run("diff", old, new, "--on", str(day), "-c", str(config), "--json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert [(each["rule"], each["symbol"]) for each in found["appear"]] == [("market", None)]
    assert [(each["rule"], each["symbol"]) for each in found["vanish"]] == [("gone", "BTCUSDT")]
    assert {each["rule"] for each in found["moved"]} == {"there"}
    assert len({each["symbol"] for each in found["moved"]}) == 3
    assert {each["seconds"] for each in found["moved"]} == {2.0}
    assert (found["same"], found["unjudged"]) == (0, ["busy"])
    # `there`: the first at once, two folded. `gone` is told on the console only.
    assert found["messages"]["console"] == {"old": 3, "new": 3}
    assert found["messages"]["database"] == {"old": 2, "new": 3}


def test_a_difference_is_shown_with_signs_times_and_texts_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    old, new = Alert("a", "[red]", 0, "m"), Alert("a", "[red]", 5_400_000, "m")
    gone, come = Alert("b", None, 1_000, "[bold]no markup[/]"), Alert("c", "X", 2_500, "m")
    show(Difference((come,), (gone,), ((old, new), (new, old)), 7, {"chat": (3, 1)}, ("busy",)))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "alerts: 1 appear, 1 vanish, 2 move, 7 stay"
    assert lines[2:6] == [
        "+ c X 1970-01-01T00:00:02.500Z m",
        "- b 1970-01-01T00:00:01.000Z [bold]no markup[/]",
        "~ a [red] 1970-01-01T01:30:00.000Z 1h30m later",
        "~ a [red] 1970-01-01T00:00:00.000Z 1h30m earlier",
    ]
    assert "chat 3 1" in lines
    assert lines[-1].endswith("busy")


def test_diff_on_what_is_no_recording_says_so(files: Path) -> None:
    good = str(files / "good.yaml")
    refused = called("diff", good, good, "--on", str(files / "nothing")).exception
    assert isinstance(refused, UsageError)
    assert "nothing" in str(refused)
