"""Plays closed minutes through the fast detectors that they can drive, and through the stages of alerts."""
