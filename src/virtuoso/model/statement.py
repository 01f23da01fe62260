"""What was said of one symbol at a close, in the few values by which it is known again."""

import msgspec


class Statement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reading, its forecast and its label, as they were said.

    Attributes:
        symbol: of which.
        score: 0–100; `None` for unknown.
        band: of the pressure; `None` for unknown.
        label: BUY, SELL or HOLD; `None` for unknown.
        confidence: of the label, a probability; `None` where it has none.
        fit: the version of the fit that forecast; `None` where nothing was forecast.
        forecast: a hash of all its horizons; `None` where nothing was forecast.
        chances: of the nearest horizon the volatility (percent), and the probabilities beyond costs up and down.
        input_hash: names everything the score was computed from.
    """

    symbol: str
    score: float | None
    band: str | None
    label: str | None
    confidence: float | None
    fit: str | None
    forecast: str | None
    chances: tuple[float | None, float | None, float | None]
    input_hash: str
