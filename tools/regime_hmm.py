"""A Gaussian hidden Markov model in plain numpy: Baum–Welch over many sequences, online filter (Hamilton, 1989).

Sequences share their parameters. Arrays: observations `x` [t, s, d] (time, sequence, dimension), states k; the
covariance of a state is diagonal.
"""

from dataclasses import dataclass

import numpy as np

_SMALLEST_VARIANCE = 1e-4
_SMALLEST_DENSITY = 1e-300


@dataclass(frozen=True)
class Hmm:
    """Start [k], transition [k, k] (rows sum to 1), means and variances [k, d], states by their first mean."""

    start: np.ndarray
    transition: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    def densities(self, x: np.ndarray) -> np.ndarray:
        """Density of each observation in each state [t, s, k]."""
        deviation = x[..., None, :] - self.mean
        log = -0.5 * (deviation**2 / self.variance + np.log(2 * np.pi * self.variance)).sum(axis=-1)
        return np.exp(log) + _SMALLEST_DENSITY

    def filtered(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """P(state | observations up to then) [t, s, k], and the density of each observation given the past [t, s]."""
        density = self.densities(x)
        probability = np.empty(density.shape)
        scale = np.empty(density.shape[:2])
        predicted = np.broadcast_to(self.start, density.shape[1:])
        for t in range(density.shape[0]):
            joint = predicted * density[t]
            scale[t] = joint.sum(axis=1)
            probability[t] = joint / scale[t][:, None]
            predicted = probability[t] @ self.transition
        return probability, scale

    def improved(self, x: np.ndarray) -> tuple["Hmm", float]:
        """One step of Baum–Welch (Baum et al., 1970), and the mean log likelihood before it."""
        density = self.densities(x)
        alpha, scale = self.filtered(x)
        beta = np.ones(alpha.shape[1:])
        weight = np.empty(alpha.shape)
        weight[-1] = alpha[-1]
        moves = np.zeros(self.transition.shape)
        for t in range(x.shape[0] - 2, -1, -1):
            ahead = density[t + 1] * beta / scale[t + 1][:, None]
            moves += self.transition * (alpha[t].T @ ahead)
            beta = ahead @ self.transition.T
            weight[t] = alpha[t] * beta
        total = weight.sum(axis=(0, 1))
        mean = np.einsum("tsk,tsd->kd", weight, x) / total[:, None]
        square = (x[..., None, :] - mean) ** 2
        variance = np.einsum("tsk,tskd->kd", weight, square) / total[:, None] + _SMALLEST_VARIANCE
        transition = moves / moves.sum(axis=1, keepdims=True)
        return Hmm(weight[0].mean(axis=0), transition, mean, variance), float(np.log(scale).mean())

    def fitted(self, x: np.ndarray, steps: int, enough: float = 1e-5) -> "Hmm":
        """Baum–Welch until the mean log likelihood gains less than `enough`, `steps` times at most."""
        model, before = self, -np.inf
        for _ in range(steps):
            model, likelihood = model.improved(x)
            if likelihood - before < enough:
                break
            before = likelihood
        return model


def initial(x: np.ndarray, states: int) -> Hmm:
    """States at the quantiles of the first dimension, which last ten bars on average."""
    flat = x.reshape(-1, x.shape[-1])
    mean = np.tile(flat.mean(axis=0), (states, 1))
    mean[:, 0] = np.quantile(flat[:, 0], (np.arange(states) + 0.5) / states)
    transition = np.full((states, states), 0.1 / (states - 1))
    np.fill_diagonal(transition, 0.9)
    return Hmm(np.full(states, 1 / states), transition, mean, np.tile(flat.var(axis=0), (states, 1)))


def walk_forward(x: np.ndarray, cuts: list[int], states: int, steps: int = 60) -> tuple[np.ndarray, list[Hmm]]:
    """The state expected next [t, s, k], `nan` before the first of `cuts`, and the models fitted there.

    At each of `cuts` (bar numbers, ascending) the model is fitted anew to all bars before it and filters those from
    it to the next: nothing comes from later bars. The value at t is P(state at t + 1 | bars up to and with t).
    """
    out = np.full((*x.shape[:2], states), np.nan)
    model, models = initial(x[: cuts[0]], states), []
    for cut, end in zip(cuts, [*cuts[1:], x.shape[0]], strict=True):
        model = model.fitted(x[:cut], steps)
        models.append(model)
        out[cut:end] = model.filtered(x[:end])[0][cut:] @ model.transition
    return out, models
