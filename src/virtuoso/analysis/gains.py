"""Gains: averages shrink, so each factor and the confluence are stretched back by documented constants.

The mean of inputs with common spread σ and correlations ρ_ij, weighted by w (Σw = 1), has the spread
σ·√(Σw² + Σ_{i≠j} ρ_ij·w_i·w_j). Dividing by it gives every set of available inputs the same spread; `stretch` then
places that spread on tanh. The constants come from `tools/fit_gains.py` (docs/methodology.md says on which data).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.market.panel import Floats


@dataclass(frozen=True, slots=True)
class Gain:
    """x = tanh(mean · stretch / spread of the mean); `rho` is the correlation of two inputs.

    Where inputs are of two sorts, `rho` is that of two which are `kin`, and `strange` that of any other two.
    """

    sigma: float
    rho: float
    stretch: float
    strange: float | None = None

    def factor(self, weights: Floats, kin: NDArray[np.bool_] | None = None) -> Floats:
        """The gain for inputs with effective `weights` [..., k, n] (Σ = 1); `kin` [k] says which are of one sort."""
        squares = (weights * weights).sum(axis=-2)
        if kin is None or self.strange is None:
            shared = self.rho * (1.0 - squares)
        else:
            own = weights[..., kin, :]
            pairs = own.sum(axis=-2) ** 2 - (own * own).sum(axis=-2)
            shared = self.rho * pairs + self.strange * (1.0 - squares - pairs)
        spread: Floats = self.sigma * np.sqrt(squares + shared)
        return self.stretch / spread


TECHNICAL = Gain(sigma=0.509, rho=0.371, stretch=0.4)
VOLUME = Gain(sigma=0.439, rho=0.388, stretch=0.4)
STRUCTURE = Gain(sigma=0.498, rho=0.353, stretch=0.4)
ORDER_BOOK = Gain(sigma=0.4, rho=0.3, stretch=0.4)
"""Not fitted: there is no long history of books; its components are scale-free by construction."""
FLOW = Gain(sigma=0.45, rho=0.42, stretch=0.4)
"""Assumed, there is no long history of tapes: between the .48/.41 of the bundled history and the .39/.43 of the model
market, whose trades are made up."""
SENTIMENT = Gain(sigma=0.28, rho=0.0, stretch=0.4)
"""Assumed likewise: the recording has .24/−.13, the model market .33/.05; within their usual range most of it is 0."""
CONFLUENCE = Gain(sigma=0.357, rho=0.881, stretch=0.2292, strange=0.3)
"""Fitted on the factors of bars, which are kin; `strange` is assumed: the others have no long history."""
