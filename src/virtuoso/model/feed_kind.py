"""The kinds of feeds: what a symbol's streams tell, whatever an exchange calls them."""

from enum import StrEnum
from typing import Final


class FeedKind(StrEnum):
    """What the events of a feed are; an exchange's own word for it is known to its adapter alone."""

    BOOK = "book"
    """Order book: bids and asks."""
    TRADE = "trade"
    """Every public trade."""
    TICKER = "ticker"
    """Last price, 24 h figures, funding and open interest."""
    BAR = "bar"
    """Bars of 1m, and when each is closed."""
    LIQUIDATION = "liquidation"
    """Positions closed by force."""


BEGINS_WHOLE: Final = frozenset({FeedKind.TICKER, FeedKind.BOOK})
"""Those that begin with a snapshot: without it nothing is known of them."""
MAY_BE_SILENT: Final = frozenset({FeedKind.LIQUIDATION})
"""Those that are live by their acknowledgement alone: they may say nothing for hours, and prove nothing."""
POLLED: Final = (FeedKind.BOOK, FeedKind.TRADE, FeedKind.TICKER, FeedKind.BAR)
"""Those that can be asked for where no stream delivers them."""
POLLED_PLAIN: Final = (FeedKind.TICKER, FeedKind.BAR)
"""Those of them that a symbol without detail has."""
