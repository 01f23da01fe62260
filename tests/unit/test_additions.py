"""What is added touches the files that docs/extending.md names, three at most, and is then there everywhere."""

from pathlib import Path

import pytest
from tests.support.addition_edits import CHANNEL, COMPONENT, DOCUMENT, EXCHANGE, FACTOR, KEY, RULE_VALUE
from tests.support.additions import added, run, told


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "extending.md").read_text("utf-8")


def test_a_document_and_its_route(tmp_path: Path, page: str) -> None:
    assert len(DOCUMENT) <= 3
    assert told(page, "A document and its route") == {
        "model/x_document.py", "model/catalogue/documents.py", "monitor/cycle/ticks.py",
    }  # fmt: skip
    source = added(tmp_path, DOCUMENT)
    run(
        source,
        """
from tests.unit.web.test_routes import HealthState, ManualClock, MemoryCache, client
from virtuoso.market.state import MarketState
from virtuoso.model.catalogue.documents import STREAMED
from virtuoso.model.market import TickerUpdate
from virtuoso.model.timeframe import Timeframe
from virtuoso.monitor.containment import Contained
from virtuoso.monitor.cycle.ticks import TicksPublisher
from virtuoso.monitor.documents.publication import Publication

clock = ManualClock(10**18)
cache = MemoryCache(clock)
web = client(cache, HealthState(clock, 10.0, "embedded"))
assert web.get("/api/spreads").json()["widest_bp"] is None
schema = web.get("/openapi.json").json()
assert schema["paths"]["/api/spreads"]["get"]["summary"] == "The widest spread"
fields = schema["components"]["schemas"]["Spreads"]["properties"]
assert fields["widest_bp"]["description"] == "The widest of all spreads, bp; `null` while none is known."
assert "spreads" in STREAMED
market = MarketState([Timeframe.M1])
market.add("AUSDT")
market["AUSDT"].ticker(10**12, 10**18, TickerUpdate(last=100.0, bid=100.0, ask=100.1))
exchange = type("Exchange", (), {"origin": None})()
TicksPublisher(market, exchange, Publication(cache, 1, 1.0), clock, Contained(clock)).publish()
assert abs(web.get("/api/spreads").json()["widest_bp"] - 10.0) < 1e-6
""",
    )


def test_a_factor(tmp_path: Path, page: str) -> None:
    assert len(FACTOR) <= 3
    assert told(page, "A factor") == {"analysis/factors/x.py", "model/catalogue/factors.py", "analysis/engine.py"}
    source = added(tmp_path, FACTOR)
    run(
        source,
        """
import numpy as np
from tests.support.panels import cut, part, random_bars, random_book, symbols
from virtuoso.alerts.rules.values import CATALOGUE
from virtuoso.analysis.engine import Engine
from virtuoso.config import Settings
from virtuoso.model.timeframe import Timeframe
from virtuoso.storage.timeseries import schema

weights = Settings().analysis.factors.weights()
assert weights["calm"] == 0.05
assert "calm" in schema.FACTORS.fields
assert "calm_score" in CATALOGUE
base = random_bars(400, 2, seed=1, minutes=True)
engine = Engine({Timeframe.M1: 1.0}, weights)
for row, symbol in enumerate(symbols(2)):
    engine.add(symbol, row)
engine.warm_up([part(base, 0, 399)])
found = engine.step(cut(base, {}, 399, random_book(base.close[399], seed=1)))
reading = found.reading(symbols(2)[0])
assert next(factor for factor in reading.factors if factor.name == "calm").score is not None
""",
    )


def test_a_component(tmp_path: Path, page: str) -> None:
    assert told(page, "A component") == {"analysis/indicators/x.py", "analysis/factors/x.py"}
    run(
        added(tmp_path, COMPONENT),
        """
from tests.support.panels import cut, part, random_bars, random_book, symbols
from virtuoso.analysis.engine import Engine
from virtuoso.model.timeframe import Timeframe

base = random_bars(400, 2, seed=1, minutes=True)
engine = Engine({Timeframe.M1: 1.0})
for row, symbol in enumerate(symbols(2)):
    engine.add(symbol, row)
engine.warm_up([part(base, 0, 399)])
reading = engine.step(cut(base, {}, 399, random_book(base.close[399], seed=1))).reading(symbols(2)[0])
technical = next(factor for factor in reading.factors if factor.name == "technical")
assert next(c for c in technical.components if c.name == "body").score is not None
""",
    )


def test_a_value_of_rules(tmp_path: Path, page: str) -> None:
    assert told(page, "A value of rules") == set(RULE_VALUE)
    run(
        added(tmp_path, RULE_VALUE),
        """
from tests.unit.alerts.test_rules_values import OVERVIEW
from virtuoso.alerts.rules.values import CATALOGUE
from virtuoso.monitor.alerting.rule_values import market_values

assert CATALOGUE["market_balance"].unit == "count"
assert market_values(OVERVIEW)["market_balance"] == 16 - 17
""",
    )


def test_a_channel(tmp_path: Path, page: str) -> None:
    assert told(page, "A channel") == {"delivery/channels/x.py", "pyproject.toml"}
    source = added(tmp_path, CHANNEL)
    installed = source / "memo-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: memo\nVersion: 1.0\n", "utf-8")
    point = "[virtuoso.channels]\nmemo = virtuoso.delivery.channels.memo:make\n"
    (installed / "entry_points.txt").write_text(point, "utf-8")
    run(
        source,
        """
import asyncio
from virtuoso.delivery.channels import registry
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.delivery.channels.memo import SENT
from virtuoso.model.clock import ManualClock

assert "memo" in registry.types()
channel = registry.make("memo", ChannelSpec(key="channels.mine", name="mine", clock=ManualClock()))
asyncio.run(channel.send("hello"))
assert SENT == ["hello"]
""",
    )


def test_an_exchange(tmp_path: Path, page: str) -> None:
    assert told(page, "An exchange") == {"exchange/x/", "wiring/parts.py", "config/settings.py"}
    run(
        added(tmp_path, EXCHANGE),
        """
import numpy as np
from virtuoso.config import Settings
from virtuoso.exchange.venue import Venue
from virtuoso.model.clock import ManualClock
from virtuoso.wiring.parts import exchange_for

settings = Settings.model_validate({"exchange": {"name": "venue"}})
assert isinstance(exchange_for(settings, ManualClock(), np.random.default_rng(1)), Venue)
""",
    )


def test_a_key(tmp_path: Path, page: str) -> None:
    assert told(page, "A key of the configuration") == set(KEY)
    run(
        added(tmp_path, KEY),
        """
from virtuoso.config import Settings
from virtuoso.wiring.parts import kernel_parts

one, other = Settings(), Settings.model_validate({"exchange": {"patience": 7.0}})
assert kernel_parts(one).patience_s == 5.0
assert kernel_parts(one) != kernel_parts(other)
""",
    )
