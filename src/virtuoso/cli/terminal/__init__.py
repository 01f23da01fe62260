"""Draws tables, boards and progress on a terminal, and asks a running Virtuoso."""
