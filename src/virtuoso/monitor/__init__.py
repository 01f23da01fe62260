"""The monitor: composes the rooms and owns the cycle."""

PUBLIC = (
    "alerting.alerting", "alerting.root", "alerting.rule_values", "app", "beats", "cycle.alert_context",
    "cycle.statements",
    "documents.publication", "kernel", "persistence.committer", "schedule", "status", "tasks", "vitals",
    "watching.list_polls", "watching.slow_data",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
