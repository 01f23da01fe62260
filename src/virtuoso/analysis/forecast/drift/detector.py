"""Tells when the mean of what comes has left its band, with a stated rate of false alarms, and when it is back.

Evidence is betted: against "the mean of the next value, given all before, is at most h", a stake λ on a value x in
[0, 1] multiplies the evidence by 1 + λ(x − h), which is no gain on average while that is true (Waudby-Smith & Ramdas,
2024, JRSS B 86). Evidence that falls below one begins anew, so a change is found whenever it comes. That is an
e-detector: while the mean is inside its band, it takes `steps` steps or more on average until a false alarm, whatever
the values' distribution and however they depend on each other (Shin, Ramdas & Rinaldo, 2024, NEJSDS).
"""

from typing import Final

import numpy as np

from virtuoso.market.panel import Floats

_STAKES: Final = np.array([0.1, 0.25, 0.5, 0.8])
"""Shares of the largest stake that cannot lose everything; evidence is the mean over all of them."""
BACK: Final = 1_000.0
"""Steps that it takes on average, or more, until what is still outside its band is taken for back."""
STATE: Final = 2 * _STAKES.size + 1


class DriftDetector:
    """Watches whether one mean stays within its band, by evidence that may be judged after every step.

    Args:
        low: the lower end of its band, in (0, 1); 0 = no lower end.
        high: the upper end; 1 = none.
        steps: how many steps pass on average until a false alarm, at least.
    """

    def __init__(self, low: float, high: float, steps: float) -> None:
        self._low, self._high, self._steps = low, high, steps
        self._evidence: Floats = np.ones((2, _STAKES.size))
        """Above and below; while it is withdrawn, of being below the upper end and above the lower one."""
        self.withdrawn = False

    def step(self, x: float) -> bool:
        """Take the next value in [0, 1]; whether it is withdrawn now."""
        bets = np.stack([self._bet(x, self._high, up=not self.withdrawn), self._bet(x, self._low, up=self.withdrawn)])
        self._evidence = np.maximum(self._evidence, 1.0) * bets
        strength: Floats = self._evidence.mean(axis=1)
        if not self.withdrawn:
            if strength.mean() >= self._steps:
                self._turn(withdrawn=True)
        elif strength.min() >= BACK:
            self._turn(withdrawn=False)
        else:  # more than is needed is let go of: weeks beyond one end must not outweigh what comes at the other
            self._evidence *= np.minimum(1.0, BACK / strength)[:, None]
        return self.withdrawn

    def _turn(self, *, withdrawn: bool) -> None:
        self.withdrawn = withdrawn
        self._evidence = np.ones((2, _STAKES.size))

    def _bet(self, x: float, end: float, *, up: bool) -> Floats:
        """What stakes on a value above (`up`) or below an end multiply the evidence by; an end that is none bets not.

        While it is withdrawn such an end is held for sure: it does not keep what is withdrawn from being back.
        """
        if end in (0.0, 1.0):
            return np.full(_STAKES.size, BACK if self.withdrawn else 0.0)
        largest = 1.0 / end if up else 1.0 / (1.0 - end)
        stakes: Floats = 1.0 + _STAKES * largest * (x - end if up else end - x)
        return stakes

    @property
    def state(self) -> Floats:
        """What a restart goes on from [STATE]."""
        return np.concatenate([self._evidence.ravel(), [float(self.withdrawn)]])

    def load(self, state: Floats) -> None:
        """Go on from `state`; raises `ValueError` where it is of another make."""
        if state.shape != (STATE,):
            raise ValueError("the evidence of a drift is of another make")
        self._evidence = state[:-1].reshape(2, _STAKES.size).copy()
        self.withdrawn = bool(state[-1])
