"""The monitor: composes the rooms and owns the cycle."""
