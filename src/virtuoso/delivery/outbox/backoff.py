"""How long to wait before another try."""

import numpy as np

_BASE_S, _CAP_S = 1.0, 60.0


def wait_s(failures: int, rng: np.random.Generator) -> float:
    """Seconds after so many failures in a row (≥ 1): drawn from 0 to a bound of 1, 2, 4 … 60 s ("full jitter").

    So many clients of a service that comes back do not all come at once.
    """
    return float(rng.uniform(0.0, min(_CAP_S, _BASE_S * 2 ** min(failures - 1, 10))))
