"""Makes incidents of conditions, and decides of which people are notified. Pure: times are passed in."""

PUBLIC = (
    "changes", "conditions", "fast.cones.bands", "fast.findings", "fast.liquidation", "fast.market_move",
    "fast.symbol", "host", "incidents", "limits", "outcomes.edges", "outcomes.equal", "outcomes.pending",
    "outcomes.performance", "policy", "refusals", "rules.evaluator", "rules.fields", "rules.mistakes",
    "rules.observed", "rules.parse", "rules.rule", "rules.values", "stages.budget", "stages.pipeline",
    "stages.stage_state", "universe_conditions",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
