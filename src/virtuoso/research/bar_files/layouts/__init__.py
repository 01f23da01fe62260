"""Recognises how a file of bars is laid out, by a table of layouts."""
