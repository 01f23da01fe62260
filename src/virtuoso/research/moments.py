"""Means, spreads and correlations of values that come in blocks and are not all there."""

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats


class Moments:
    """First and second moments of k variables, of each pair over the samples in which both are known.

    Blocks are centred on their own means and merged pairwise (Chan, Golub & LeVeque, 1983), so that nothing is lost
    to a mean that is large against the spread. A missing value is `nan`.
    """

    def __init__(self, variables: int) -> None:
        shape = (variables, variables)
        self._count: Floats = np.zeros(shape)
        self._mean: Floats = np.zeros(shape)
        """[i, j]: of variable i, where j is known."""
        self._square: Floats = np.zeros(shape)
        """[i, j]: sum of squared deviations of variable i, where j is known."""
        self._product: Floats = np.zeros(shape)
        """[i, j]: sum of products of the deviations of both."""

    def add(self, samples: Floats) -> None:
        """Add samples [m, k]: m samples of the k variables, `nan` where a value is not known."""
        known = np.isfinite(samples)
        centre = np.divide(
            np.where(known, samples, 0.0).sum(axis=0),
            known.sum(axis=0),
            out=np.zeros(known.shape[1]),
            where=known.any(axis=0),
        )
        deviation = np.where(known, samples - centre, 0.0)
        weight = known.astype(np.float64)
        count: Floats = weight.T @ weight
        mean = _over(deviation.T @ weight, count)
        square = (deviation**2).T @ weight - count * mean**2
        product = deviation.T @ deviation - count * mean * mean.T
        self._merge(count, mean + centre[:, None], square, product)

    def _merge(self, count: Floats, mean: Floats, square: Floats, product: Floats) -> None:
        total = self._count + count
        apart = mean - self._mean
        share = _over(self._count * count, total)
        self._square += square + apart**2 * share
        self._product += product + apart * apart.T * share
        self._mean += apart * _over(count, total)
        self._count = total

    @property
    def count(self) -> NDArray[np.int64]:
        """Known samples of each variable [k]."""
        return np.diagonal(self._count).astype(np.int64)

    def mean(self) -> Floats:
        """Mean of each variable [k], `nan` without samples."""
        return np.where(self.count > 0, np.diagonal(self._mean), np.nan)

    def deviation(self) -> Floats:
        """Standard deviation (of a sample, n − 1) of each variable [k], `nan` below two samples."""
        square = np.maximum(np.diagonal(self._square), 0.0)
        return np.sqrt(_over(square, np.diagonal(self._count) - 1.0, np.nan))

    def correlation(self) -> Floats:
        """Pearson's correlation of each pair [k, k], `nan` where one of them does not vary."""
        spread = np.sqrt(np.maximum(self._square, 0.0) * np.maximum(self._square.T, 0.0))
        return np.clip(_over(self._product, spread, np.nan), -1.0, 1.0)


def _over(numerator: Floats, denominator: Floats, missing: float = 0.0) -> Floats:
    """The quotient, `missing` where the denominator is not positive."""
    out: Floats = np.full(numerator.shape, missing)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out
