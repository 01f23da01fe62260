"""Backtests and calibration: the same market and analysis as live, driven by files."""
