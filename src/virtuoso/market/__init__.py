"""Market state from events: books, bars, tape, universe, quality, and the panel that analysis reads."""
