"""Signals: claims that a side will pay, made where that is likely and was earned, and over when they said so.

A claim is immutable. It ends at its expiry, or at once when its probability falls to one half or what it rests on goes
stale; nothing prolongs it. The margin is asked for entering alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from virtuoso.analysis.block import Memory, Rows
from virtuoso.analysis.forecast.claims.cells import DOWN, LIKELY_ABOVE, UP
from virtuoso.market.panel import Floats

SELL, HOLD, BUY, UNKNOWN = DOWN, 0, UP, 2
ENTER_MARGIN = 0.02
"""How far above one half a probability must be for a claim to begin."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The signals of one close [n], `nan` for unknown; `label` is −1 SELL, 0 HOLD, 1 BUY, 2 unknown.

    A label is known where its confidence is. `confidence` is on one scale: of BUY and SELL the probability that their
    side goes beyond costs, as it was claimed; of HOLD that the better side does not. Of a claim `began_ms` and
    `expires_ms` are closes (epoch ms), `price` is the close at which it was made, in quote units.
    """

    label: NDArray[np.int8]
    confidence: Floats
    began_ms: Floats
    expires_ms: Floats
    price: Floats


class SignalState:
    """The claim that stands in each row.

    Args:
        horizon_ms: how long a claim is for.
        margin: how far above one half a probability must be for a claim to begin.
    """

    def __init__(self, horizon_ms: int, margin: float = ENTER_MARGIN) -> None:
        self.memory = Memory()
        self.margin = margin
        self._horizon_ms = float(horizon_ms)
        self._decided_ms = self.memory.vector(fill=0.0)
        self._side = self.memory.vector(fill=float(HOLD))
        self._began_ms, self._price, self._claimed = (self.memory.vector() for _ in range(3))

    def step(
        self, rows: Rows, close_ms: int, price: Floats, up: Floats, down: Floats, pays: tuple[bool, bool],
        fresh: NDArray[np.bool_], may_begin: NDArray[np.bool_] | None = None, *, withdrawn: bool = False,
    ) -> Signals:  # fmt: skip
        """The signals after the base bars [n] that closed at `close_ms`, at `price`; a close decides once.

        Args:
            rows: the symbols.
            close_ms: the close, epoch ms.
            price: close of each, quote units.
            up: P(beyond costs) of a long over the horizon [n], by a forecast of this close.
            down: the same of a short.
            pays: whether up and down have been earned, by the days before.
            fresh: where what it rests on is fresh [n]; elsewhere nothing stands.
            may_begin: where a claim may begin [n]; without it, wherever that is.
            withdrawn: whether forecasts do not hold: no claim stands, and none begins.
        """
        due = self._decided_ms.get(rows) < close_ms
        side, began = self._side.get(rows), self._began_ms.get(rows)
        likely = np.where(side == BUY, up, down)
        stands = (side != HOLD) & fresh & (close_ms < began + self._horizon_ms) & (likely > LIKELY_ABOVE)
        stands &= not withdrawn
        wanted = np.where(
            pays[0] & (up > LIKELY_ABOVE + self.margin), BUY,
            np.where(pays[1] & (down > LIKELY_ABOVE + self.margin), SELL, HOLD),
        )  # fmt: skip
        allowed = fresh if may_begin is None else fresh & may_begin
        begins = (not withdrawn) & due & allowed & ~stands & (wanted != HOLD) & np.isfinite(price)
        side = np.where(begins, wanted, np.where(stands, side, HOLD)).astype(np.float64)
        began = np.where(begins, float(close_ms), np.where(stands, began, np.nan))
        claimed = np.where(begins, np.where(wanted == BUY, up, down), np.where(stands, self._claimed.get(rows), np.nan))
        at = np.where(begins, price, np.where(stands, self._price.get(rows), np.nan))
        for cell, values in (
            (self._side, side), (self._began_ms, began), (self._claimed, claimed), (self._price, at),
        ):  # fmt: skip
            cell.put(rows, values)
        self._decided_ms.put(rows, np.maximum(self._decided_ms.get(rows), float(close_ms)))
        confidence = np.where(fresh, np.where(side != HOLD, claimed, 1.0 - np.maximum(up, down)), np.nan)
        return Signals(
            # HOLD says how likely the better side does not pay: where nothing is forecast, it cannot
            label=np.where(np.isfinite(confidence), side, UNKNOWN).astype(np.int8),
            confidence=confidence,
            began_ms=began,
            expires_ms=began + self._horizon_ms,
            price=at,
        )

    def checkpoint(self, rows: Rows) -> Floats:
        """The claims of `rows`: side (0 for none), the closes at which they were made, prices, confidences [4, n]."""
        return np.stack([cell.get(rows) for cell in (self._side, self._began_ms, self._price, self._claimed)])

    def resume(self, row: int, side: float, began_ms: float, price: float, claimed: float) -> None:
        """Take over what `checkpoint` said; the next close decides whether it stands."""
        cells = (self._side, self._began_ms, self._price, self._claimed)
        for cell, value in zip(cells, (side, began_ms, price, claimed), strict=True):
            cell.put(slice(row, row + 1), np.array([value]))
