"""Many tests at once: tails of Student's t, and the share of false discoveries kept in bounds."""

import math

import numpy as np

from virtuoso.market.panel import Floats

_erfc = np.frompyfunc(math.erfc, 1, 1)


def student_tail(t: Floats, df: Floats) -> Floats:
    """P(T ≥ t) of Student's t, elementwise; `df` may be fractional; `nan` stays `nan`.

    Hill's normal approximation (1970, Algorithm 395): off by less than 0.1 % of p where it matters (p > 1e-9) from six
    degrees of freedom on, by less than 5 % down to two; never off in sign.
    """
    a = df - 0.5
    b = 48.0 * a * a
    y = a * np.log1p(t * t / df)
    series = ((((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b) + y + 3.0) / b + 1.0
    z = np.sqrt(y) * series
    upper: Floats = np.asarray(0.5 * _erfc(z / math.sqrt(2.0)), dtype=np.float64)
    return np.where(t >= 0.0, upper, 1.0 - upper)


def benjamini_hochberg(p: Floats) -> Floats:
    """The q-values of p-values [m]: rejecting all with q ≤ r keeps the expected share of false ones among them ≤ r.

    Benjamini & Hochberg 1995: q of the i-th smallest p is the least m·p_j/j over j ≥ i. Valid for independent and for
    positively dependent tests (Benjamini & Yekutieli 2001). A `nan` is no test: it does not count in m and stays `nan`.
    """
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    if not tested.size:
        return q
    order = tested[np.argsort(p[tested], kind="stable")]
    scaled = p[order] * (order.size / np.arange(1, order.size + 1))
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q
