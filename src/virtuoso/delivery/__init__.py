"""From the outbox to people: delivery of committed notices, and the channels they go through."""

PUBLIC = (
    "card", "channels.protocol", "channels.registry", "channels.spec", "chart", "outbox.outbox", "outbox.protocol",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
