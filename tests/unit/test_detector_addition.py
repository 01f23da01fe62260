"""What a fast detector takes: one is planted in a copy of the sources, in three files, and works like the others."""

import json
from pathlib import Path

from tests.support.additions import Edits, added, run, told

_MODULE = '''"""Block trades: a single trade of a given size."""

from collections.abc import Sequence

from virtuoso.alerts.fast.findings import Findings
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.catalogue.detectors import BlockTradeParameters
from virtuoso.model.market import Trade

KIND = "block_trade"


class BlockTrades:
    """One symbol's trades by size."""

    __slots__ = ("_findings", "_least", "_quiet_ms", "_symbol")

    def __init__(self, symbol: str, parameters: BlockTradeParameters, findings: Findings) -> None:
        self._symbol = symbol
        self._findings = findings
        self._least = parameters.least
        self._quiet_ms = int(parameters.quiet * 1_000)

    def take(self, trades: Sequence[Trade], now_ns: int) -> None:
        """Judge the trades of one message."""
        for trade in trades:
            if trade.size >= self._least:
                self._findings.found(
                    KIND, Severity.INFO, f"{self._symbol}: {trade.size:g} in one trade", now_ns, symbol=self._symbol,
                    side=trade.side, details={"threshold": self._least}, quiet_ms=self._quiet_ms,
                )
'''
_FEED = (
    (
        "from virtuoso.alerts.fast.findings import Findings\n",
        "from virtuoso.alerts.fast.block import BlockTrades\nfrom virtuoso.alerts.fast.findings import Findings\n",
    ),
    ('__slots__ = ("_closes",', '__slots__ = ("_blocks", "_closes",'),
    (
        "        self._whales = WhaleTrades(",
        """        self._blocks = BlockTrades(symbol, parameters.block_trade, findings)
        self._whales = WhaleTrades(""",
    ),
    (
        "        self._whales.take(trades, now_ns)\n",
        "        self._whales.take(trades, now_ns)\n        self._blocks.take(trades, now_ns)\n",
    ),
)
_CATALOGUE = (
    (
        "@dataclass(frozen=True, slots=True)\nclass FastParameters:\n",
        '''@dataclass(frozen=True, slots=True)
class BlockTradeParameters:
    """When a trade is a block."""

    kind: ClassVar[AlertKind] = market(
        "block_trade", "Block trade", INFO,
        "It is {least:g} base units or more.", "A single trade is large.", "See what the price did after it.",
    )
    least: float = _parameter(50.0, "Least size, in base units.", gt=0)
    quiet: float = _parameter(60.0, "Seconds after the last one until the incident is over.", gt=0)


@dataclass(frozen=True, slots=True)
class FastParameters:
''',
    ),
    (
        "    open_interest: OpenInterestParameters = OpenInterestParameters()\n",
        """    open_interest: OpenInterestParameters = OpenInterestParameters()
    block_trade: BlockTradeParameters = BlockTradeParameters()
""",
    ),
)
EDITS: Edits = {
    "alerts/fast/block.py": _MODULE,
    "alerts/fast/symbol.py": _FEED,
    "model/catalogue/detectors.py": _CATALOGUE,
}
"""Its module, what feeds it, and what says its parameters and its kind."""
_PROOF = """
import json, sys
from pathlib import Path

import virtuoso
from virtuoso.alerts.fast.findings import Findings
from virtuoso.alerts.fast.liquidation import MarketCascade
from virtuoso.alerts.fast.market_move import MarketMove
from virtuoso.alerts.fast.symbol import SymbolDetectors
from virtuoso.alerts.incidents import IncidentLog
from virtuoso.config import Settings, load
from virtuoso.model.catalogue.kinds import KINDS, MARKET_KINDS
from virtuoso.model.errors import ConfigError
from virtuoso.model.market import Side, Trade
from virtuoso.wiring.parts import kernel_parts

good, bad = map(Path, sys.argv[1:])
parameters = kernel_parts(load([good], {})).detectors
log = IncidentLog(10)
findings = Findings(log)
cascade, moves = MarketCascade(parameters.cascade.symbols, findings), MarketMove(parameters.market_move, findings)
detectors = SymbolDetectors("X", parameters, findings, cascade, moves)
for second, size in enumerate((24.0, 26.0)):
    detectors.trades([Trade(second * 1_000, 100.0, size, Side.BUY, str(second))], second * 1_000_000_000)
try:
    load([bad], {})
except ConfigError as error:
    mistake = str(error)
print(json.dumps({
    "from": virtuoso.__file__,
    "title": KINDS["block_trade"].title,
    "place": MARKET_KINDS.index("block_trade") - MARKET_KINDS.index("book_wall"),
    "policy": list(load([good], {}).monitoring.alerts.kinds),
    "default": kernel_parts(Settings()).detectors.block_trade.least,
    "configured": parameters.block_trade.least,
    "reloaded": kernel_parts(Settings()).detectors != parameters,
    "found": [[each.kind, each.symbol, each.details["threshold"], each.message] for each in log.recent(10)],
    "mistake": mistake,
}))
"""


def test_a_fast_detector_takes_three_files(root: Path, tmp_path: Path) -> None:
    """Its kind is known, its parameters are configurable, and it is fed: nothing else names it."""
    page = (root / "docs" / "extending.md").read_text("utf-8")
    assert {name.replace("block", "x") for name in EDITS} == told(page, "A detector")
    assert len(EDITS) <= 3
    copy = added(tmp_path, EDITS)
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("monitoring: {alerts: {fast: {block_trade: {least: 25}}, kinds: {block_trade: {cooldown: 60}}}}\n")
    bad.write_text("monitoring: {alerts: {fast: {block_trade: {least: 0}}}}\n")
    found = json.loads(run(copy, _PROOF, str(good), str(bad)))
    assert Path(found.pop("from")).parent == copy / "virtuoso"
    assert "monitoring.alerts.fast.block_trade.least" in found.pop("mistake")
    assert found == {
        "title": "Block trade", "place": -1, "policy": ["block_trade"], "default": 50.0, "configured": 25.0,
        "reloaded": True, "found": [["block_trade", "X", 25.0, "X: 26 in one trade"]],
    }  # fmt: skip
