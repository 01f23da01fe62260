"""YAML that is small and means something large, or never ends: one line, at once, wherever a user's file is read."""

import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from virtuoso.config import load
from virtuoso.model.errors import UsageError
from virtuoso.model.text.yaml import MOST_BYTES
from virtuoso.simulator.scenario import read_scenario
from virtuoso.wiring.rule_files import RuleFiles

LAUGHS = "\n".join(
    ["universe:", "  include:", "    - &a0 [lol, lol]"]
    + [f"    - &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
)
MERGES = "\n".join(
    ["web: &m0 {port: 1}"] + [f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 10)}]}}" for n in range(1, 12)]
)
BOMBS = {
    "laughs": (LAUGHS, "more than 20,000 values"),
    "merges": (MERGES, "more than 20,000 values"),
    "cycle in a list": ("universe: {include: &a [BTCUSDT, *a]}", "part of"),
    "cycle in a mapping": ("web: &a {port: *a}", "part of"),
    "flow": ("web: " + "[" * 100_000, "nested deeper than 40"),
    "flow of mappings": ("web: " + "{a: " * 50_000, "nested deeper than 40"),
    "block": ("\n".join(" " * n + "a:" for n in range(300)), "nested deeper than 40"),
    "dashes": ("web:\n" + "- " * 10_000 + "a", "nested deeper than 40"),
    "many": ("universe: {include: [" + "A," * 100_000 + "]}", "more than 20,000 values"),
    "many keys": ("\n".join(f"k{n}: 1" for n in range(25_000)), "more than 20,000 values"),
    "large": ("# " + "x" * MOST_BYTES, "256 KB"),
    "number": ("web: {port: " + "9" * 100_000 + "}", "at most 2,000"),
    "sexagesimal": ("web: {port: " + "1:" * 50_000 + "1}", "at most 2,000"),
    "hexadecimal": ("web: {port: 0x" + "f" * 100_000 + "}", "at most 2,000"),
    "tag": ("web: !!python/object/apply:os.system [id]", "takes a ! for a tag; write the value in quotes"),
    "no truth": ("web: !!bool maybe", "no bool"),
    "no number": ("web: {port: !!int ''}", "no int"),
    "no time": ("web: {port: !!timestamp never}", "no timestamp"),
    "quoted number": ("web: {port: !!int '" + "9" * 100_000 + "'}", "at most 2,000"),
    "number as a key": ("? !!int '0x" + "f" * 100_000 + "'\n: 1", "at most 2,000"),
    "digits": ("web: {port: 0x_}", "no int: invalid literal"),
    "no date": ("web: {port: 2026-99-99}", "month must be in 1..12"),
}


def _config(path: Path) -> object:
    return load([path], {})


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("read", [_config, lambda path: RuleFiles((path,)).read(), read_scenario])
def test_a_bomb_is_one_line_at_once_and_takes_nothing(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    text, reason = BOMBS[name]
    path = tmp_path / "bomb.yaml"
    path.write_text(text)
    before_kb, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(UsageError) as raised:
        read(path)
    assert time.process_time() - began < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 100_000
    lines = str(raised.value).splitlines()
    assert len(lines) == 1, lines[:5]
    assert str(path) in lines[0]
    assert len(lines[0]) < 400
    if read is _config and name != "large":
        assert reason in lines[0]


def test_a_file_without_an_end_is_read_no_further() -> None:
    with pytest.raises(UsageError, match="256 KB"):
        load([Path("/dev/zero")], {})


@pytest.mark.parametrize("text", ["[" * 100_000, "&a [*a]", "9" * 10_000, "2026-99-99", "!!bool maybe"])
def test_the_environment_is_no_way_around(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        load([], {"VIRTUOSO__WEB__PORT": text})
    assert str(raised.value) == "VIRTUOSO__WEB__PORT: cannot be read as a YAML value"


def test_aliases_that_stay_small_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text("universe: {include: &some [BTCUSDT, ETHUSDT], exclude: []}\nweb: {allowed_hosts: *some}\n")
    assert load([path], {}).web.allowed_hosts == ("BTCUSDT", "ETHUSDT")


@pytest.mark.parametrize("token", ["sha256:", f"sha256:{'0' * 63}", f"sha256:{'A' * 64}", f"sha256:{'0' * 64}\n0"])
def test_half_a_hash_of_a_token_is_refused(token: str) -> None:
    with pytest.raises(UsageError) as raised:
        load([], {"VIRTUOSO__WEB__TOKEN": token})
    assert "sha256: must be followed by 64 hex digits (0-9, a-f), as `virtuoso config token` writes them" in str(
        raised.value
    )


@pytest.mark.parametrize("token", [f" sha256:{'0' * 64}", f"sha256:{'0' * 64}\\n", "a-long-random-text "])
def test_a_token_that_nobody_can_send_is_refused(tmp_path: Path, token: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f'web: {{token: "{token}"}}\n')
    with pytest.raises(UsageError, match=r"web\.token = \*\*\*: begins or ends with white space"):
        load([path], {})


@pytest.mark.parametrize("token", ["short", "fifteen-letters", "a b"])
def test_a_token_that_can_be_guessed_is_refused_and_not_told(tmp_path: Path, token: str) -> None:
    path, held = tmp_path / "c.yaml", tmp_path / "token"
    path.write_text(f"web:\n  token: {token}\n")
    held.write_text(token)
    for files, environment in (([path], {}), ([], {"VIRTUOSO__WEB__TOKEN_FILE": str(held)})):
        with pytest.raises(UsageError) as raised:
            load(files, environment)
        assert "at least 16 characters" in str(raised.value)
        assert token not in str(raised.value)
    assert load([], {"VIRTUOSO__WEB__TOKEN": "1234567890123456"}).web.token is not None
