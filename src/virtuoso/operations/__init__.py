"""What operators need: logs, health, measurements of the process itself."""

PUBLIC = (
    "build", "health", "heartbeat", "host", "logs", "metrics", "streams", "watchdog",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
