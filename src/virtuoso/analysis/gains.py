"""Gains: averages shrink, so each factor and the confluence are stretched back by documented constants.

The mean of inputs with common spread σ and common correlation ρ, weighted by w (Σw = 1), has the spread
σ·√(ρ + (1 − ρ)·Σw²). Dividing by it gives every set of available inputs the same spread; `stretch` then places
that spread on tanh. The constants come from `tools/fit_gains.py` (docs/methodology.md says on which data).
"""

from dataclasses import dataclass

import numpy as np

from virtuoso.market.panel import Floats


@dataclass(frozen=True, slots=True)
class Gain:
    """x = tanh(mean · stretch / (σ·√(ρ + (1 − ρ)·Σw²)))."""

    sigma: float
    rho: float
    stretch: float

    def factor(self, squared_weights: Floats) -> Floats:
        """The gain for inputs whose effective weights have the given Σw² [n]."""
        return self.stretch / (self.sigma * np.sqrt(self.rho + (1 - self.rho) * squared_weights))


TECHNICAL = Gain(sigma=0.51, rho=0.37, stretch=0.4)
VOLUME = Gain(sigma=0.44, rho=0.39, stretch=0.4)
ORDER_BOOK = Gain(sigma=0.4, rho=0.3, stretch=0.4)
"""Not fitted: there is no long history of books; its components are scale-free by construction."""
CONFLUENCE = Gain(sigma=0.36, rho=0.87, stretch=0.265)
