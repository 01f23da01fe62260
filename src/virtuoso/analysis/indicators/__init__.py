"""Indicators as block steps: one step takes one closed bar of all symbols."""
