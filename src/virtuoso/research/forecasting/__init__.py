"""Forecasts over files, walked forward, beside what came."""
