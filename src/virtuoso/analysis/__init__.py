"""Analysis: from closed bars and cut book features to scores, labels and regimes; pure."""

PUBLIC = (
    "alpha.estimates", "alpha.patterns", "breadth", "checkpoint", "component", "engine", "history", "overview",
    "percentile", "readings.evaluation", "regimes.dwell", "regimes.regime", "signals",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
