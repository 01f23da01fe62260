"""Statements: what an evaluation says of each symbol, cut down to what an audit compares."""

from collections.abc import Callable, Sequence
from hashlib import blake2s

import msgspec

from virtuoso.analysis.readings.evaluation import Evaluation
from virtuoso.model.forecast import Forecast
from virtuoso.model.signal import Reading, Statement

Say = Callable[[int, tuple[Statement, ...]], None]
"""Told of everything that is said: the close (epoch ms), and the statements about the symbols that were scored."""

_HASH_BYTES = 8
_UNKNOWN = (None, None, None)
_encoder = msgspec.msgpack.Encoder()


def statements_of(evaluation: Evaluation, symbols: Sequence[str]) -> tuple[Statement, ...]:
    """What is said of `symbols`; on the worker, where the readings are built anyway."""
    return tuple(_statement(evaluation.reading(symbol)) for symbol in symbols)


def _statement(reading: Reading) -> Statement:
    forecast = reading.forecast
    horizons = () if forecast is None else forecast.horizons
    near = horizons[0] if horizons else None
    return Statement(
        symbol=reading.symbol, score=reading.score, band=reading.band, label=reading.signal,
        confidence=reading.confidence, fit=None if forecast is None else forecast.version,
        forecast=None if forecast is None else _hash(forecast),
        chances=_UNKNOWN if near is None else (near.volatility, near.beyond_up, near.beyond_down),
        input_hash=reading.input_hash,
    )  # fmt: skip


def _hash(forecast: Forecast) -> str | None:
    """Names what was forecast, without what it was measured by before; `None` while nothing is known."""
    said = [
        (each.horizon_min, each.volatility, each.cone, each.high, each.low, each.large_move, each.beyond_up,
         each.beyond_down)
        for each in forecast.horizons
    ]  # fmt: skip
    if all(value is None for horizon in said for value in horizon[1:]):
        return None
    return blake2s(_encoder.encode(said), digest_size=_HASH_BYTES).hexdigest()
