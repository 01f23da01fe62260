"""Whether quantiles were such: coverage of bands and tails, pinball loss, how many were outside at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.quality.blocks import Blocks, ratio, summed
from virtuoso.analysis.quality.figures import Figure
from virtuoso.market.panel import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What share was inside a band that claims `claimed`, and below and above it."""

    claimed: float
    inside: Figure
    below: Figure
    above: Figure


def bands(
    quantiles: Floats, outcome: Floats, tails: Sequence[float], used: NDArray[np.bool_], blocks: Blocks
) -> tuple[Coverage, ...]:
    """Coverage of the bands between tails, from the outside to the inside.

    Args:
        quantiles: [k, t, n] in the order of `tails`.
        outcome: what came [t, n].
        tails: probabilities of the quantiles, ascending and symmetric.
        used: which readings count.
        blocks: the blocks of the closes.
    """
    used = used & known(quantiles, outcome)
    found = []
    for i in range(len(tails) // 2):
        below = (outcome < quantiles[i]).astype(np.float64)
        above = (outcome > quantiles[-1 - i]).astype(np.float64)
        found.append(
            Coverage(
                claimed=tails[-1 - i] - tails[i],
                inside=_share(1.0 - below - above, used, blocks),
                below=_share(below, used, blocks),
                above=_share(above, used, blocks),
            )
        )
    return tuple(found)


def levels(quantiles: Floats, outcome: Floats, used: NDArray[np.bool_], blocks: Blocks) -> tuple[Figure, ...]:
    """The share of outcomes [t, n] not above each of the quantiles [k, t, n]: its tail, where they are right."""
    used = used & known(quantiles, outcome)
    return tuple(_share((outcome <= q).astype(np.float64), used, blocks) for q in quantiles)


def pinball(quantiles: Floats, outcome: Floats, tails: Sequence[float]) -> Floats:
    """Mean over the tails of max(τ(y − q), (τ − 1)(y − q)) [t, n] (Koenker & Bassett, 1978); `nan` where unknown."""
    apart = outcome - quantiles
    tau = np.array(tails)[:, None, None]
    loss: Floats = np.maximum(tau * apart, (tau - 1.0) * apart).mean(axis=0)
    return loss


def known(quantiles: Floats, outcome: Floats) -> NDArray[np.bool_]:
    """Where all quantiles and the outcome are known [t, n]."""
    return np.isfinite(quantiles).all(axis=0) & np.isfinite(outcome)


def outside(quantiles: Floats, outcome: Floats, i: int) -> Floats:
    """1 where the outcome is beyond the i-th band from the outside, 0 inside, `nan` for unknown [t, n]."""
    beyond = (outcome < quantiles[i]) | (outcome > quantiles[-1 - i])
    return np.where(known(quantiles, outcome), beyond.astype(np.float64), np.nan)


def _share(of: Floats, used: NDArray[np.bool_], blocks: Blocks) -> Figure:
    terms = summed(used, of, 1.0)
    return blocks.figure(used, terms, ratio, terms)
