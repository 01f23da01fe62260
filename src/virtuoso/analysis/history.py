"""Scores at every close of long blocks of bars: the same banks, scoring and bands as live, without a tree."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.bands import BandCodes, Bands
from virtuoso.analysis.bank import Values
from virtuoso.analysis.banks import Banks
from virtuoso.analysis.block import as_rows
from virtuoso.analysis.component import Feed
from virtuoso.analysis.regimes import regime
from virtuoso.analysis.regimes.dwell import Dwell
from virtuoso.analysis.scoring import QUALITY_CODE, BankKey, FactorArrays, Total, score_all
from virtuoso.market.panel import BarBlock, Floats, Ints
from virtuoso.model.quality import DataQuality
from virtuoso.model.timeframe import Timeframe


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Scores of n symbols at t base closes; arrays are [t, n], `nan` for unknown; `factors` hold scores by name.

    `bars` are the base bars. Where one is missing, `present` is false and the band unknown. `bridged` are the bands
    with their short unknown gaps bridged.
    `columns` are the factors' own arrays over t·n columns, `total` their confluence. `regime` is the place in
    `regime.REGIMES` of the regime that is held [t, n], `probabilities` [4, t, n] are those of all four.
    """

    bars: BarBlock
    close_ms: Ints
    present: NDArray[np.bool_]
    score: Floats
    band: BandCodes
    bridged: BandCodes
    agreement: Floats
    coverage: Floats
    alignment: Floats
    factors: Mapping[str, Floats]
    regime: Floats
    probabilities: Floats
    columns: tuple[FactorArrays, ...]
    total: Total


def bar_scores(banks: Banks, blocks: Mapping[Timeframe, BarBlock]) -> tuple[tuple[FactorArrays, ...], Total]:
    """Take a block of base bars, with the higher bars that close with them; factors and confluence over t·n columns."""
    return _scores(banks, blocks[banks.base], _values(banks, blocks))


def _values(banks: Banks, blocks: Mapping[Timeframe, BarBlock]) -> dict[BankKey, Values]:
    with np.errstate(all="ignore"):
        return banks.over(blocks)


def _scores(banks: Banks, base: BarBlock, values: Mapping[BankKey, Values]) -> tuple[tuple[FactorArrays, ...], Total]:
    t, n = base.close.shape
    closes = base.open_ms + banks.base.ms
    due: dict[BankKey, Ints | int] = {tf: np.repeat(closes // tf.ms - 1, n) for tf in banks.timeframes}
    due[None] = due[banks.base]
    seen = np.full(t * n, QUALITY_CODE[DataQuality.LIVE])
    none = np.full(t * n, QUALITY_CODE[DataQuality.UNAVAILABLE])
    qualities = {Feed.BARS: seen, Feed.TAPE: seen, Feed.TICKER: none, Feed.BOOK: none}
    return score_all(banks.sources, values, due, qualities)


def whole_bars(base: BarBlock) -> NDArray[np.bool_]:
    """Where a bar is there, with nothing missing [t, n]."""
    whole: NDArray[np.bool_] = np.isfinite(base.open + base.high + base.low + base.close + base.volume)
    return whole


def score_blocks(
    banks: Banks, bands: Bands, dwell: Dwell, blocks: Mapping[Timeframe, BarBlock], attainable: float
) -> History:
    """Take a block of base bars, with the higher bars that close with them, and score every base close.

    `attainable` is the coverage that the source of the bars can reach.
    """
    base = blocks[banks.base]
    t, n = base.close.shape
    closes = base.open_ms + banks.base.ms
    values = _values(banks, blocks)
    factors, total = _scores(banks, base, values)
    score = (50.0 * (1.0 + total.confluence.x)).reshape(t, n)
    coverage = total.coverage.reshape(t, n)
    present = whole_bars(base)
    allowed = present & bands.rule.covered(coverage, np.full(n, attainable))
    rows = as_rows(base.rows)
    banded = [bands.step(rows, score[k], allowed[k], int(closes[k])) for k in range(t)]
    frame, short = values[banks.regime_timeframe], banks.short_volatility(values)
    regimes = regime.classify(frame.raw[banks.of_regimes], frame.age, banks.regime_timeframe, short)
    probabilities = regimes.probabilities.reshape(-1, t, n)
    held = [dwell.hold(rows, int(closes[k]), probabilities[:, k])[0] for k in range(t)]
    return History(
        bars=base,
        close_ms=closes,
        present=present,
        score=score,
        band=np.stack([each.band for each in banded]),
        bridged=np.stack([each.bridged for each in banded]),
        agreement=total.agreement.reshape(t, n),
        coverage=coverage,
        alignment=total.alignment.reshape(t, n),
        factors={a.factor.name: 50.0 * (1.0 + a.result.x).reshape(t, n) for a in factors},
        regime=np.stack(held),
        probabilities=probabilities,
        columns=factors,
        total=total,
    )
