"""What operators need: logs, health, measurements of the process itself."""

PUBLIC = (
    "build", "exposition", "flame", "health", "heartbeat", "host", "latency", "log_file", "logs", "metrics",
    "sampling", "streams", "validate.folder", "validate.judgement", "validate.rendering.markdown",
    "validate.rendering.page", "validate.report", "validate.sampling.plan", "validate.sampling.progress",
    "validate.sampling.window", "watchdog",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
