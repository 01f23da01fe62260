"""Holds the limits of built-in conditions that are not configured; times in milliseconds."""

from typing import Final

CLOCK_SKEW_MS: Final = 1_000.0
FEED_GRACE_MS: Final = 3_000
"""A connection may be lost for less than this."""
STORE_GRACE_MS: Final = 2_000
CHANNEL_GRACE_MS: Final = 60_000
WRONG_TOKENS: Final = 10
REFUSED_TOPIC_MS: Final = 10_000
"""A refusal this old raises an incident; a delisted symbol is gone from the universe by then."""
FAILING_MS: Final = 15_000
"""A fault of one symbol that is repeated for longer raises an incident."""
REFUSED_WINDOW_MS: Final = 10_000
REFUSED_SHARE: Final = 0.1
REFUSED_FEWEST: Final = 10
"""So many of the frames of the window, of all topics or of one, are too many even if others are understood between."""
GAP_MS: Final = 5_000
STOP_GAP_MS: Final = 60_000
"""A gap that raises an incident: after a crash, and after a stop on purpose."""
LONG_GAP_MS: Final = 600_000
"""A gap that is critical."""
