"""Published documents: one struct each, encoded once, served as bytes; the schema of the HTTP API.

The text below a field is its description in the OpenAPI document. Prices in quote units; scores 0–100; agreement,
coverage and probabilities in [0, 1]; times ISO 8601 in UTC. `null` means unknown, and `reasons` (or `reason`) says why.
"""

from virtuoso.model.documents.backtested import BacktestedQuality, HorizonBacktested, backtested_quality
from virtuoso.model.documents.cones import ConeItem, Cones, ConesHeld
from virtuoso.model.documents.cycles import (
    MonitoringHistory,
    PassExplained,
    PassGroup,
    PassTimes,
    SlowPass,
    StageExplained,
    Whereabouts,
)
from virtuoso.model.documents.depth import Depth, DepthBlock
from virtuoso.model.documents.market import Breadth, Dashboard, DashboardMarket, MarketOverview, Mover, SystemStatus
from virtuoso.model.documents.performance import (
    BandQuality,
    ChanceQuality,
    ConeQuality,
    GroupRow,
    HorizonQuality,
    LivedFigure,
    ReliabilityBin,
    SideQuality,
    SideResult,
    SignalPerformance,
    TailQuality,
)
from virtuoso.model.documents.prices import BarItem, Bars, Book, Tick, Ticks
from virtuoso.model.documents.regimes import RegimeDocument, RegimeItem, RegimeTransition
from virtuoso.model.documents.series import SERIES, SeriesItem, SymbolSeries
from virtuoso.model.documents.session import LogIn, SessionDocument
from virtuoso.model.documents.signal_detail import SignalAlert, SignalDetail, SignalOutcomeItem
from virtuoso.model.documents.signals import (
    ScoreHistory,
    ScoreItem,
    SignalChange,
    SignalHistory,
    SignalItem,
    TopSignals,
)
from virtuoso.model.documents.status import (
    Build,
    CycleStatus,
    FeedItem,
    Health,
    LatencyHistogram,
    MonitoringStatus,
    Problem,
    RateBudget,
    RecordingStatus,
    StageTimes,
)
from virtuoso.model.documents.symbols import LeftOut, SymbolDetail, SymbolItem, SymbolList
from virtuoso.model.documents.tapes import LiquidationItem, Tape, TradeItem

__all__ = [
    "SERIES",
    "BacktestedQuality",
    "BandQuality",
    "BarItem",
    "Bars",
    "Book",
    "Breadth",
    "Build",
    "ChanceQuality",
    "ConeItem",
    "ConeQuality",
    "Cones",
    "ConesHeld",
    "CycleStatus",
    "Dashboard",
    "DashboardMarket",
    "Depth",
    "DepthBlock",
    "FeedItem",
    "GroupRow",
    "Health",
    "HorizonBacktested",
    "HorizonQuality",
    "LatencyHistogram",
    "LeftOut",
    "LiquidationItem",
    "LivedFigure",
    "LogIn",
    "MarketOverview",
    "MonitoringHistory",
    "MonitoringStatus",
    "Mover",
    "PassExplained",
    "PassGroup",
    "PassTimes",
    "Problem",
    "RateBudget",
    "RecordingStatus",
    "RegimeDocument",
    "RegimeItem",
    "RegimeTransition",
    "ReliabilityBin",
    "ScoreHistory",
    "ScoreItem",
    "SeriesItem",
    "SessionDocument",
    "SideQuality",
    "SideResult",
    "SignalAlert",
    "SignalChange",
    "SignalDetail",
    "SignalHistory",
    "SignalItem",
    "SignalOutcomeItem",
    "SignalPerformance",
    "SlowPass",
    "StageExplained",
    "StageTimes",
    "SymbolDetail",
    "SymbolItem",
    "SymbolList",
    "SymbolSeries",
    "SystemStatus",
    "TailQuality",
    "Tape",
    "Tick",
    "Ticks",
    "TopSignals",
    "TradeItem",
    "Whereabouts",
    "backtested_quality",
]
