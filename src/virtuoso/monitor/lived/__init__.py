"""Keeps what was said and what came of it, and publishes how good it was."""
