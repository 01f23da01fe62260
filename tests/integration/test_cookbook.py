"""Every rule that the pages give fires on the bundled market data, as `rules check --on` tells it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.bundled import record_bundled
from typer.testing import CliRunner

from virtuoso.alerts.rules.parse import parse
from virtuoso.cli.rules import app

pytestmark = pytest.mark.slow

WEEK_MS = 7 * 86_400_000
RISE_MS = 1_748_485_770_000
"""2025-05-29T02:29:30Z: the market is bullish, and most symbols are bought."""
FALL_MS = 1_748_655_270_000
"""2025-05-31T01:34:30Z: it has fallen by a twelfth within a day, and is sold; funding of XLM is negative."""
SECONDS, LOST, RISING_SECONDS = 430, (300, 400), 300
DETAILED = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "SUIUSDT")
CONFIG = "universe: {size: 15, detailed: 5}\n"
OF_THE_MACHINE = {"short-of-breath"}
"""A recording does not hold how busy the machine was: `test_rules_docs.py` fires it by those values."""


def rules_of(root: Path) -> str:
    """All rules of README, alerts and tasks, in one file."""
    pages = [(root / name).read_text("utf-8") for name in ("docs/alerts.md", "docs/tasks.md")]
    listed = [text for page in pages for text in re.findall(r"^rules:\n((?:  .*\n|\n)+)", page, re.MULTILINE)]
    (own,) = re.findall(r"your own: `when: (.*?)`", (root / "README.md").read_text("utf-8"))
    return "".join(["rules:\n", *listed, f"  - {{name: readme, when: '{own}'}}\n"])


def played(rules: Path, recording: Path, config: Path) -> dict[str, dict[str, Any]]:
    """What the command tells of each rule."""
    found = CliRunner().invoke(app, ["check", str(rules), "--on", str(recording), "-c", str(config), "--json"])
    assert found.exit_code == 0, found.output
    return {each["rule"]: each for each in json.loads(found.stdout)["observed"]}


@pytest.fixture(scope="module")
def files(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The rules of the pages, a configuration, and a recording of the fall."""
    folder = tmp_path_factory.mktemp("cookbook")
    rules, config = folder / "rules.yaml", folder / "virtuoso.yaml"
    rules.write_text(rules_of(root), "utf-8")
    config.write_text(CONFIG, "utf-8")
    return rules, config, record_bundled(folder / "fall", FALL_MS, SECONDS, DETAILED, LOST)


def test_every_rule_of_the_pages_fires_on_bundled_data(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    rules, config, fall = files
    rise = record_bundled(tmp_path / "rise", RISE_MS, RISING_SECONDS, DETAILED)
    falling, rising = (played(rules, recording, config) for recording in (fall, rise))
    names = {rule.name for rule in parse([("pages", rules.read_text("utf-8"))]).rules}
    assert len(names) == 13, "ten of the cookbook, one of its head, one of the README, one of the tasks"
    assert falling.keys() == rising.keys() == names
    silent = {name for name in names if not falling[name]["alerts"] and not rising[name]["alerts"]}
    assert silent == OF_THE_MACHINE == {name for name in names if falling[name]["not_recorded"]}
    for told in (falling, rising):
        assert all(bool(each["never"]) is not bool(each["true"]) for each in told.values())
    (label, *others) = falling["up-with-the-market"]["never"]
    assert label == {
        "part": "band == 'stretched up'", "wanted": True, "apart": False,
        "was": [{"value": "band", "low": None, "high": None, "texts": ["balanced", "stretched down"]}],
    }  # fmt: skip
    assert others[-1]["was"][0]["high"] < 60


def test_a_condition_that_was_never_true_says_which_part_of_it_and_what_was(
    files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    _, config, fall = files
    rules = tmp_path / "never.yaml"
    rules.write_text(
        "rules:\n"
        '  - {name: hot, when: score > 75 and price > 0 and symbol == "BTCUSDT"}\n'
        "  - {name: there, when: price > 0, for: 1d}\n"
        '  - {name: off, when: price > 0, enabled: false}\n'
    )  # fmt: skip
    arguments = ["check", str(rules), "--on", str(fall), "-c", str(config)]
    found = CliRunner().invoke(app, arguments)
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert lines[:2] == [f"ok: 3 rules in {rules}", "in 7m10s of 15 symbols:"]
    assert re.fullmatch(r"hot: warning: never true of \d+ times", lines[2])
    low, high = map(float, re.fullmatch(r"  score > 75: never; score was ([\d.]+) … ([\d.]+)", lines[3]).groups())  # type: ignore[union-attr]
    assert 0 < low < high <= 75
    assert re.fullmatch(r"there: true \d+ of \d+ times, up to 7m.* at a time; 0 alerts", lines[4])
    assert lines[5] == "  warning: it never held for 1d, so it would fire nothing here"
    assert lines[7:] == ["  it is disabled"]
