"""The model market: up to 700 real instruments with invented, deterministic prices."""

from virtuoso.simulator.model_market.source import ModelSource, open_model

__all__ = ["ModelSource", "open_model"]
