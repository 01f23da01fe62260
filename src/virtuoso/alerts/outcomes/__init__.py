"""Measures what followed the alerts that were delivered, and what a kind of them is worth."""
