"""The HTTP API and the status page, over published documents."""

PUBLIC = (
    "access", "app", "connections.limits", "connections.listening", "connections.server", "published_health",
    "wrong_tokens",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
