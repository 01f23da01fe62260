"""Market state from events: books, bars, tape, universe, quality, and the panel that analysis reads."""

PUBLIC = (
    "bars", "book", "bounds.bar", "bounds.ranges", "minute", "panel", "quality", "series", "state", "symbol",
    "universe.choice", "universe.listing", "universe.names",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
