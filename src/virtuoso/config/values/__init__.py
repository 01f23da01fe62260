"""Types of values: addresses and durations, as they are written."""
