"""Deterministic noise: a hash of what it is for, so that nothing depends on the order of asking."""

from math import cos, pi

import numpy as np
from numpy.typing import NDArray

from virtuoso.simulator.history.dataset import Floats

_Hashed = NDArray[np.uint64]
_GAMMA, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 2.0**-53
_MASK = (1 << 64) - 1


def mixed(values: _Hashed) -> _Hashed:
    """SplitMix64's finaliser (Steele, Lea & Flood, 2014) of each value."""
    z = values + _GAMMA
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


def uniforms(hashed: _Hashed) -> Floats:
    """Turn hashes into floats in [0, 1)."""
    return (hashed >> _11).astype(np.float64) * _UNIT


def hash_of(*parts: int) -> int:
    """One 64-bit hash of some integers (plain Python, for single draws)."""
    z = 0
    for part in parts:
        z = (z ^ (part & _MASK)) + 0x9E3779B97F4A7C15 & _MASK
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
        z ^= z >> 31
    return z


def uniform(*parts: int) -> float:
    """One float in [0, 1) for some integers."""
    return (hash_of(*parts) >> 11) * _UNIT


def smooth(key: int, position: float) -> float:
    """Noise in [-1, 1] that is smooth in `position`: values drawn at the integers, joined by a cosine."""
    knot = int(position // 1)
    share = position - knot
    weight = 0.5 - 0.5 * cos(pi * share)
    here, there = 2 * uniform(key, knot) - 1, 2 * uniform(key, knot + 1) - 1
    return here + (there - here) * weight
