"""The six factors: views of a symbol that together make its score."""

from typing import Final

FACTORS: Final = ("order_flow", "order_book", "volume", "price_structure", "technical", "sentiment")
"""Their names, as in the configuration, the API, the time series and the values of rules, in the order shown."""
