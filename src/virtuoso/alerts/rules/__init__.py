"""Reads and judges the user's rules: conditions on published values, in YAML."""
