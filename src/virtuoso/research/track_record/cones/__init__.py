"""Judges cones: coverage and touch, beside rivals, after breaks, and of many symbols at once."""
