"""The order-flow factor: what takers do, whether positions are opened with it, and how far that moves the price."""

from functools import partial

import numpy as np

from virtuoso.analysis.component import AGREEMENT, SHARE, Component, Factor, Feed, Mirror, Modifier
from virtuoso.analysis.gains import FLOW
from virtuoso.analysis.indicators.flow import AggressorPressure, CumulativeDelta, InterestQuadrant, LargeTradeFlow
from virtuoso.analysis.indicators.impact import Amihud, KyleLambda, Vpin
from virtuoso.analysis.indicators.volume import VolumeDelta
from virtuoso.market.panel import Floats
from virtuoso.model.catalogue.factors import WEIGHTS
from virtuoso.model.evidence import Evidence

_SIDES_UNSEEN = "taker sides were not seen over the whole window, or nothing was traded"
_SHARED = 1 / 2
"""Volume and count of the same takers: together they count as one component."""


def _response(correlation: Floats) -> Floats:
    """(1 + raw)/2: a flow that the price answers counts fully, one that it ignores by half."""
    return 0.5 * (1.0 + np.clip(correlation, -1.0, 1.0))


def _thickness(thinness: Floats) -> Floats:
    """1 while the market is as thick as usual, 1/raw where it is thinner: little money makes a one-sided flow then."""
    return 1.0 / np.maximum(thinness, 1.0)


def _calm(toxicity: Floats) -> Floats:
    """Weigh by how calm the flow is: 1 − raw/2."""
    return 1.0 - 0.5 * np.clip(toxicity, 0.0, 1.0)


FACTOR = Factor(
    name="order_flow",
    weight=WEIGHTS["order_flow"],
    feed=Feed.TAPE,
    components=(
        Component(
            name="cumulative_volume_delta",
            unit="own spread",
            build=partial(CumulativeDelta, bars=60),
            ready=60,
            exact=60,
            scale=1.5,
            mirror=Mirror.SIDES,
            undefined=_SIDES_UNSEEN,
            needs=Evidence.SIDES,
        ),
        Component(
            name="trade_flow_imbalance",
            unit="share",
            build=partial(VolumeDelta, bars=10),
            ready=10,
            exact=10,
            scale=0.2,
            limits=SHARE,
            weight=_SHARED,
            mirror=Mirror.SIDES,
            undefined=_SIDES_UNSEEN,
            needs=Evidence.SIDES,
        ),
        Component(
            name="open_interest_quadrant",
            unit="ATR·√bars",
            build=partial(InterestQuadrant, bars=15, window=60),
            ready=80,
            exact=320,
            scale=0.6,
            undefined="open interest is not known over the whole window or has not changed, or the price has not moved",
            needs=Evidence.OPEN_INTEREST,
        ),
        Component(
            name="large_trade_flow",
            unit="share",
            build=partial(LargeTradeFlow, bars=20),
            ready=20,
            exact=20,
            scale=0.12,
            limits=SHARE,
            mirror=Mirror.SIDES,
            undefined="not every trade of the window was seen, too few to know what is large, or nothing was traded",
            needs=Evidence.SIDES | Evidence.TRADES,
        ),
        Component(
            name="aggressor_pressure",
            unit="share",
            build=partial(AggressorPressure, bars=10),
            ready=10,
            exact=10,
            scale=0.15,
            limits=SHARE,
            weight=_SHARED,
            mirror=Mirror.SIDES,
            undefined=_SIDES_UNSEEN,
            needs=Evidence.SIDES | Evidence.TRADES,
        ),
    ),
    modifiers=(
        Modifier(
            name="kyle_lambda",
            unit="own RMS",
            build=partial(KyleLambda, bars=60),
            ready=61,
            exact=61,
            map=_response,
            scales="trade_flow_imbalance",
            undefined="taker sides were not seen over the whole window, or the price has not moved",
        ),
        Modifier(
            name="amihud",
            unit="ratio",
            build=partial(Amihud, fast=20, slow=120),
            ready=121,
            exact=121,
            map=_thickness,
            scales="trade_flow_imbalance",
            undefined="the price has not moved or nothing was traded",
        ),
        Modifier(
            name="vpin",
            unit="share",
            build=partial(Vpin, bars=60, buckets=30),
            ready=60,
            exact=60,
            map=_calm,
            scales=AGREEMENT,
            undefined=_SIDES_UNSEEN,
        ),
    ),
    gain=FLOW,
)
