"""The order-book factor: resting size, its changes, and what it withstands; scale-free, without a timeframe."""

from functools import partial

import numpy as np

from virtuoso.analysis.component import SHARE, Component, Factor, Feed, Mirror, Modifier
from virtuoso.analysis.gains import ORDER_BOOK
from virtuoso.analysis.indicators.book import Absorption, DepthImbalance, Feature, OrderFlowImbalance
from virtuoso.market.panel import Floats
from virtuoso.model.catalogue.factors import WEIGHTS
from virtuoso.model.evidence import Evidence

SPREAD_HALF_BP = 10.0
"""Spread at which the book counts half: about the taker fees of a round trip."""
_UNSEEN = "no valid book was seen in this bar"


def _tightness(spread_bp: Floats) -> Floats:
    """Weigh a tight book more than a wide one: 1/(1 + spread/10 bp)."""
    return 1.0 / (1.0 + spread_bp / SPREAD_HALF_BP)


def _half_and_more(share: Floats) -> Floats:
    """Weigh by a share, by half of it at least: (1 + share)/2."""
    return 0.5 * (1.0 + share)


def _trust(suspicion: Floats) -> Floats:
    """Weigh less what may be withdrawn: 1 − share."""
    return np.clip(1.0 - suspicion, 0.0, 1.0)


FACTOR = Factor(
    name="order_book",
    weight=WEIGHTS["order_book"],
    feed=Feed.BOOK,
    components=(
        Component(
            name="depth_imbalance",
            unit="share",
            limits=SHARE,
            build=DepthImbalance,
            ready=1,
            exact=1,
            scale=0.4,
            mirror=Mirror.SIDES,
            undefined=_UNSEEN,
            needs=Evidence.BOOK,
        ),
        Component(
            name="order_flow_imbalance",
            unit="own RMS",
            build=partial(OrderFlowImbalance, bars=20),
            ready=20,
            exact=20,
            scale=1.5,
            mirror=Mirror.SIDES,
            undefined="the touch has not changed",
            needs=Evidence.BOOK_CHANGES,
        ),
        Component(
            name="micro_price",
            unit="half spreads",
            limits=SHARE,
            build=partial(Feature, name="micro_deviation"),
            ready=1,
            exact=1,
            scale=0.5,
            mirror=Mirror.SIDES,
            undefined=_UNSEEN,
            needs=Evidence.BOOK,
        ),
        Component(
            name="absorption",
            unit="share",
            limits=SHARE,
            build=Absorption,
            ready=1,
            exact=1,
            scale=0.5,
            mirror=Mirror.SIDES,
            undefined=_UNSEEN,
            needs=Evidence.BOOK_CHANGES | Evidence.TRADES,
        ),
    ),
    modifiers=(
        Modifier(
            name="spread",
            unit="bp",
            build=partial(Feature, name="spread_bp"),
            ready=1,
            exact=1,
            map=_tightness,
            undefined=_UNSEEN,
        ),
        Modifier(
            name="resilience",
            unit="share",
            build=partial(Feature, name="resilience"),
            ready=1,
            exact=1,
            map=_half_and_more,
            undefined="no shock in this bar",
        ),
        Modifier(
            name="spoof_suspicion",
            unit="share",
            build=partial(Feature, name="vanished"),
            ready=1,
            exact=1,
            map=_trust,
            scales="depth_imbalance",
            undefined="no large resting order in this bar",
        ),
    ),
    gain=ORDER_BOOK,
)
