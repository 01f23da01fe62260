"""Gathers the summary of a backtest block by block, in memory that does not grow."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from virtuoso.analysis.bands import BALANCED, DOWN, UNKNOWN, UP, is_stretched
from virtuoso.market.panel import Floats, Ints
from virtuoso.model.clock import iso
from virtuoso.model.signal import Band
from virtuoso.model.timeframe import DAY_MS
from virtuoso.research.moments import Moments
from virtuoso.research.scored import ScoredBlock
from virtuoso.research.seams import Seam

BIN_POINTS = 5
_EDGES = np.arange(0, 100 + BIN_POINTS, BIN_POINTS)
_NAMES = {UP: Band.UP.value, DOWN: Band.DOWN.value, BALANCED: Band.BALANCED.value, UNKNOWN: "unknown"}
_MEASURES = ("score", "agreement", "coverage")


class Summary:
    """Counts and moments over the readings of all blocks.

    Args:
        symbols: those of every block.
        factors: names of the factors of every block.
        up: score from which a reading counts as high, in points.
        down: score up to which it counts as low.
        bar_ms: from one reading of a symbol to the next.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        factors: Sequence[str],
        *,
        up: float = 70.0,
        down: float = 30.0,
        bar_ms: int = 60_000,
    ) -> None:
        n = len(symbols)
        self._symbols = tuple(symbols)
        self._factors = tuple(factors)
        self._up, self._down = up, down
        self._day_readings = DAY_MS // bar_ms
        self._moments = Moments(len(_MEASURES) + len(self._factors))
        self._bins: Ints = np.zeros(_EDGES.size - 1, np.int64)
        self._high = self._low = 0
        self._readings: Ints = np.zeros(n, np.int64)
        self._banded: dict[int, Ints] = {code: np.zeros(n, np.int64) for code in _NAMES}
        self._entered: dict[int, Ints] = {code: np.zeros(n, np.int64) for code in _NAMES}
        self._last = np.full(n, np.int8(UNKNOWN))
        self._first_ms: int | None = None
        self._last_ms: int | None = None

    def add(self, block: ScoredBlock) -> None:
        """Count the block of scores that follows the last one."""
        there = block.present.any(axis=1)
        if not there.any():
            return
        closes = block.close_ms[there]
        self._first_ms = int(closes[0]) if self._first_ms is None else self._first_ms
        self._last_ms = int(closes[-1])
        self._readings += block.present.sum(axis=0)
        measures = (block.score, block.agreement, block.coverage, *(block.factors[name] for name in self._factors))
        self._moments.add(np.stack([array[block.present] for array in measures], axis=1))
        score = block.score[block.present & np.isfinite(block.score)]
        self._bins += np.histogram(score, _EDGES)[0]
        self._high += int((score >= self._up).sum())
        self._low += int((score <= self._down).sum())
        self._take_bands(block)

    def _take_bands(self, block: ScoredBlock) -> None:
        """Time in each band, and its changes from one reading of a symbol to its next, however many minutes later.

        A change enters or leaves a stretched one; short unknown gaps are bridged, as they are live.
        """
        column, row = np.nonzero(block.present.T)
        band, bridged = block.band[row, column], block.bridged[row, column]
        begins = np.flatnonzero(np.diff(column, prepend=-1))
        before = np.concatenate(([np.int8(UNKNOWN)], bridged[:-1]))
        before[begins] = self._last[column[begins]]
        changed = (bridged != before) & (is_stretched(bridged) | is_stretched(before))
        ends = np.append(begins[1:], band.size) - 1
        self._last[column[ends]] = bridged[ends]
        for code in _NAMES:
            self._banded[code] += np.bincount(column[band == code], minlength=len(self._symbols))
            entered = column[(bridged == code) & changed]
            self._entered[code] += np.bincount(entered, minlength=len(self._symbols))

    def document(
        self,
        *,
        bars_read: int,
        bars_missing: int,
        bad_rows_skipped: int,
        seconds: float,
        config_digest: str,
        seams: Sequence[Seam] = (),
    ) -> dict[str, Any]:
        """Give the summary as JSON has it, `None` where nothing is known.

        Args:
            bars_read: good bars of the input.
            bars_missing: bars that are not there between a symbol's first and last one.
            bad_rows_skipped: rows left out because they were bad.
            seconds: how long the backtest took.
            config_digest: what the settings hash to.
            seams: where contracts became other ones.
        """
        total = int(self._readings.sum())
        return {
            "period": {"first_close": iso(self._first_ms), "last_close": iso(self._last_ms)},
            "symbols": list(self._symbols),
            "readings": total,
            "bars": {"read": bars_read, "missing": bars_missing, "bad_rows_skipped": bad_rows_skipped},
            "seams": [
                {"symbol": seam.symbol, "at": iso(seam.open_ms), "factor": 10.0**seam.n, "text": str(seam)}
                for seam in seams
            ],
            **self._measures(),
            "bands": self._band_shares(total, slice(None)),
            "factors": self._factor_moments(),
            "factor_correlation": self._correlation(),
            "by_symbol": {
                symbol: {
                    "readings": int(self._readings[i]),
                    **self._band_shares(int(self._readings[i]), slice(i, i + 1)),
                }
                for i, symbol in enumerate(self._symbols)
            },
            "config_digest": config_digest,
            "seconds": seconds,
            "symbol_bars_per_second": _share(bars_read, seconds),
        }

    def _measures(self) -> dict[str, Any]:
        count, mean, deviation = self._moments.count, self._moments.mean(), self._moments.deviation()
        scores = int(count[0])
        bins = [
            {"from": int(low), "to": int(low) + BIN_POINTS, "count": int(n)}
            for low, n in zip(_EDGES[:-1], self._bins, strict=True)
        ]
        return {
            "score": {
                "count": scores,
                "mean": _number(mean[0]),
                "standard_deviation": _number(deviation[0]),
                "high": {"at_least": self._up, "share": _share(self._high, scores)},
                "low": {"at_most": self._down, "share": _share(self._low, scores)},
                "histogram": bins,
            },
            "agreement": {"mean": _number(mean[1])},
            "coverage": {"mean": _number(mean[2])},
        }

    def _band_shares(self, readings: int, of: slice) -> dict[str, Any]:
        entered = {name: int(self._entered[code][of].sum()) for code, name in _NAMES.items()}
        return {
            "time_share": {name: _share(int(self._banded[code][of].sum()), readings) for code, name in _NAMES.items()},
            "entered": entered,
            "changes_per_symbol_and_day": _share(sum(entered.values()) * self._day_readings, readings),
        }

    def _factor_moments(self) -> dict[str, Any]:
        count, mean, deviation = self._moments.count, self._moments.mean(), self._moments.deviation()
        return {
            name: {"count": int(count[i]), "mean": _number(mean[i]), "standard_deviation": _number(deviation[i])}
            for i, name in enumerate(self._factors, len(_MEASURES))
        }

    def _correlation(self) -> dict[str, Mapping[str, float | None]]:
        of: Floats = self._moments.correlation()[len(_MEASURES) :, len(_MEASURES) :]
        return {
            name: {other: _number(of[i, j]) for j, other in enumerate(self._factors)}
            for i, name in enumerate(self._factors)
        }


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
