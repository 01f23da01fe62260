"""Decides when a connection that failed is tried again."""

import numpy as np


class Backoff:
    """Capped exponential back-off with jitter: uniform in [half, whole] of the step (seconds)."""

    def __init__(self, rng: np.random.Generator, first_s: float = 0.25, cap_s: float = 15.0) -> None:
        self._rng = rng
        self._first_s = first_s
        self._cap_s = cap_s
        self._step_s = first_s

    def next_s(self) -> float:
        """How long to wait before the next try."""
        wait_s = self._step_s * float(self._rng.uniform(0.5, 1.0))
        self._step_s = min(self._cap_s, 2 * self._step_s)
        return wait_s

    def reset(self) -> None:
        """Start again at the shortest wait, after an attempt that succeeded."""
        self._step_s = self._first_s
