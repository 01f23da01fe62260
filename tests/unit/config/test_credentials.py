"""systemd's credentials stand for variables: secrets that no environment shows."""

from pathlib import Path

import pytest

from virtuoso.config import load
from virtuoso.model.errors import ConfigError

TOKEN = "a-token-of-some-length"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "credentials").mkdir()
    return tmp_path / "credentials"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "virtuoso.yaml"
    path.write_text("web: {token: '${VIRTUOSO_TOKEN}'}\n")
    return path


@pytest.mark.parametrize("name", ["VIRTUOSO_TOKEN", "virtuoso_VIRTUOSO_TOKEN"])
def test_a_credential_stands_for_a_variable(folder: Path, config: Path, name: str) -> None:
    (folder / name).write_text(TOKEN + "\n")
    (folder / "not a name").write_bytes(b"\xff")
    settings = load([config], {"CREDENTIALS_DIRECTORY": str(folder)})
    assert settings.web.token is not None
    assert settings.web.token.get_secret_value() == TOKEN
    assert TOKEN not in repr(settings)


def test_a_setting_may_be_a_credential_too_and_a_variable_wins(folder: Path) -> None:
    (folder / "VIRTUOSO__WEB__TOKEN").write_text(TOKEN)
    given = {"CREDENTIALS_DIRECTORY": str(folder)}
    assert load([], given).web.token is not None
    settings = load([], given | {"VIRTUOSO__WEB__TOKEN": "another-one-of-some-length"})
    assert settings.web.token is not None
    assert settings.web.token.get_secret_value() == "another-one-of-some-length"


def test_what_cannot_be_used_is_named_and_never_shown(folder: Path, config: Path) -> None:
    file = folder / "VIRTUOSO_TOKEN"
    for content, why in (
        (b"\xff\xfe" + TOKEN.encode(), "is not text in UTF-8"),
        (b"x" * 65_537, "is longer than 64 KiB"),
    ):
        file.write_bytes(content)
        with pytest.raises(ConfigError) as told:
            load([config], {"CREDENTIALS_DIRECTORY": str(folder)})
        assert f"{file}: {why}" in str(told.value)
        assert TOKEN not in str(told.value)
    with pytest.raises(ConfigError, match=r"CREDENTIALS_DIRECTORY = .*: No such file or directory"):
        load([], {"CREDENTIALS_DIRECTORY": str(folder / "gone")})
