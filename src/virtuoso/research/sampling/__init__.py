"""Samples a set of bars: readings, forecasts and what followed, at the closes that are judged."""
