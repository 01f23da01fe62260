"""The volume factor: who moves the volume and where it was traded."""

from functools import partial

from virtuoso.analysis.component import SHARE, Component, Factor, Feed, Mirror, Modifier, saturating
from virtuoso.analysis.gains import VOLUME
from virtuoso.analysis.indicators.profile import ProfilePosition
from virtuoso.analysis.indicators.volume import MoneyFlow, OnBalanceVolume, RelativeVolume, VolumeDelta, VwapDistance
from virtuoso.model.catalogue.factors import WEIGHTS
from virtuoso.model.evidence import Evidence

_EMPTY = "nothing was traded"

_SHARED = 1 / 2
"""ADL and CMF are the same flow over two windows: together they count as one component."""

FACTOR = Factor(
    name="volume",
    weight=WEIGHTS["volume"],
    feed=Feed.BARS,
    components=(
        Component(
            name="volume_delta",
            unit="share",
            limits=SHARE,
            build=partial(VolumeDelta, bars=20),
            ready=20,
            exact=20,
            scale=0.15,
            mirror=Mirror.SIDES,
            undefined="taker sides were not seen over the whole window, or nothing was traded",
            needs=Evidence.SIDES,
        ),
        Component(
            name="adl",
            unit="share",
            limits=SHARE,
            build=partial(MoneyFlow, bars=120),
            ready=120,
            exact=120,
            scale=0.1,
            weight=_SHARED,
            undefined=_EMPTY,
        ),
        Component(
            name="cmf",
            unit="share",
            limits=SHARE,
            build=partial(MoneyFlow, bars=20),
            ready=20,
            exact=20,
            scale=0.2,
            weight=_SHARED,
            undefined=_EMPTY,
        ),
        Component(
            name="obv",
            unit="share",
            limits=SHARE,
            build=partial(OnBalanceVolume, bars=60),
            ready=61,
            exact=61,
            scale=0.2,
            undefined=_EMPTY,
        ),
        Component(
            name="profile_position",
            unit="half value areas",
            build=partial(ProfilePosition, bars=120),
            ready=120,
            exact=120,
            scale=1.5,
            undefined="the price has not moved or nothing was traded",
        ),
        Component(
            name="vwap_distance",
            unit="ATR",
            build=partial(VwapDistance, bars=96),
            ready=96,
            exact=320,
            scale=4.0,
            undefined="the price has not moved or nothing was traded",
        ),
    ),
    modifiers=(
        Modifier(
            name="relative_volume",
            unit="ratio",
            build=partial(RelativeVolume, fast=20, slow=120),
            ready=120,
            exact=120,
            map=saturating(1.0),
            undefined=_EMPTY,
        ),
    ),
    gain=VOLUME,
)
