"""The sentiment factor: what positions cost, who holds them, who had to give them up, and the premium of the future."""

from functools import partial

import numpy as np

from virtuoso.analysis.component import SHARE, Component, Factor, Feed, Mirror, Modifier
from virtuoso.analysis.gains import SENTIMENT
from virtuoso.analysis.indicators.sentiment import Basis, Liquidations, RelativeVolatility, ZScore
from virtuoso.market.panel import Floats
from virtuoso.model.catalogue.factors import WEIGHTS
from virtuoso.model.evidence import Evidence

_HALF_LIFE = 210
"""Minutes: 3.5 hours."""
_USUAL = 0.002
"""Share of the volume that liquidations have in a usual market."""
_USUALLY = 1.0
"""Standard deviations within which funding and the crowd say nothing."""


def _tranquillity(volatility: Floats) -> Floats:
    """1 up to the usual volatility, 1/raw beyond: in extremes sentiment tells less."""
    return 1.0 / np.maximum(volatility, 1.0)


FACTOR = Factor(
    name="sentiment",
    weight=WEIGHTS["sentiment"],
    feed=Feed.TICKER,
    components=(
        Component(
            name="funding",
            unit="standard deviations",
            build=partial(ZScore, name="funding"),
            ready=1,
            exact=1,
            scale=1.0,
            dead=_USUALLY,
            mirror=Mirror.SIDES,
            undefined="the rate or its history is not known, or it has never changed",
            needs=Evidence.FUNDING,
        ),
        Component(
            name="account_ratio",
            unit="standard deviations",
            build=partial(ZScore, name="long_ratio"),
            ready=1,
            exact=1,
            scale=-1.0,
            dead=_USUALLY,
            mirror=Mirror.SIDES,
            undefined="the ratio or its history is not known, or it has never changed",
            needs=Evidence.ACCOUNT_RATIO,
        ),
        Component(
            name="liquidations",
            unit="share",
            build=partial(Liquidations, half_life=_HALF_LIFE, usual=_USUAL),
            ready=2_093,
            exact=6_279,
            scale=0.4,
            limits=SHARE,
            mirror=Mirror.SIDES,
            undefined="liquidations were not watched for long enough, or nothing was traded",
            needs=Evidence.LIQUIDATIONS,
        ),
        Component(
            name="basis",
            unit="bp",
            build=Basis,
            ready=1,
            exact=1,
            scale=10.0,
            mirror=Mirror.SIDES,
            undefined="mark or index price is not known",
            needs=Evidence.BASIS,
        ),
    ),
    modifiers=(
        Modifier(
            name="realised_volatility",
            unit="ratio",
            build=partial(RelativeVolatility, fast=60, slow=240),
            ready=240,
            exact=240,
            map=_tranquillity,
        ),
    ),
    gain=SENTIMENT,
)
