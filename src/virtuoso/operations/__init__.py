"""What operators need: logs, health, measurements of the process itself."""
