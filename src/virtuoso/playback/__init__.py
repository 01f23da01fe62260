"""Runs what the monitor runs with another clock and source: recordings played again, rules compared, one pass."""

PUBLIC = (
    "one_pass", "replay", "rule_diff", "rule_replay",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
