"""Published documents: one struct each, encoded once, served as bytes; the schema of the HTTP API.

The text below a field is its description in the OpenAPI document. Prices in quote units; scores 0–100; agreement,
coverage and probabilities in [0, 1]; times ISO 8601 in UTC. `null` means unknown, and `reasons` (or `reason`) says why.
"""

from virtuoso.model.documents.market import Breadth, Dashboard, DashboardMarket, MarketOverview, Mover, SystemStatus
from virtuoso.model.documents.prices import BarRow, Bars, Book, Tick, Ticks
from virtuoso.model.documents.regimes import RegimeDocument, RegimeRow, RegimeTransition
from virtuoso.model.documents.signals import ScoreHistory, ScoreRow, SignalChange, SignalHistory, SignalRow, TopSignals
from virtuoso.model.documents.status import (
    Build,
    CycleStatus,
    FeedRow,
    Health,
    MonitoringStatus,
    Problem,
    RateBudget,
    StageTimes,
)
from virtuoso.model.documents.symbols import LeftOut, SymbolDetail, SymbolList, SymbolRow

__all__ = [
    "BarRow", "Bars", "Book", "Breadth", "Build", "CycleStatus", "Dashboard", "DashboardMarket", "FeedRow", "Health",
    "LeftOut", "MarketOverview", "MonitoringStatus", "Mover", "Problem", "RateBudget", "RegimeDocument", "RegimeRow",
    "RegimeTransition", "ScoreHistory", "ScoreRow", "SignalChange", "SignalHistory", "SignalRow", "StageTimes",
    "SymbolDetail", "SymbolList", "SymbolRow", "SystemStatus", "Tick", "Ticks", "TopSignals",
]  # fmt: skip
