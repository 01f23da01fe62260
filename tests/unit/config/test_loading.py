"""Settings are strict: every mistake is one line with its place, key, value and what would be right."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virtuoso.config import Settings, load, load_with_origins
from virtuoso.config.document import parse, scalar
from virtuoso.config.loading import read
from virtuoso.model.errors import ConfigError
from virtuoso.model.timeframe import Timeframe


def written(folder: Path, text: str, name: str = "virtuoso.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def mistakes(paths: list[Path], **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(paths, environment)
    return str(caught.value).splitlines()


def test_the_shipped_file_is_the_defaults(root: Path) -> None:
    assert load([root / "config" / "config.yaml"], {}) == Settings()


def test_later_layers_win_key_by_key(tmp_path: Path) -> None:
    first = written(tmp_path, "web: {port: 1000}\nuniverse: {size: 20, quote: USDC}\n", "a.yaml")
    second = written(tmp_path, "universe: {size: 30}\n", "b.yaml")
    settings, layers = load_with_origins([first, second], {"VIRTUOSO__UNIVERSE__SIZE": "40"})
    assert (settings.web.port, settings.universe.size, settings.universe.quote) == (1000, 40, "USDC")
    assert layers.origin(("universe", "size")) == "VIRTUOSO__UNIVERSE__SIZE"
    assert layers.origin(("universe", "quote")) == f"{first}:2"
    assert layers.origin(("monitoring", "interval")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("universe:\n  sise: 3\n", ":2: universe.sise = 3: unknown key; did you mean universe.size?"),
        ("univers: 3\n", ":1: univers = 3: unknown key; did you mean universe?"),
        (
            "analysis:\n  label: {buy: 75}\n",
            ":2: analysis.label: unknown key; in its place is analysis.band, with up and down for buy and sell",
        ),
        ("monitoring: {interval: yes}\n", ":1: monitoring.interval = True: must be a duration, such as 10s, 5m"),
        ("monitoring: {interval: fast}\n", ":1: monitoring.interval = 'fast': must be a duration, such as 10s, 5m"),
        ("monitoring: {interval: 0}\n", ":1: monitoring.interval = 0s: must be at least 1s"),
        ("web:\n  port: 1\n  port: 2\n", ":3: web.port is given twice, first on line 2"),
        ("a: [\n", ":2: a: is not valid YAML"),
        ("- a\n", ":1: must be a mapping of keys to values"),
        ("exchange: {category: futures}\n", ":1: exchange.category = 'futures': must be linear or spot"),
        ("exchange: {rest_url: api.bybit.com}\n", ":1: exchange.rest_url = 'api.bybit.com'"),
        ("web: {host: 0.0.0.0}\n", "host 0.0.0.0 is not loopback, so a token (or token_file) is required"),
        ("cache: {tiers: [redes]}\n", ":1: cache.tiers.0 = 'redes': must be memory"),
        ("analysis: {timeframes: {low: {timeframe: 7m, weight: 0.3}}}\n", "analysis.timeframes.low.timeframe = '7m'"),
        ("analysis: {timeframes: {low: {timeframe: 30m, weight: 0.3}}}\n", "each timeframe must be a multiple"),
        ("cache: {tiers: [redis, redis]}\n", ":1: cache.tiers = ['redis', 'redis']: names redis twice"),
        ("cache: {redis_url: 'http://u:sekret@h'}\n", ":1: cache.redis_url = ***: must begin with redis://"),
        ("database: {url: 'mysql://u:sekret@h/x'}\n", ":1: database.url = ***: must begin with postgresql://"),
        ("database: {url: 'sqlite:///x', url_file: y}\n", ":1: database: give url or url_file, not both"),
        ("database: {url: 'postgresql://u:se/kret@h/x'}\n", ":1: database.url = ***: is no address; in a password /"),
        ("cache: {redis_url: 'redis://u:12/kret@h/0'}\n", ":1: cache.redis_url = ***: is no address; in a password /"),
        ("timeseries: {influx: {version: 3}}\n", ":1: timeseries.influx.version = 3: must be 1 or 2"),
        ("identity: a b\n", ":1: identity = 'a b'"),
        ("web: 5\n", ":1: web = 5"),
    ],
)  # fmt: skip
def test_one_clear_line(tmp_path: Path, text: str, expected: str) -> None:
    lines = mistakes([written(tmp_path, text)])
    assert len(lines) == 1
    assert "virtuoso.yaml" in lines[0]
    assert expected in lines[0]


def test_all_mistakes_are_told(tmp_path: Path) -> None:
    lines = mistakes([written(tmp_path, "web: {port: x}\nuniverse: {size: y}\n")], VIRTUOSO__WEB__PRT="1")
    assert len(lines) == 3


def test_mistakes_of_several_files_and_variables_are_told_at_once(tmp_path: Path) -> None:
    broken, unset = (
        written(tmp_path, "web: [\n", "a.yaml"),
        written(tmp_path, "web: {host: 0.0.0.0, token: '${NO}'}", "b.yaml"),
    )
    lines = mistakes([broken, unset, tmp_path / "c.yaml"], VIRTUOSO__WEB__PORT="[", VIRTUOSO_WEB_HOST="1")
    assert len(lines) == 5
    lines = mistakes([unset], VIRTUOSO__UNIVERSE__SIZE="x")
    assert ["${NO}" in line or "universe.size" in line for line in lines] == [True, True]
    secrets = f"web: {{token_file: {tmp_path / 'x'}}}\ndatabase: {{url_file: {tmp_path / 'y'}}}\n"
    assert len(mistakes([written(tmp_path, secrets)])) == 2


@pytest.mark.parametrize(
    "text",
    [
        "web: {port: x}",
        "analysis: {factors: {volume: {weight: 9}}}",
        "web: {host: 0.0.0.0}",
        "a: 1",
        "monitoring: {alerts: {channels: {A b: {type: x}}}}",
        "monitoring: {alerts: {channels: {a: {url: x}}, kinds: {b: {}}}}",
        "monitoring: {alerts: 5}",
    ],
)
def test_what_is_right_is_understood_beside_a_mistake(tmp_path: Path, text: str) -> None:
    reading = read([written(tmp_path, text)], {"VIRTUOSO__UNIVERSE__SIZE": "33"})
    assert len(reading.mistakes) >= 1
    assert reading.settings is not None
    assert reading.settings.universe.size == 33
    assert reading.holds("universe")
    assert not reading.holds(text.partition(":")[0])


def test_unreadable_files(tmp_path: Path) -> None:
    assert "no such file" in mistakes([tmp_path / "missing.yaml"])[0]
    assert "is a directory" in mistakes([tmp_path])[0]
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "is not UTF-8" in mistakes([binary])[0]


def test_variables_are_filled_in_and_read_as_yaml(tmp_path: Path) -> None:
    path = written(
        tmp_path, "web: {port: '${PORT}', host: '${HOST:-localhost}'}\nuniverse: {include: ['${COIN}USDT']}\n"
    )
    settings = load([path], {"PORT": "9001", "COIN": "BTC"})
    assert (settings.web.port, settings.web.host, settings.universe.include) == (9001, "localhost", ("BTCUSDT",))
    assert load([written(tmp_path, "web:\n  token: ${NONE:-}\n")], {}).web.token is None
    lines = mistakes([written(tmp_path, "web:\n  token: ${NOPE}\n")])
    place = f"{tmp_path / 'virtuoso.yaml'}:2: web.token"
    assert lines == [f"{place}: ${{NOPE}} is not set in the environment; set it, or write ${{NOPE:-default}}"]


def test_a_secret_is_a_text_whatever_it_looks_like(tmp_path: Path) -> None:
    path = written(tmp_path, "web: {token: '${T:-}'}\ndatabase: {url: '${D:-}'}\n")
    for text in ("0123456789012345", "1.00000000000e300", "[a, b, c, d, e, f]"):
        token = load([path], {"T": text}).web.token
        assert token is not None
        assert token.get_secret_value() == text
        token = load([], {"VIRTUOSO__WEB__TOKEN": text}).web.token
        assert token is not None
        assert token.get_secret_value() == text
    assert load([path], {}).web.token is None
    assert load([path], {}).database.url is None


def test_every_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("postgresql://u:p@h/d\n")
    settings = load([written(tmp_path, f"database: {{url_file: {tmp_path / 'secret'}}}\n")], {})
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql://u:p@h/d"
    (tmp_path / "secret").write_text("")
    (line,) = mistakes([written(tmp_path, f"timeseries: {{influx: {{password_file: {tmp_path / 'secret'}}}}}\n")])
    assert line.endswith("is empty; it must hold the password")


def test_markets_are_kept_apart() -> None:
    assert load([], {}).exchange.market == "bybit-linear"
    given = {"VIRTUOSO__EXCHANGE__REST_URL": "http://127.0.0.1:9/x", "VIRTUOSO__EXCHANGE__CATEGORY": "spot"}
    assert load([], given).exchange.market == "bybit-spot@127.0.0.1-9"
    given["VIRTUOSO__EXCHANGE__REST_URL"] = "http://me:secret@127.0.0.1:9/x"
    exchange = load([], given).exchange
    assert (exchange.market, exchange.rest_host) == ("bybit-spot@127.0.0.1-9", "127.0.0.1:9"), "no secret in a name"


def test_secrets_never_print(tmp_path: Path) -> None:
    path = written(tmp_path, "web: {token: hush-hush-hush-hush}\n")
    settings = load([path], {})
    assert settings.web.token is not None
    assert settings.web.token.get_secret_value() == "hush-hush-hush-hush"
    assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()
    wrong = mistakes([written(tmp_path, "web: {token: [hush-hush-hush-hush], port: x}\n")])
    assert not [line for line in wrong if "hush" in line]


def test_a_token_from_a_file(tmp_path: Path) -> None:
    secret = written(tmp_path, "from-a-file-0123456789\n", "token")
    path = written(tmp_path, f"web: {{host: 0.0.0.0, token_file: {secret}}}\n")
    token = load([path], {}).web.token
    assert token is not None
    assert token.get_secret_value() == "from-a-file-0123456789"
    secret.write_text("")
    assert "is empty" in mistakes([path])[0]
    secret.unlink()
    assert "cannot be read" in mistakes([path])[0]


def test_a_file_where_the_data_folder_should_be(tmp_path: Path) -> None:
    taken = written(tmp_path, "", "data")
    assert "must be a folder" in mistakes([written(tmp_path, f"data_dir: {taken}\n")])[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e3", 1000.0), ("1.5e-3", 0.0015), ("8002", 8002), ("-3", -3), ("0.5", 0.5), ("", None), ("true", True),
     ("[a, b]", ["a", "b"]), ("1m", "1m"), ("text", "text"), ("0", 0), ("0.50", 0.5), (".5", 0.5), ("1_000", 1000),
     ("0x1F", 31), ("010", "010"), ("-010", "-010"), ("1:30", "1:30"), ("1:30.5", "1:30.5"), ("00.5", "00.5")],
)  # fmt: skip
def test_scalars(text: str, value: object) -> None:
    assert scalar(text) == value


def test_names_that_yaml_leaves_alone_are_names(tmp_path: Path) -> None:
    text = "universe: {include: [1INCHUSDT, 010, 12:30, 币安人生USDT, 'NO', \"1e3\"]}\n"
    settings = load([written(tmp_path, text)], {})
    assert settings.universe.include == ("1INCHUSDT", "010", "12:30", "币安人生USDT", "NO", "1e3")


@given(st.dictionaries(st.text("abcdef_", min_size=1), st.integers(), min_size=1, max_size=5))
def test_parsing_keeps_data_and_lines(data: dict[str, int]) -> None:
    document = parse("".join(f"{key}: {value}\n" for key, value in data.items()), "x")
    assert document.data == data
    assert [document.lines[key,] for key in data] == list(range(1, len(data) + 1))


@given(st.text(max_size=200))
def test_any_text_is_parsed_or_refused_in_one_line(text: str) -> None:
    with suppress_one_line():
        parse(text, "x")


@contextmanager
def suppress_one_line() -> Iterator[None]:
    """Nothing, or a refusal of one line; any other error passes through."""
    try:
        yield
    except ConfigError as error:
        lines = str(error).splitlines()
        if len(lines) != 1:
            raise


def test_weights_reach_the_engine_as_plain_values() -> None:
    analysis = Settings().analysis
    assert analysis.timeframes.weights() == {
        Timeframe.M1: 0.4,
        Timeframe.M5: 0.3,
        Timeframe.M30: 0.2,
        Timeframe.H4: 0.1,
    }
    assert analysis.factors.weights() == {
        "order_flow": 0.30, "order_book": 0.20, "volume": 0.18, "price_structure": 0.15, "technical": 0.10,
        "sentiment": 0.07,
    }  # fmt: skip


def test_a_factor_can_be_left_out_without_naming_its_weight(tmp_path: Path) -> None:
    (tmp_path / "few.yaml").write_text("analysis: {factors: {sentiment: {enabled: false}, volume: {weight: 0.5}}}\n")
    weights = load([tmp_path / "few.yaml"], {}).analysis.factors.weights()
    assert "sentiment" not in weights
    assert weights["volume"] == 0.5
    assert weights["order_flow"] == 0.30


def test_settings_go_to_another_process_as_they_are() -> None:
    """The web of `up` is a child that is given them, those too that are made of the catalogues."""
    changed = {
        "analysis": {"factors": {"volume": {"weight": 0.3}}},
        "monitoring": {"alerts": {"fast": {"spread": {"ratio": 7.0}}}},
    }
    settings = Settings.model_validate(changed)
    assert pickle.loads(pickle.dumps(settings)) == settings
    assert settings != Settings()


def test_a_dollar_and_brace_that_name_no_variable_are_a_mistake(tmp_path: Path) -> None:
    for text in ("${NOPE", "a${", "${1}", "${SET} and ${"):
        (line,) = mistakes([written(tmp_path, f"data_dir: '{text}'")], SET="x")
        assert line.endswith("data_dir: a ${ that names no variable; write ${NAME} or ${NAME:-default}"), line


def test_one_may_only_look_with_a_token_of_its_own(tmp_path: Path) -> None:
    both = load([written(tmp_path, f"web: {{token: {'o' * 16}, read_token: {'r' * 16}}}\n")], {}).web
    assert both.read_token is not None
    for lacking in (
        f"web: {{read_token: {'r' * 16}}}\n", f"web: {{token: {'o' * 16}, read_token: {'o' * 16}}}\n",
        f"web: {{token: {'o' * 16}, read_token: short}}\n",
    ):  # fmt: skip
        assert len(mistakes([written(tmp_path, lacking)])) == 1
