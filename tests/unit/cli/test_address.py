"""Where a command asks a running Virtuoso: the option, the variable, the configuration, the default, in this order."""

from pathlib import Path

import pytest

from virtuoso.cli.terminal.address import DEFAULT, Address, address
from virtuoso.config import Settings
from virtuoso.model.errors import ConfigError, UsageError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which commands are given in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_place_that_names_one_wins(folder: Path) -> None:
    (folder / "virtuoso.yaml").write_text("web: {port: 8110}\n")
    (folder / "other.yaml").write_text("web: {host: desk, port: 81, token: sixteen-characters}\n")
    other, said = [folder / "other.yaml"], {"VIRTUOSO_URL": "desk.example.org"}
    assert address("http://x:1/", other, said) == Address("http://x:1", "--url")
    assert address(None, other, said) == Address("http://desk.example.org", "VIRTUOSO_URL")
    configured = address(None, other, {})
    assert (configured.url, configured.token) == ("http://desk:81", "sixteen-characters")
    assert configured.origin.startswith(f"{folder / 'other.yaml'}:1")
    assert address(None, None, {}).url == "http://127.0.0.1:8110"
    assert address(None, None, {}).origin.startswith("virtuoso.yaml:1")
    assert address(None, None, {"VIRTUOSO__WEB__PORT": "8111"}).url == "http://127.0.0.1:8111"
    (folder / "virtuoso.yaml").unlink()
    assert address(None, None, {}) == Address(DEFAULT, "the default")
    web = Settings().web
    assert f"http://{web.host}:{web.port}" == DEFAULT
    assert address(None, None, {"VIRTUOSO__WEB__PORT": "8111"}).origin == "VIRTUOSO__WEB__PORT"


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "127.0.0.1"), ('"::"', "[::1]"), ('"::1"', "[::1]"), ("10.0.0.7", "10.0.0.7")]
)
def test_where_all_addresses_are_listened_on_this_machine_is_asked(folder: Path, host: str, url: str) -> None:
    (folder / "virtuoso.yaml").write_text(f"web: {{host: {host}, port: 81, token: sixteen-characters}}\n")
    assert address(None, None, {}).url == f"http://{url}:81"


@pytest.mark.parametrize(
    ("text", "url"),
    [("localhost:8110", "http://localhost:8110"), ("10.0.0.7", "http://10.0.0.7"), ("https://a/b/", "https://a/b")],
)
def test_the_scheme_may_be_left_out(text: str, url: str) -> None:
    assert address(text, None, {}).url == url


@pytest.mark.parametrize("text", ["ftp://desk", "http://", "desk:port", "desk:99999", "a b", ":8002", ""])
def test_what_is_no_address_is_said_with_its_place(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--url .*: is no address; one is localhost:8002"):
        address(text, None, {})


def test_a_port_that_only_the_running_program_knows_cannot_be_configured(folder: Path) -> None:
    (folder / "virtuoso.yaml").write_text("web: {port: 0}\n")
    with pytest.raises(UsageError, match=r"virtuoso.yaml:1.*: web.port = 0: .* give --url \(or VIRTUOSO_URL\)"):
        address(None, None, {})


def test_a_wrong_configuration_is_said(folder: Path) -> None:
    (folder / "virtuoso.yaml").write_text("web: {prot: 1}\n")
    with pytest.raises(ConfigError, match=r"web\.prot"):
        address(None, None, {})
