"""Texts of notices, made inert; the console, and the registry of types."""

import sys
from pathlib import Path

import pytest

from virtuoso.delivery.channels import console, database
from virtuoso.delivery.channels.hosts import is_public
from virtuoso.delivery.channels.plain import body_of, cut, one_line, visible, without_markup
from virtuoso.delivery.channels.protocol import Channel, Unreachable
from virtuoso.delivery.channels.registry import make, types
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Line, Notice, Role
from virtuoso.model.clock import ManualClock
from virtuoso.model.errors import ConfigError

HOSTILE = (
    "\x1b[31mred\x07 \x9b0m \u202egnp.exe\u2028next @everyone <!channel> **b** _i_ `c` [Bank](https://evil) <script>"
)


def notice(
    title: str = "Whale trade", text: str = "BTCUSDT: 9 M bought", role: Role = Role.ALERT, lines: int = 1
) -> Notice:
    named = tuple(
        Line(id=f"{i}", kind="whale_trade", severity=Severity.INFO, message=f"line {i}", fired_ms=0)
        for i in range(lines)
    )
    return Notice(
        id="n", role=role, severity=Severity.CRITICAL, title=title, text=text, at_ms=1_500, lines=named,
        incidents=tuple(str(i) for i in range(lines + 2)), system=False, kind="whale_trade", symbol="BTCUSDT",
    )  # fmt: skip


def spec(**given: object) -> ChannelSpec:
    return ChannelSpec(name="mine", key="channels.mine", clock=ManualClock(), **given)  # type: ignore[arg-type]


def test_a_terminal_gets_no_orders() -> None:
    said: list[str] = []
    line = console.Console("console", said.append, colour=False).render(notice(HOSTILE, HOSTILE), repeat=True)
    assert "\\x1b[31mred\\x07 \\x9b0m \\u202egnp.exe next" in line
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert line.rstrip("\n").isprintable()
    assert "(possible repeat)" in line
    assert len(console.Console("c", said.append, colour=False).render(notice("x" * 10_000), repeat=False)) < 1_000


def test_the_console_is_coloured_where_it_is_a_terminal() -> None:
    coloured = console.Console("console", print, colour=True)
    start = "1970-01-01T00:00:01.500Z \x1b["
    assert coloured.render(notice(), repeat=False).startswith(f"{start}31mCRITICAL\x1b[0m Whale trade: BTCUSDT: 9 M")
    assert coloured.render(notice(role=Role.RESOLVED), repeat=False).startswith(f"{start}32mRESOLVED\x1b[0m ")


async def test_a_console_that_is_gone_is_told_as_unreachable() -> None:
    said: list[str] = []
    await console.Console("console", said.append, colour=False).send("a line\n")
    assert said == ["a line\n"]

    def closed(line: str) -> None:
        raise BrokenPipeError

    with pytest.raises(Unreachable):
        await console.Console("console", closed, colour=False).send("a line\n")


async def test_what_the_database_holds_is_sent() -> None:
    channel = database.make(spec())
    assert (await channel.send(channel.render(notice(), repeat=False))).ref is None


def test_markup_and_mentions_are_spoilt() -> None:
    spoilt = without_markup(HOSTILE)
    assert not set("<>*`~|#") & set(spoilt)
    assert "@everyone" not in spoilt
    assert "](" not in spoilt
    assert "_i_" not in spoilt
    assert without_markup("open_interest_surge of BTC_USDT") == "open_interest_surge of BTC_USDT"


def test_texts_are_cut_and_lines_listed() -> None:
    assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")
    assert one_line("a\n b\t c", 10) == "a b c"
    assert visible("Größe 5 € ±") == "Größe 5 € ±"
    assert body_of(notice(role=Role.GROUP, lines=2)) == "BTCUSDT: 9 M bought\n- line 0\n- line 1\nand 2 more"
    assert body_of(notice(text="Whale trade")) == ""


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "::",
     "fec0::1", "feff::1", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe",
     "64:ff9b:1::101:101",
     "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "100::1", "fe80::1", "febf::1", "4000::1",
     "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "0.1.2.3", "127.255.255.254", "239.1.1.1"],
)  # fmt: skip
def test_private_addresses_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1", "2002:101:101::1", "2a00:1450::1"],
)
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(address)


def test_types_are_found_by_entry_point() -> None:
    assert {"apprise", "console", "database", "webhook"} <= set(types())
    channels: list[Channel] = [make(kind, spec()) for kind in ("console", "database")]
    channels.append(make("webhook", spec(url="https://example.org/x")))
    assert [channel.name for channel in channels] == ["mine"] * 3


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's own import
@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("webhok", {}, "channels.mine.type = webhok: there is no such type of channel; did you mean webhook?"),
        ("zzz", {}, "channels.mine.type = zzz: there is no such type of channel; there are apprise,"),
        ("webhook", {"url": "hush"}, "channels.mine.url = ***: must be an address such as https://host/path"),
        ("webhook", {"url": "https://a/hush", "allowed_hosts": ("b",)}, "its host a is not in allowed_hosts (b)"),
        ("webhook", {"url": "https://a/hush", "options": {"x": 1}}, "channels.mine.options.x: unknown option; it has"),
        ("console", {"options": {"x": 1}}, "channels.mine.options.x: unknown option; it has none"),
        ("apprise", {"url": "nonsense://hush"}, "channels.mine.url = ***: Apprise cannot use it"),
    ],
)
def test_mistakes_name_the_key_and_no_secret(kind: str, given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(kind, spec(**given))
    assert message in str(caught.value)
    assert "hush" not in str(caught.value) + repr(spec(**given))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that offers types of channels."""
    info = tmp_path / "pager-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pager\nVersion: 1.0\n")
    points = "pager = pager_channel:make\nbroken = no_such_module:make\nwebhook = pager_channel:make\n"
    (info / "entry_points.txt").write_text(f"[virtuoso.channels]\n{points}")
    (tmp_path / "pager_channel.py").write_text(
        "from virtuoso.delivery.channels.database import Database\n\n\n"
        "def make(spec):\n    return Database(spec.name)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_package_of_the_user_can_add_a_type(package: Path) -> None:
    assert "pager" in types()
    assert make("pager", spec()).name == "mine"
    assert sys.modules.pop("pager_channel").__file__ == str(package / "pager_channel.py")
    with pytest.raises(ConfigError, match=r"broken: cannot be loaded from no_such_module:make: ModuleNotFoundError"):
        make("broken", spec())
    with pytest.raises(ConfigError, match=r"webhook: is offered by pager_channel:make and by virtuoso"):
        make("webhook", spec(url="https://a/b"))
