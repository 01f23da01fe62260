"""Runs what the monitor runs with another clock and source: recordings played again, rules compared, one pass."""
