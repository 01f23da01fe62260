"""The technical factor: price momentum and trend."""

from virtuoso.analysis.component import Component, Factor, Feed, Modifier, saturating
from virtuoso.analysis.gains import TECHNICAL
from virtuoso.analysis.indicators.channel import Cci, WilliamsR
from virtuoso.analysis.indicators.momentum import AwesomeOscillator, Macd, Momentum, Rsi
from virtuoso.analysis.indicators.trend import Adx, DiDifference
from virtuoso.model.catalogue.factors import WEIGHTS

_SHARED = 1 / 3
"""CCI, Williams %R and momentum see nearly the same: together they count as one component."""

FACTOR = Factor(
    name="technical",
    weight=WEIGHTS["technical"],
    feed=Feed.BARS,
    components=(
        Component(name="rsi", unit="0–100", build=Rsi, ready=112, exact=320, center=50.0, scale=20.0, limits=(0, 100)),
        Component(name="macd", unit="ATR", build=Macd, ready=126, exact=330, scale=0.3),
        Component(name="awesome_oscillator", unit="ATR", build=AwesomeOscillator, ready=80, exact=320, scale=2.0),
        Component(
            name="di_difference",
            unit="points",
            build=DiDifference,
            ready=112,
            exact=320,
            scale=20.0,
            limits=(-100, 100),
        ),
        Component(name="cci", unit="index", build=Cci, ready=20, exact=20, scale=170.0, weight=_SHARED),
        Component(
            name="williams_r",
            unit="−100–0",
            build=WilliamsR,
            ready=14,
            exact=14,
            center=-50.0,
            scale=50.0,
            limits=(-100, 0),
            weight=_SHARED,
        ),
        Component(name="momentum", unit="ATR·√bars", build=Momentum, ready=80, exact=320, scale=1.0, weight=_SHARED),
    ),
    modifiers=(
        Modifier(
            name="adx",
            unit="0–100",
            build=Adx,
            ready=144,
            exact=400,
            map=saturating(25.0),
            scales="di_difference",
        ),
    ),
    gain=TECHNICAL,
)
