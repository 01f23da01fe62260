"""The price-structure factor: swings, levels, gaps and blocks, and where the close stands among them."""

from functools import partial

from virtuoso.analysis.component import SHARE, Component, Factor, Feed
from virtuoso.analysis.gains import STRUCTURE
from virtuoso.analysis.indicators import levels
from virtuoso.analysis.indicators.blocks import OrderBlocks
from virtuoso.analysis.indicators.gaps import FairValueGaps
from virtuoso.analysis.indicators.levels import SupportResistance
from virtuoso.analysis.indicators.position import RangePosition, TrendPosition
from virtuoso.analysis.indicators.swings import SwingStructure
from virtuoso.model.catalogue.factors import WEIGHTS

FACTOR = Factor(
    name="price_structure",
    weight=WEIGHTS["price_structure"],
    feed=Feed.BARS,
    components=(
        Component(
            name="swing_structure",
            unit="strength",
            build=SwingStructure,
            ready=180,
            exact=400,
            scale=0.6,
            limits=SHARE,
            undefined="no swing was confirmed within 100 bars, or the price has not moved",
        ),
        Component(
            name="support_resistance",
            unit="share",
            build=SupportResistance,
            ready=levels.READY,
            exact=320,
            scale=0.6,
            limits=SHARE,
            undefined="no pivot was confirmed within 180 bars, or the price has not moved",
        ),
        Component(
            name="trend_position",
            unit="ATR·√bars",
            build=partial(TrendPosition, bars=64),
            ready=96,
            exact=320,
            scale=1.0,
        ),
        Component(name="fair_value_gaps", unit="ATR", build=FairValueGaps, ready=96, exact=320, scale=0.8),
        Component(name="order_blocks", unit="strength", build=OrderBlocks, ready=147, exact=400, scale=0.12),
        Component(
            name="range_position",
            unit="−1–1",
            build=partial(RangePosition, bars=48),
            ready=48,
            exact=48,
            scale=1.0,
            limits=SHARE,
        ),
    ),
    modifiers=(),
    gain=STRUCTURE,
)
