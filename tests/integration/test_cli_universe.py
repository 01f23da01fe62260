"""`virtuoso universe` against the embedded exchange: what is watched, and in one line what is not as configured."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import warm
from tests.support.exchange import running_exchange
from tests.support.program import command, settings_for


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with running_exchange() as exchange:
        yield settings_for(exchange, tmp_path_factory.mktemp("universe"))


def universe(config: Path, own: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    extra = config.with_name("own.yaml")
    extra.write_text(own, "utf-8")
    asked = command("universe", "-c", str(config), "-c", str(extra), *arguments)
    return warm.run(asked, timeout=60)


def test_a_misspelt_name_is_one_line_with_what_may_be_meant(config: Path) -> None:
    own = "universe: {size: 3, include: [btcusdt, 'BTC/USDT:USDT', NOSUCHUSDT, BTCUSDT]}"
    done = universe(config, own)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("virtuoso: universe.include names btcusdt, and the exchange lists nothing readable of")
    assert line.count("did you mean BTCUSDT?") == 2
    assert "names NOSUCHUSDT, and" in line
    shown = json.loads(universe(config, own, "--json").stdout)
    assert (len(shown["symbols"]), len(shown["problems"])) == (3, 3)


def test_an_empty_universe_says_why(config: Path) -> None:
    done = universe(config, "universe: {quote: usdt}")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "virtuoso: nothing is watched: no instrument is quoted in universe.quote = usdt; did you mean USDT?"
    ]


def test_what_is_as_configured_says_nothing(config: Path) -> None:
    assert universe(config, "universe: {size: 3, include: [BTCUSDT]}").stderr == ""
