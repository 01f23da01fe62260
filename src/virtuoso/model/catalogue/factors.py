"""The six factors: views of a symbol that together make its score."""

from typing import Final

WEIGHTS: Final = {
    "order_flow": 0.30, "order_book": 0.20, "volume": 0.18, "price_structure": 0.15, "technical": 0.10,
    "sentiment": 0.07,
}  # fmt: skip
"""Default weight of each in the confluence; weights are relative to each other."""
FACTORS: Final = tuple(WEIGHTS)
"""Their names, as in the configuration, the API, the time series and the values of rules, in the order shown."""
