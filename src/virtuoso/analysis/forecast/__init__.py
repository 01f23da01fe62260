"""Forecasts: how far a price will go, how likely that is, and only then which way; each measured walking forward."""
