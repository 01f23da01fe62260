"""What tests add to a copy of the sources, one of each that docs/extending.md tells of."""

from tests.support.additions import Edits, before

_SPREADS = "from virtuoso.model import spread_document\n"
_MODEL = "from virtuoso.model import documents as docs\n"
_AFTER_MODEL = (_MODEL, _MODEL + _SPREADS)
_AFTER_CLOCK = ("from virtuoso.model.clock import", _SPREADS + "from virtuoso.model.clock import")
DOCUMENT: Edits = {
    "model/spread_document.py": '''"""The published document of the spreads."""

import msgspec


class Spreads(msgspec.Struct, frozen=True, kw_only=True):
    """Widest spread of all symbols, basis points."""

    timestamp: str
    """When it was published, ISO 8601 in UTC."""
    widest_bp: float | None
    """The widest of all spreads, bp; `null` while none is known."""


def empty() -> object:
    """Make it with nothing in it."""
    return Spreads(timestamp="1970-01-01T00:00:00.000Z", widest_bp=None)


EXAMPLE = {"timestamp": "2026-11-23T20:46:10.000Z", "widest_bp": 1.5}
''',
    "model/catalogue/documents.py": [_AFTER_MODEL, (
        '    PublishedDocument(name="ticks"',
        '''    PublishedDocument(
        name="spreads", schema=spread_document.Spreads, path="/api/spreads", summary="The widest spread",
        streamed=True, empty=spread_document.empty, example=spread_document.EXAMPLE,
    ),
    PublishedDocument(name="ticks"''',
    )],
    "monitor/cycle/ticks.py": [_AFTER_CLOCK, (
        """        self._publication.publish("ticks", ticks)
""",
        """        self._publication.publish("ticks", ticks)
        spreads = [1e4 * (t.ask / t.bid - 1) for t in ticks.ticks if t.bid and t.ask]
        document = spread_document.Spreads(timestamp=timestamp, widest_bp=max(spreads, default=None))
        self._publication.publish("spreads", document)
""",
    )],
}  # fmt: skip

FACTOR: Edits = {
    "analysis/factors/calm.py": '''"""The calm factor: closes that stay where they are."""

from virtuoso.analysis.component import Component, Factor, Feed
from virtuoso.analysis.gains import Gain
from virtuoso.analysis.indicators.momentum import Rsi
from virtuoso.model.catalogue.factors import WEIGHTS

FACTOR = Factor(
    name="calm",
    weight=WEIGHTS["calm"],
    feed=Feed.BARS,
    components=(
        Component(name="calm_rsi", unit="0–100", build=Rsi, ready=112, exact=320, center=50.0, scale=20.0),
    ),
    modifiers=(),
    gain=Gain(sigma=0.5, rho=0.4, stretch=0.4),
)
''',
    "model/catalogue/factors.py": [('"sentiment": 0.07,\n', '"sentiment": 0.07, "calm": 0.05,\n')],
    "analysis/engine.py": [
        ("for module in (flow,", "for module in (calm, flow,"),
        ("analysis.factors import flow,", "analysis.factors import calm, flow,"),
    ],
}
COMPONENT: Edits = {
    "analysis/indicators/body.py": '''"""The body of a bar as a share of its range."""

import numpy as np

from virtuoso.analysis.block import CrossSection, Memory
from virtuoso.market.panel import Floats


class Body:
    """Close less open over high less low, −1…1."""

    def __init__(self, memory: Memory) -> None:
        del memory

    def step(self, x: CrossSection) -> Floats:
        """(close − open)/(high − low); `nan` without a range."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return (x.close - x.open) / (x.high - x.low)
''',
    "analysis/factors/technical.py": [
        before(
            'Component(name="macd",', 'Component(name="body", unit="share", build=Body, ready=1, exact=1, scale=0.5),'
        ),
        before("from virtuoso.analysis.indicators.channel", "from virtuoso.analysis.indicators.body import Body"),
    ],
}  # fmt: skip
RULE_VALUE: Edits = {
    "alerts/rules/values.py": [
        before('    _positive("market_symbols",', '    _number("market_balance", "count", "risers less fallers"),'),
    ],
    "monitor/alerting/rule_values.py": [
        before('"market_symbols": breadth.total,', '"market_balance": breadth.advancing - breadth.declining,'),
    ],
}  # fmt: skip
CHANNEL: Edits = {
    "delivery/channels/memo.py": '''"""Notices remembered."""

from virtuoso.delivery.channels.plain import title_of
from virtuoso.delivery.channels.protocol import Sent
from virtuoso.delivery.channels.spec import ChannelSpec
from virtuoso.model.alerts.notice import Notice

SENT: list[str] = []


class Memo:
    """Remembers titles."""

    fingerprint = "memo"

    def __init__(self, name: str) -> None:
        self.name = name

    def validate(self) -> None:
        """There is nothing to get wrong."""

    def render(self, notice: Notice, *, repeat: bool) -> str:
        """Make the title."""
        return title_of(notice, repeat=repeat)

    async def send(self, message: str) -> Sent:
        """Remember it."""
        SENT.append(message)
        return Sent()

    async def close(self) -> None:
        """Do nothing."""


def make(spec: ChannelSpec) -> Memo:
    """For the entry point."""
    return Memo(spec.name)
''',
}
EXCHANGE: Edits = {
    "exchange/venue/__init__.py": '''"""Venue, which speaks as Bybit does."""

from virtuoso.exchange.bybit import Bybit


class Venue(Bybit):
    """The adapter."""
''',
    "wiring/parts.py": [
        ("    return Bybit(\n", '    return (Venue if exchange.name == "venue" else Bybit)(\n'),
        before("from virtuoso.exchange.ccxt", "from virtuoso.exchange.venue import Venue"),
    ],
    "config/settings.py": [
        ('return None if self.name == "bybit" else', 'return None if self.name in ("bybit", "venue") else'),
    ],
}
KEY: Edits = {
    "config/settings.py": [
        before("    depth: Literal[50, 200]", '    patience: float = Field(5.0, gt=0, description="Seconds.")'),
    ],
    "wiring/parts.py": [
        before("    polled: bool\n", "    patience_s: float"),
        before("        polled=settings", "        patience_s=settings.exchange.patience,"),
    ],
}
