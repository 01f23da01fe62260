"""Forecasts over files, walked forward: what would have been said at each close, beside what came."""
