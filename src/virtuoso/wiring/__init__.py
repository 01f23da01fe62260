"""Makes plain, comparable parts from settings; below the commands, no other room reads settings."""

PUBLIC = (
    "alerting", "channels", "detectors", "folders", "logs", "monitor", "parts", "program", "recording", "restart",
    "rule_files", "session_secret", "stores",
)  # fmt: skip
"""Modules that other rooms may import; the others are its own."""
