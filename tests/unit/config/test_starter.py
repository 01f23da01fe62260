"""The file to begin with is valid as it is, and so is every line of it that somebody makes count."""

import re
from pathlib import Path

import pytest

from virtuoso.config import Settings, load, load_with_origins
from virtuoso.config.keys import paths
from virtuoso.config.starter import defaults_text, starter_text

LINES = starter_text().splitlines()
KEYS = [number for number, line in enumerate(LINES) if re.match(r"\s*# ", line)]


def taken(folder: Path, *numbers: int) -> Path:
    """The file with some lines un-commented."""
    lines = [line.replace("# ", "", 1) if number in numbers else line for number, line in enumerate(LINES)]
    path = folder / "virtuoso.yaml"
    path.write_text("\n".join(lines))
    return path


def test_as_it_is_it_changes_nothing_and_asks_the_environment(tmp_path: Path) -> None:
    path = taken(tmp_path)
    settings, layers = load_with_origins([path], {})
    assert settings == Settings()
    leaves = {".".join(key) for key in paths() if layers.origin(key)}
    assert leaves == {
        "database.url", "timeseries.influx.token", "web.token", "monitoring.alerts.heartbeat.url",
        "monitoring.alerts.discord_webhook_url", "monitoring.alerts.system_alerts_webhook_url",
    }  # fmt: skip
    token = load([path], {"VIRTUOSO_TOKEN": "0123456789abcdef"}).web.token
    assert token is not None


@pytest.mark.parametrize("number", KEYS, ids=lambda number: LINES[number].split("#")[1].strip())
def test_each_line_counts_where_its_mark_is_taken_away(tmp_path: Path, number: int) -> None:
    settings, layers = load_with_origins([taken(tmp_path, number)], {})
    assert settings == Settings()
    of_the_line = f"{tmp_path / 'virtuoso.yaml'}:{number + 1}"
    assert of_the_line in layers.origins.values()


def test_all_of_them_are_all_keys(tmp_path: Path) -> None:
    settings, layers = load_with_origins([taken(tmp_path, *KEYS)], {})
    assert settings == Settings()
    assert [key for key in paths() if layers.origin(key) is None] == []


def test_what_the_shipped_file_says_of_a_key_is_said_here_too() -> None:
    bare = [re.sub(r"^(\s*)#+ ?", r"\1", line) for line in LINES]
    for line in defaults_text().splitlines():
        assert re.sub(r"^(\s*)#+ ?", r"\1", line) in bare
