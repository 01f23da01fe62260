"""Fits: the few numbers that forecasts are made with, refitted every day on what is known by then."""
