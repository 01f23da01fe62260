"""The keys of alerts: kinds, channels and their secrets; no mistake shows a secret."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, SecretStr

from virtuoso.alerts import conditions
from virtuoso.config import Settings, load
from virtuoso.config.alerts import AlertSettings
from virtuoso.config.channels import ChannelSettings
from virtuoso.config.keys import leaves, secret_texts
from virtuoso.config.layers import SECRETS
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import DETECTED
from virtuoso.model.catalogue.kinds import MARKET_KINDS, SYSTEM_KINDS
from virtuoso.model.errors import ConfigError
from virtuoso.monitor.cycle.alpha_scanner import KINDS as ALPHA_KINDS

DISCORD = "https://discord.com/api/webhooks/123/"


def alerts(folder: Path, text: str, **environment: str) -> AlertSettings:
    path = folder / "virtuoso.yaml"
    path.write_text(f"monitoring: {{alerts: {text}}}\n")
    return load([path], environment).monitoring.alerts


def mistakes(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        alerts(folder, text, **environment)
    assert "hush" not in str(caught.value)
    return [line.partition("monitoring.alerts")[2] for line in str(caught.value).splitlines()]


def test_all_built_in_kinds_are_known() -> None:
    source = Path(conditions.__file__).read_text()
    fired = set(re.findall(r'(?:log\.fire\(|log\.resolve\()\s*"(\w+)"', source))
    assert len(fired) >= 4
    assert fired | {"maintenance", "rate_ban", "store_down", "store_full", "task_died"} <= set(SYSTEM_KINDS)
    assert {kind.name for kind in DETECTED} | set(ALPHA_KINDS.values()) <= set(MARKET_KINDS)
    assert not set(MARKET_KINDS) & set(SYSTEM_KINDS)


def test_a_kind_says_what_is_different(tmp_path: Path) -> None:
    given = alerts(
        tmp_path, "{kinds: {whale_trade: {for: 3, severity: critical, channels: [discord]}, cpu: {enabled: false}}}"
    )
    whale = given.kinds["whale_trade"]
    assert (whale.for_, whale.severity, whale.channels, whale.enabled) == (3, Severity.CRITICAL, ("discord",), True)
    assert (whale.cooldown, whale.rearm, whale.change, whale.escalate_after) == (None,) * 4
    assert not given.kinds["cpu"].enabled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{kinds: {whale_trad: {for: 3}}}", ".kinds.whale_trad: unknown kind; did you mean whale_trade?"),
        ("{kinds: {cpu: {fr: 3}}}", ".kinds.cpu.fr = 3: unknown key; did you mean monitoring.alerts.kinds.cpu.for?"),
        (
            "{kinds: {cpu: {for_: 3}}}",
            ".kinds.cpu.for_ = 3: unknown key; did you mean monitoring.alerts.kinds.cpu.for?",
        ),
        ("{kinds: {cpu: {severity: bad}}}", ".kinds.cpu.severity = 'bad': must be info, warning or"),
        (
            "{kinds: {cpu: {channels: [discrd]}}}",
            ": kinds.cpu.channels names discrd, which is no channel; did you mean",
        ),
        ("{kinds: {cpu: hush-hush}}", ".kinds.cpu = ***: must be a section, of keys and values"),
        (
            f"{{discord_webhook_url: {DISCORD}}}",
            ".discord_webhook_url = ***: must look like https://discord.com/api/webh",
        ),
        (f"{{discord_webhook_url: '{DISCORD}hush?wait=true'}}", ".discord_webhook_url = ***: must look like"),
        ("{discord_webhook_url: 'http://a.org/api/webhooks/1/hush'}", "(http:// is for loopback addresses only)"),
        (
            "{discord_webhook_url: 'https://a:hush/x'}",
            ".discord_webhook_url = ***: is no web address; it must look like",
        ),
        (f"{{discord_webhok_url: {DISCORD}hush}}", "did you mean monitoring.alerts.discord_webhook_url?"),
        (f"{{discord_webhook_url: {DISCORD}hush, discord_webhook_url_file: x}}", ": give discord_webhook_url or "),
        ("{heartbeat: 'https://hc-ping.com/hush'}", ".heartbeat = ***: must be a section, of keys and values"),
        ("{heartbeat: {url: hush}}", ".heartbeat.url = ***: must begin with https://host"),
        ("{channels: {a: 'https://hooks.example.org/hush'}}", ".channels.a = ***: must be a section"),
        ("{channels: 'https://hooks.example.org/hush'}", ".channels = ***: must be a section"),
        ("{channels: {a: {type: webhook}}}", ".channels.a: type webhook needs a url (or url_file)"),
        ("{channels: {a: {url: 'https://b/hush'}}}", ".channels.a.type: is required"),
        ("{channels: {a: {type: webhook, url: 'http://b/hush'}}}", ".channels.a: url must begin with https://"),
        ("{channels: {a: {type: apprise, url: hush}}}", ".channels.a: url must be an address of Apprise's"),
        ("{channels: {a: {type: webhook, ur: hush}}}", "did you mean monitoring.alerts.channels.a.url?"),
        ("{channels: {a: {type: x, system: false, market: false}}}", ".channels.a: system or market must be true"),
        ("{channels: {a: {type: x, options: {api_key: [hush]}}}}", ".channels.a.options.api_key"),
        ("{channels: {A b: {type: x}}}", ".channels.A b: must be 1 to 60 small letters"),
        ("{channels: {discord: {type: x}}}", ": channels.discord has a section of its own; choose another name"),
        ("{channels: {a: {type: x, fallback: b}}}", ": channels.a.fallback names b, which is no channel"),
        ("{channels: {a: {type: x, fallback: a}}}", ": the fallbacks go round in a circle: a comes back to a"),
        ("{discord: {fallback: a}, channels: {a: {type: x, fallback: discord}}}", "go round in a circle"),
        ("{ttl: {info: 0}}", ".ttl.info = 0s: must be at least 1s"),
    ],
)
def test_one_clear_line_without_a_secret(tmp_path: Path, text: str, expected: str) -> None:
    lines = mistakes(tmp_path, text)
    assert expected in lines[0], lines


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["25:00"], ["digest_at.0 = '25:00': must be a time of day, such as '08:00'"]),
        (["8:00", "8 pm"], ["digest_at.0 = '8:00': must be a time", "digest_at.1 = '8 pm': must be a time"]),
        ([], ["digest_at = []: must have at least 1 value"]),
        (["08:00"] * 25, [": must have at most 24 values"]),
    ],
)
def test_a_list_is_not_too_short_besides_because_of_its_wrong_entries(
    tmp_path: Path, times: list[str], expected: list[str]
) -> None:
    lines = mistakes(tmp_path, f"{{interruptions: {{digest_at: {times}}}}}")
    assert len(lines) == len(expected), lines
    assert all(part in line for part, line in zip(expected, lines, strict=True)), lines


def test_nothing_is_none(tmp_path: Path) -> None:
    given = alerts(
        tmp_path,
        "{discord_webhook_url: '', system_alerts_webhook_url: '${NONE:-}', heartbeat: {url: ''},"
        " channels: {a: {type: x, url: '', secret: ''}}}",
    )
    assert (given.discord_webhook_url, given.system_alerts_webhook_url, given.heartbeat.url) == (None, None, None)
    assert (given.channels["a"].url, given.channels["a"].secret) == (None, None)


def test_secrets_of_channels_may_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "hook").write_text(f"{DISCORD}hush-hush\n")
    (tmp_path / "key").write_text("0123\n")
    text = (
        f"{{discord_webhook_url_file: {tmp_path / 'hook'}, heartbeat: {{url_file: {tmp_path / 'hook'}}},"
        f" channels: {{a: {{type: webhook, url_file: {tmp_path / 'hook'}, secret_file: {tmp_path / 'key'}}}}}}}"
    )
    given = alerts(tmp_path, text)
    held = [given.discord_webhook_url, given.heartbeat.url, given.channels["a"].url, given.channels["a"].secret]
    assert [secret.get_secret_value() for secret in held if secret] == [f"{DISCORD}hush-hush"] * 3 + ["0123"]
    assert "hush" not in repr(given)
    (tmp_path / "hook").write_text("http://example.org/hush")
    lines = mistakes(tmp_path, text)
    assert ".discord_webhook_url = ***: must begin with https://" in lines[0]
    assert ".channels.a: url must begin with https://" in lines[1]
    (tmp_path / "hook").write_text("")
    (line,) = mistakes(tmp_path, f"{{channels: {{a: {{type: x, url_file: {tmp_path / 'hook'}}}}}}}")
    assert line.endswith("is empty; it must hold the url")


def test_secrets_of_channels_may_come_from_the_environment() -> None:
    given = {
        "VIRTUOSO__MONITORING__ALERTS__CHANNELS__PAGER__TYPE": "webhook",
        "VIRTUOSO__MONITORING__ALERTS__CHANNELS__PAGER__URL": "https://example.org/hush",
        "VIRTUOSO__MONITORING__ALERTS__CHANNELS__PAGER__SECRET": "0123",
    }
    pager = load([], given).monitoring.alerts.channels["pager"]
    assert pager.url is not None
    assert pager.secret is not None
    assert pager.secret.get_secret_value() == "0123"


def test_what_no_log_may_hold_is_collected(tmp_path: Path) -> None:
    path = tmp_path / "virtuoso.yaml"
    path.write_text(
        "database: {url: 'postgresql://me:pass%20word@db/x'}\nweb: {token: web-token-0123456789}\n"
        "timeseries: {influx: {url: 'http://u:influx-pass@h:1'}}\nmonitoring: {alerts: {\n"
        f" discord_webhook_url: {DISCORD}discord-token-1,\n"
        " channels: {a: {type: apprise, url: 'tgram://bot-token-1/12', options: {api_key: option-key}}}}}\n"
    )
    assert secret_texts(load([path], {})) == {
        "pass%20word", "pass word", "web-token-0123456789", "influx-pass", f"{DISCORD}discord-token-1",
        "discord-token-1",
        "tgram://bot-token-1/12", "bot-token-1", "option-key",
    }  # fmt: skip
    assert secret_texts(Settings()) == frozenset()


def models(kind: Any) -> set[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {kind}.union(*(models(field.annotation) for field in kind.model_fields.values()))
    return set().union(*map(models, get_args(kind)))


def holds_secret(kind: Any) -> bool:
    return kind is SecretStr or any(map(holds_secret, get_args(kind)))


def test_every_secret_is_a_text_whatever_it_looks_like() -> None:
    found = models(Settings)
    assert ChannelSettings in found
    names = {name for model in found for name, field in model.model_fields.items() if holds_secret(field.annotation)}
    assert names <= SECRETS
    assert ("monitoring", "alerts", "cooldown") in dict(leaves(Settings()))
