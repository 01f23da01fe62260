"""Runs what the monitor runs with another clock and source: replays, rules compared, repaint audits, one pass."""

PUBLIC = (
    "audit", "comparison", "one_pass", "replay", "rule_diff", "rule_replay",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
