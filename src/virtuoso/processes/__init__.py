"""Holds what a command starts: the processes of the program, how they share sockets, and how they end."""

PUBLIC = (
    "announcing", "backups", "checking.check", "checking.doctor", "checking.finding", "fast", "loading", "monitor",
    "profiling", "recordings.export", "recordings.served", "reload", "runtime", "stopping", "up",
    "web.worker", "web.workers",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
