"""Asks a running deployment and its exchange for the length of a window, and writes what came, line by line."""
