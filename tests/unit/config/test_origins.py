"""Every value knows where it was given: nothing that was set is called a default, nor the reverse."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.config import Settings, load_with_origins
from virtuoso.config.hints import variable
from virtuoso.config.keys import paths, written
from virtuoso.config.layers import SECRETS
from virtuoso.config.section import KeyPath

_ALERTS = ("monitoring", "alerts")
_KINDS, _CHANNELS = (*_ALERTS, "kinds"), (*_ALERTS, "channels")
_OF_DICTIONARIES: dict[KeyPath, Any] = {
    (*_KINDS, "cpu", "for"): "3s",
    (*_KINDS, "cpu", "channels"): ["console"],
    (*_KINDS, "spread_blowout", "enabled"): False,
    (*_CHANNELS, "pager", "type"): "x",
    (*_CHANNELS, "no", "type"): "y",
    (*_CHANNELS, "no", "options", "depth"): 3,
}
_KNOWN: dict[KeyPath, Any] = {
    path: value for path, value in written(Settings()) if path[-1] not in SECRETS and path not in {_KINDS, _CHANNELS}
} | _OF_DICTIONARIES
_LAYER = st.dictionaries(st.sampled_from(sorted(_KNOWN)), st.sampled_from(["plain", "variable"]), max_size=12)
Layer = dict[KeyPath, str]


def yaml_of(name: str, layer: Layer, environment: dict[str, str]) -> tuple[str, dict[KeyPath, str]]:
    """A file that gives these keys their defaults, some by a variable, and where each of them stands."""
    lines: list[str] = []
    origins: dict[KeyPath, str] = {}
    before: KeyPath = ()
    for path in sorted(layer):
        common = next((i for i, (a, b) in enumerate(zip(path, before, strict=False)) if a != b), len(before))
        lines += [f"{'  ' * depth}{json.dumps(path[depth])}:" for depth in range(common, len(path) - 1)]
        text, origin = json.dumps(_KNOWN[path]), f"{name}:{len(lines) + 1}"
        if layer[path] == "variable":
            held = f"V{len(environment)}"
            environment[held], text, origin = text, f"${{{held}}}", f"{origin} (${{{held}}})"
        lines.append(f"{'  ' * (len(path) - 1)}{path[-1]}: {text}")
        origins[path], before = origin, path
    return "\n".join(lines), origins


@given(st.lists(_LAYER, max_size=2), _LAYER)
def test_every_value_tells_where_it_was_given_last(files: list[Layer], variables: Layer) -> None:
    environment: dict[str, str] = {}
    expected: dict[KeyPath, str] = {}
    needed = {(*path[:-1], "type") for layer in (*files, variables) for path in layer if "options" in path}
    with TemporaryDirectory() as folder:
        given_paths = []
        for number, layer in enumerate(files):
            path = Path(folder) / f"{number}.yaml"
            whole = layer | {(*_CHANNELS, "no", "type"): "plain" for _ in needed}
            text, origins = yaml_of(str(path), whole, environment)
            path.write_text(text)
            given_paths.append(path)
            expected |= origins
        if needed and not files:
            variables = variables | {(*_CHANNELS, "no", "type"): "plain"}
        environment |= {variable(path): json.dumps(_KNOWN[path]) for path in variables}
        expected |= {path: variable(path) for path in variables}
        settings, layers = load_with_origins(given_paths, environment)
    rows = dict(written(settings))
    assert expected.keys() <= rows.keys()
    for path, value in rows.items():
        assert layers.origin(path) == expected.get(path), path
        assert path not in _KNOWN or path in _OF_DICTIONARIES or value == _KNOWN[path]
    assert dict(written(Settings())).keys() <= rows.keys() | {_KINDS, _CHANNELS}
    assert set(paths()) >= {path for path in expected if path not in _OF_DICTIONARIES}


def origins(folder: Path, text: str, **environment: str) -> dict[str, tuple[Any, str | None]]:
    """By key: its value as it is shown, and where it was given, without the folder."""
    (folder / "a.yaml").write_text(text)
    settings, layers = load_with_origins([folder / "a.yaml"], environment)
    return {
        ".".join(path): (value, (layers.origin(path) or "default").replace(f"{folder}/", ""))
        for path, value in written(settings)
    }


def test_what_stands_beside_a_key_that_is_given_is_a_default(tmp_path: Path) -> None:
    found = origins(
        tmp_path,
        "web: {port: 9000}\nanalysis:\n  factors: {volume: {enabled: false}}\n  timeframes: {low: {weight: 0.5}}\n"
        "monitoring: {alerts: {kinds: {cpu: {for: 90}}}}\nuniverse:\n",
        VIRTUOSO__CACHE="{prefix: mine}",
    )
    assert found["web.port"] == (9000, "a.yaml:1")
    assert found["web.host"] == ("127.0.0.1", "default")
    assert found["analysis.factors.volume.enabled"] == (False, "a.yaml:3")
    assert found["analysis.factors.volume.weight"] == (0.18, "default")
    assert found["analysis.timeframes.low.timeframe"] == ("5m", "default")
    assert found["monitoring.alerts.kinds.cpu.for"] == ("1m30s", "a.yaml:5")
    assert found["monitoring.alerts.kinds.cpu.enabled"] == (True, "default")
    assert found["universe.size"] == (15, "default")
    assert found["cache.prefix"] == ("mine", "VIRTUOSO__CACHE")
    assert found["cache.tiers"] == (["memory"], "default")


def test_what_validation_changed_or_filled_in_is_of_whoever_gave_it(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text("0123456789abcdef")
    found = origins(
        tmp_path,
        f"universe: {{size: all, include: [A, '${{COIN}}USDT']}}\nweb:\n  token_file: {tmp_path / 'hook'}\n"
        "monitoring: {alerts: {discord_webhook_url: '${HOOK:-}', heartbeat: {url: ''}}, interval: 120}\n"
        "database:\n  url: ${DB}\n",
        COIN="BTC", DB="",
    )  # fmt: skip
    assert found["universe.size"] == ("all", "a.yaml:1")
    assert found["universe.include"] == (["A", "BTCUSDT"], "a.yaml:1 (${COIN})")
    assert found["web.token"] == ("***", "a.yaml:3: hook")
    assert found["web.token_file"][1] == "a.yaml:3"
    assert found["monitoring.alerts.discord_webhook_url"] == (None, "a.yaml:4")
    assert found["monitoring.alerts.heartbeat.url"] == (None, "a.yaml:4")
    assert found["monitoring.interval"] == ("2m", "a.yaml:4")
    assert found["database.url"] == (None, "a.yaml:6 (${DB})")


@pytest.mark.parametrize("later", ["web: {}", "web:", "web: {port: 1}", "universe: {size: 3}"])
def test_a_later_section_takes_nothing_away(tmp_path: Path, later: str) -> None:
    (tmp_path / "first.yaml").write_text("web: {host: localhost}")
    (tmp_path / "later.yaml").write_text(later)
    settings, layers = load_with_origins([tmp_path / "first.yaml", tmp_path / "later.yaml"], {})
    assert settings.web.host == "localhost"
    assert layers.origin(("web", "host")) == f"{tmp_path / 'first.yaml'}:1"
