"""What YAML makes of what people write is told with its cure: file, line, key, and what to write."""

from pathlib import Path

import pytest

from virtuoso.config import load
from virtuoso.config.document import scalar
from virtuoso.config.traps import quoted
from virtuoso.model.errors import ConfigError

_NEEDS = "must be text, and YAML takes"
_DURATION = "must be a duration, such as 10s, 5m, 1h30m, 2d; a plain number is"
_OCTAL = "a leading 0 makes it octal"
_ALIAS = "for a reference to an anchor, and there is none of this name; write the value in quotes"
_COLON = (
    "is not valid YAML: a colon where no key can be; indent the keys of a section alike, and write a value that has"
    " ': ' in it in quotes"
)
TRAPS = [
    (
        "universe:\n  include: [BTCUSDT, NO]",
        f'2: universe.include.1 = NO: {_NEEDS} NO for false; write it in quotes: "NO"',
    ),
    (
        "universe:\n  include:\n    - A\n    - on",
        f'4: universe.include.1 = on: {_NEEDS} on for true; write it in quotes: "on"',
    ),
    (
        "universe: {include: [1e3]}",
        f'1: universe.include.0 = 1e3: {_NEEDS} 1e3 for a number; write it in quotes: "1e3"',
    ),
    ("universe: {quote: 0x1F}", f'1: universe.quote = 0x1F: {_NEEDS} 0x1F for a number; write it in quotes: "0x1F"'),
    ("universe: {include: [~]}", f'1: universe.include.0 = ~: {_NEEDS} ~ for nothing; write it in quotes: "~"'),
    (
        "universe: {include: [2025-01-01]}",
        f'1: universe.include.0 = 2025-01-01: {_NEEDS} 2025-01-01 for a date; write it in quotes: "2025-01-01"',
    ),
    ("web: {token: 1234567890123456}", f"1: web.token = ***: {_NEEDS} it for a number; write it in quotes"),
    ("universe: {include: BTCUSDT}", "1: universe.include = 'BTCUSDT': must be a list; write [BTCUSDT]"),
    ("universe: {include: 3}", '1: universe.include = 3: must be a list; write ["3"]'),
    (
        "universe:\n  include: BTCUSDT, 1INCHUSDT, NO",
        "2: universe.include = 'BTCUSDT, 1INCHUSDT, NO': must be a list; write [BTCUSDT, 1INCHUSDT, \"NO\"]",
    ),
    ("universe:\n  exclude: '1000*'", "2: universe.exclude = '1000*': must be a list; write [\"1000*\"]"),
    ("universe:\n  exclude: *USDC", f'2: universe.exclude: YAML takes *USDC {_ALIAS}: "*USDC"'),
    ("universe: {exclude: [A, *USDC]}", f'1: universe.exclude.1: YAML takes *USDC {_ALIAS}: "*USDC"'),
    ("web:\n  token: *hush", f"2: web.token: YAML takes a * {_ALIAS}"),
    ("web:\n  token: &", "2: web.token: YAML takes a & for an anchor; write the value in quotes"),
    ("web:\n  token: !hush", "2: web.token: YAML takes a ! for a tag; write the value in quotes"),
    ("web: {host: @home}", "1: web.host: is not valid YAML: a value must not begin with @; write it in quotes"),
    ("universe:\n\tsize: 3", "2: universe: is not valid YAML: it is indented with a tab; write spaces"),
    ('web:\n  host: "a\n  port: 3\n', "5: web.host: is not valid YAML: the quotation mark of line 2 is not closed"),
    ("web:\n  host: a: b", f"2: web: {_COLON}"),
    ("web:\n  port: 1\n  port: 2", "3: web.port is given twice, first on line 2; keep one"),
    ("web:\n  port:9", "1: web = ***: must be a section, of keys and values; write a space after each colon"),
    ("web: {port: 010}", f"1: web.port = '010': must be a number, and {_OCTAL} (8) in YAML; write 10"),
    ("web: {port: 089}", f"1: web.port = '089': must be a number, and {_OCTAL} in YAML; write 89"),
    (
        "web: {port: 1:30}",
        "1: web.port = '1:30': must be a number, and colons make it sexagesimal in YAML; write it without them",
    ),
    (
        "monitoring: {interval: 010}",
        f"1: monitoring.interval = '010': must be a duration, and {_OCTAL} in YAML; write 10s",
    ),
    (
        "websocket: {ping_interval: 1:30}",
        "1: websocket.ping_interval = '1:30': must be a duration; write 1m30s, or 1h30m",
    ),
    ("monitoring: {interval: 10 s}", f"1: monitoring.interval = '10 s': {_DURATION} seconds"),
    ("monitoring: {interval: [1]}", f"1: monitoring.interval = [1]: {_DURATION} seconds"),
    ("monitoring: {interval: .inf}", f"1: monitoring.interval = inf: {_DURATION} seconds"),
    ("timeseries: {retention: {hours_days: x}}", f"1: timeseries.retention.hours_days = 'x': {_DURATION} days"),
    ("timeseries: {retention: {hours_days: 90h}}", "1: timeseries.retention.hours_days = '90h': must be whole days"),
    ("monitoring: {interval: 2h}", "1: monitoring.interval = 2h: must be at most 1h"),
    ("monitoring: {interval: 0.5}", "1: monitoring.interval = 0.5s: must be at least 1s"),
    (
        "monitoring: {alerts: {kinds: {cpu: {for: 400d}}}}",
        "1: monitoring.alerts.kinds.cpu.for = 400d: must be at most 365d",
    ),
    ("monitoring: {alerts: {slow_cycle: 0ms}}", "1: monitoring.alerts.slow_cycle = 0s: must be more than 0s"),
    (
        "smart_intervals: {min_interval: 90, max_interval: 1m}",
        "1: smart_intervals: min_interval 1m30s must not exceed max_interval 1m",
    ),
]


def mistakes(folder: Path, text: str, **environment: str) -> list[str]:
    (folder / "a.yaml").write_text(text + "\n")
    with pytest.raises(ConfigError) as caught:
        load([folder / "a.yaml"], environment)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(("text", "says"), TRAPS)
def test_a_trap_is_told_with_its_cure(tmp_path: Path, text: str, says: str) -> None:
    assert mistakes(tmp_path, text) == [f"a.yaml:{says}"]


@pytest.mark.parametrize(
    "text", ["BTCUSDT", "1INCHUSDT", "NO", "on", "1e3", "010", "1:30", "~", "*USDC", "[A-", "a'\"\\b", "", "1000*"]
)
def test_what_is_to_be_written_is_read_as_that_text(text: str) -> None:
    assert scalar(quoted(text)) == text


def test_both_ways_to_write_a_duration_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "monitoring: {interval: 1m30s, alerts: {cooldown: 12h, sudden_move: {seconds: 2m, window_minutes: 3m}}}\n"
        "timeseries: {retention: {hours_days: 2400h}}\nalpha_scanning: {intervals: {low: 6m}}\n"
        "websocket: {ping_interval: '45'}"
    )
    (tmp_path / "b.yaml").write_text(
        "monitoring: {interval: 90, alerts: {cooldown: 43200, sudden_move: {seconds: 120, window_minutes: 3}}}\n"
        "timeseries: {retention: {hours_days: 100}}\nalpha_scanning: {intervals: {low: 6}}\n"
        "websocket: {ping_interval: 45.0}"
    )
    assert load([tmp_path / "a.yaml"], {}) == load([tmp_path / "b.yaml"], {})
    assert load([], {"VIRTUOSO__MONITORING__INTERVAL": "2m"}).monitoring.interval == 120


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VIRTUOSO__WEB__PRT", "VIRTUOSO__WEB__PORT"),
        ("VIRTUOSO__WEBB__PORT", "VIRTUOSO__WEB__PORT"),
        ("VIRTUOSO__WEB_PORT", "VIRTUOSO__WEB__PORT"),
        ("VIRTUOSO__PORT", "VIRTUOSO__WEB__PORT"),
        ("VIRTUOSO_WEB__PORT", "VIRTUOSO__WEB__PORT"),
        ("VIRTUOSO_WEB_PORT", "VIRTUOSO__WEB__PORT"),
        ("virtuoso_webb_port", "VIRTUOSO__WEB__PORT"),
        ("VIRTUOSO_DATA_DIR", "VIRTUOSO__DATA_DIR"),
        ("VIRTUOSO__MONITORING__ALERT__COOLDOWN", "VIRTUOSO__MONITORING__ALERTS__COOLDOWN"),
        ("VIRTUOSO__MONITORING__ALERTS__KINDS__CPU__FR", "VIRTUOSO__MONITORING__ALERTS__KINDS__CPU__FOR"),
        ("VIRTUOSO__TIMESERIES__INFLX__URL", "VIRTUOSO__TIMESERIES__INFLUX__URL"),
    ],
)  # fmt: skip
def test_a_misspelt_variable_stops_the_start_and_names_one_that_exists(tmp_path: Path, name: str, meant: str) -> None:
    (line,) = mistakes(tmp_path, "", **{name: "3"})
    assert line.startswith(f"{name}: ")
    assert line.endswith(f"; did you mean {meant}?")


def test_a_misspelt_key_is_one_that_exists(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "port: 9") == ["a.yaml:1: port = 9: unknown key; did you mean web.port?"]
    (line,) = mistakes(tmp_path, "retention: {minutes_days: 3}")
    assert line.endswith("unknown key; did you mean timeseries.retention?")
    (line,) = mistakes(tmp_path, "universe: {symbols: [BTCUSDT]}")
    assert "market_move.symbols? universe has size, detailed, quote," in line, "what is meant may be of its own section"
    (line,) = mistakes(tmp_path, "monitoring: {alerst: {cooldown: 5}}")
    assert line.endswith("unknown key; did you mean monitoring.alerts?")
    (line,) = mistakes(tmp_path, "logging: {colour: red}")
    assert line.endswith("unknown key; logging has level, format, file, file_mb, file_keep")


def test_variables_of_others_are_left_alone() -> None:
    load([], {"VIRTUOSO_TOKEN": "not a key of ours", "VIRTUOSO_URL": "http://127.0.0.1:8002", "VIRTUOSO_SOAK": "1"})
